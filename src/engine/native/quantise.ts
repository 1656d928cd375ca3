/** Writes a GGUF file anew with other number formats for its tensors. */
import koffi, { type TypeObject } from 'koffi';
import { makeError } from '../../core/errors.ts';
import { loadNative, type Pointer } from './library.ts';
import { callAsync } from './model.ts';
import { llamaImportanceData, llamaTensorOverride, type StructValue } from './structs.ts';

/** Number formats that this engine writes, by their `enum ggml_type` of ggml.h. */
export const tensorTypes = { f32: 0, q4_0: 2, q8_0: 8, q4_k: 12, iq4_nl: 20 } as const;
export type TensorType = keyof typeof tensorTypes;
/** `enum llama_ftype` of llama.h: what the file calls itself, and the format of every matrix that no override names. */
const fileTypes = { f32: 0, q4_0: 2, q8_0: 7, q4_k: 15, iq4_nl: 25 } as const satisfies Record<TensorType, number>;

/** Mean square of what each column of a weight matrix is multiplied with, by the tensor's name. */
export type Importance = ReadonlyMap<string, Float32Array>;

export type QuantiseOptions = {
  source: string;
  /** Overwritten where it exists; unusable until the call is done. */
  target: string;
  base: TensorType;
  /** Numbers of `enum ggml_type` by tensor name; the base type fills the rest. A tensor that has its type already is copied. */
  types?: ReadonlyMap<string, number>;
  /** Layers to leave out, by index. Experimental: the answers suffer. */
  pruneLayers?: readonly number[];
  importance?: Importance;
  threads: number;
};

/** Blocks no event loop; runs on koffi's thread pool. Throws `engine_failed` (the message says no more than the library does). */
export async function quantise(options: QuantiseOptions): Promise<void> {
  const native = loadNative();
  const keep = new NativeMemory();
  const parameters = native.quantizeDefaultParams() as StructValue;
  parameters['nthread'] = options.threads;
  parameters['ftype'] = fileTypes[options.base];
  parameters['allow_requantize'] = true;
  if (options.types !== undefined && options.types.size > 0) {
    // The library takes regular expressions.
    const entries = [...options.types].map(([name, type]) => ({
      pattern: keep.text(`^${name.replaceAll('.', String.raw`\.`)}$`),
      type,
    }));
    parameters['tt_overrides'] = keep.structs(llamaTensorOverride, [...entries, { pattern: null, type: 0 }]);
  }
  if (options.pruneLayers !== undefined && options.pruneLayers.length > 0) {
    parameters['prune_layers'] = keep.address(Int32Array.from([...options.pruneLayers, -1]));
  }
  if (options.importance !== undefined) {
    const entries = [...options.importance].map(([name, values]) => ({
      name: keep.text(name),
      data: keep.address(values),
      size: values.length,
    }));
    parameters['imatrix'] = keep.structs(llamaImportanceData, [...entries, { name: null, data: null, size: 0 }]);
  }
  const status = await callAsync<number>(native.quantize, options.source, options.target, parameters);
  keep.release();
  if (status !== 0) throw makeError('engine_failed', { reason: `llama_model_quantize returned ${status}` });
}

/** What native code points to while a call runs: kept referenced until `release`. */
class NativeMemory {
  #held: unknown[] = [];

  text(value: string): Pointer {
    return this.address(Buffer.from(`${value}\0`, 'utf8'));
  }

  address(values: ArrayBufferView): Pointer {
    this.#held.push(values);
    return koffi.address(values);
  }

  structs(type: TypeObject, values: StructValue[]): Pointer {
    const bytes = Buffer.alloc(koffi.sizeof(type) * values.length);
    values.forEach((value, index) => koffi.encode(bytes, index * koffi.sizeof(type), type, value));
    return this.address(bytes);
  }

  release(): void {
    this.#held = [];
  }
}
