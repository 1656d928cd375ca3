/** A LoRA adapter that was read for a loaded model: small matrices that are added to its weights while a batch is computed. */
import { makeError } from '../../core/errors.ts';
import type { NativeContext } from './context.ts';
import type { Pointer } from './library.ts';
import { isNull, type NativeModel } from './model.ts';

export class NativeAdapter {
  /** What tells it from others; prefixes computed with one are of no use to another. */
  readonly key: string;
  readonly pointer: Pointer;
  readonly #model: NativeModel;
  /** Contexts that compute with it now. */
  readonly #contexts = new Set<NativeContext>();
  #disposed = false;

  private constructor(model: NativeModel, pointer: Pointer, key: string) {
    this.#model = model;
    this.pointer = pointer;
    this.key = key;
  }

  /**
   * Reads the file; its header must have been held against the model's before (`checkAdapter`), for native code trusts it.
   * Blocks for the time it takes to read some megabytes. Throws `adapter_invalid`.
   */
  static load(model: NativeModel, path: string, key: string): NativeAdapter {
    const pointer = model.native.adapterLoad(model.pointer, path) as Pointer;
    if (isNull(pointer)) {
      throw makeError('adapter_invalid', { file: 'The adapter', reason: 'the native library could not load it' });
    }
    return new NativeAdapter(model, pointer, key);
  }

  /** For contexts only: they say when they begin and stop to use it. */
  usedBy(context: NativeContext, inUse: boolean): void {
    if (inUse) this.#contexts.add(context);
    else this.#contexts.delete(context);
  }

  /** Before its model is. Contexts that still compute with it go back to the model alone. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    for (const context of this.#contexts) context.useAdapter(undefined);
    this.#model.native.adapterFree(this.pointer);
  }
}
