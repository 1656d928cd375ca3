/** Adapters that are in memory for the loaded model, the ones used last. */
import { NativeAdapter } from '../../native/adapter.ts';
import type { NativeModel } from '../../native/model.ts';
import type { AdapterUse } from '../../host/messages.ts';

/** A rank of 8 is some megabytes for a small model, tens for a large one. */
const mostLoaded = 8;

type Entry = { adapter: NativeAdapter; users: number };

export class AdapterShelf {
  readonly #model: NativeModel;
  /** Least recently used first. */
  readonly #entries = new Map<string, Entry>();

  constructor(model: NativeModel) {
    this.#model = model;
  }

  /** Reads it where it is not here yet; call `release` when the request is over. Throws `adapter_invalid`. */
  take({ path, sha256 }: AdapterUse): { adapter: NativeAdapter; release: () => void } {
    const entry = this.#entries.get(sha256) ?? { adapter: NativeAdapter.load(this.#model, path, sha256), users: 0 };
    this.#entries.delete(sha256);
    this.#entries.set(sha256, entry);
    entry.users++;
    this.#makeRoom();
    let released = false;
    return {
      adapter: entry.adapter,
      release: () => {
        if (!released) entry.users--;
        released = true;
      },
    };
  }

  dispose(): void {
    for (const { adapter } of this.#entries.values()) adapter.dispose();
    this.#entries.clear();
  }

  /** One that a request still needs stays, however many there are. */
  #makeRoom(): void {
    for (const [key, { adapter, users }] of this.#entries) {
      if (this.#entries.size <= mostLoaded) return;
      if (users > 0) continue;
      this.#entries.delete(key);
      adapter.dispose();
    }
  }
}
