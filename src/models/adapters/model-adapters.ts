/** The adapters of the store as the running model may use them. */
import type { Adapter, DeviceAdapters } from '../../core/adapters.ts';
import { makeError } from '../../core/errors.ts';
import type { InstalledModel } from '../../core/model-store.ts';
import { readGgufHeader, type GgufHeader } from '../gguf.ts';
import type { AdapterStore } from './adapter-store.ts';
import { checkAdapter } from './check-adapter.ts';

export class ModelAdapters implements DeviceAdapters {
  readonly #store: AdapterStore;
  readonly #model: Pick<InstalledModel, 'entry' | 'source'>;
  readonly #header: GgufHeader;
  /** Files that were held against the model, by hash. */
  readonly #checked = new Set<string>();

  /** @param header that of the model's weights; a file optimised for the device has the same tensors as the published one */
  constructor(store: AdapterStore, model: Pick<InstalledModel, 'entry' | 'source'>, header: GgufHeader) {
    this.#store = store;
    this.#model = model;
    this.#header = header;
  }

  usable(): Adapter[] {
    return this.#store.list().filter(({ base }) => base === this.#model.source);
  }

  async require(name: string): Promise<Adapter> {
    const adapter = this.#store.find(name);
    const { entry, source } = this.#model;
    if (adapter.base !== source) throw otherModel(adapter, entry.id);
    if (!this.#checked.has(adapter.sha256)) {
      checkAdapter(await readGgufHeader(adapter.path), this.#header, adapter.name, entry.id);
      this.#checked.add(adapter.sha256);
    }
    return adapter;
  }
}

/** `adapter_mismatch` for an adapter that was made for other weights. */
export function otherModel(adapter: Adapter, model: string): Error {
  const reason =
    adapter.model === model
      ? `it was made for another file of ${model} (${adapter.base.slice(0, 19)}…)`
      : `it was made for ${adapter.model}`;
  return makeError('adapter_mismatch', { adapter: adapter.name, model, reason });
}
