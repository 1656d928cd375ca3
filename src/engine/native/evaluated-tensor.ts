/** What a callback for `cb_eval` can read of the tensor it is shown. */
import koffi from 'koffi';

/** `struct ggml_tensor` of ggml.h in the pinned build; offsets in bytes on 64-bit platforms. */
const offsets = { type: 0, elements: 16, sources: 152, data: 248, name: 256 } as const;
const nameText = koffi.array('char', 64, 'String');
const fourCounts = koffi.array('int64', 4);
/** `GGML_TYPE_F32`. */
export const floatType = 0;

/** For `koffi.register`: `(tensor, ask) => boolean`. Asked first whether it wants the tensor, then shown it. */
export const evaluationCallback = koffi.pointer(
  koffi.proto('bool ggml_evaluation_callback(void* tensor, bool ask, void* data)'),
);

export function tensorType(tensor: unknown): number {
  return koffi.decode(tensor, offsets.type, 'int32') as number;
}

export function tensorName(tensor: unknown): string {
  return koffi.decode(tensor, offsets.name, nameText) as string;
}

/** Elements in each dimension, the innermost first. */
export function tensorElements(tensor: unknown): [number, number, number, number] {
  const counts = koffi.decode(tensor, offsets.elements, fourCounts) as BigInt64Array;
  return [...counts].map(Number) as [number, number, number, number];
}

/** An operand of the operation that made the tensor; null where there is none. */
export function tensorSource(tensor: unknown, index: number): unknown {
  return koffi.decode(tensor, offsets.sources + 8 * index, 'void*');
}

/** The numbers of a contiguous F32 tensor in the CPU's memory; a view that the next operation may overwrite. */
export function tensorFloats(tensor: unknown): Float32Array {
  const count = tensorElements(tensor).reduce((product, elements) => product * elements, 1);
  return new Float32Array(koffi.view(koffi.decode(tensor, offsets.data, 'void*'), count * 4));
}
