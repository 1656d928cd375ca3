/**
 * One tab at a time holds the engine: two copies of a model would take the memory of both. A tab that needs it asks; the
 * one that has it gives it up after its running answer, and loads again when it is asked itself.
 */
const lockName = 'duanyun-engine';

export class EngineTurn {
  readonly #unload: () => Promise<void>;
  readonly #channel = new BroadcastChannel(lockName);
  #letGo: (() => void) | undefined;

  /** @param unload resolves when the engine's memory is free */
  constructor(unload: () => Promise<void>) {
    this.#unload = unload;
    this.#channel.addEventListener('message', () => void this.release());
  }

  /** Resolves when no other tab has the engine. */
  async take(): Promise<void> {
    if (this.#letGo !== undefined) return;
    const { held = [] } = await navigator.locks.query();
    if (held.some(({ name }) => name === lockName)) this.#channel.postMessage('wanted');
    await new Promise<void>((resolve, reject) => {
      navigator.locks
        .request(
          lockName,
          () =>
            new Promise<void>((letGo) => {
              this.#letGo = letGo;
              resolve();
            }),
        )
        .catch(reject);
    });
  }

  async release(): Promise<void> {
    const letGo = this.#letGo;
    if (letGo === undefined) return;
    this.#letGo = undefined;
    await this.#unload();
    letGo();
  }
}
