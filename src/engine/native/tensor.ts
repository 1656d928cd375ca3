/** Looks into a `ggml_tensor` whose data lies in this process's memory. */
import koffi from 'koffi';

/** `struct ggml_tensor` of ggml.h in the pinned build; offsets in bytes on 64-bit platforms. */
const offsets = { elements: 16, data: 248, name: 256 } as const;
const maxNameBytes = 64;

export function tensorName(tensor: unknown): string {
  return koffi.decode(tensor, offsets.name, koffi.array('char', maxNameBytes, 'String')) as string;
}

export function tensorLength(tensor: unknown): number {
  const counts = koffi.decode(tensor, offsets.elements, koffi.array('int64', 4)) as BigInt64Array;
  return [...counts].reduce((product, count) => product * Number(count), 1);
}

/** A view, not a copy: what is written into it is what native code computes with. The tensor must hold F32. */
export function floatsOf(tensor: unknown): Float32Array {
  return new Float32Array(koffi.view(koffi.decode(tensor, offsets.data, 'void*'), tensorLength(tensor) * 4));
}

/** As `floatsOf`, for a tensor of I32. */
export function integersOf(tensor: unknown): Int32Array {
  return new Int32Array(koffi.view(koffi.decode(tensor, offsets.data, 'void*'), tensorLength(tensor) * 4));
}
