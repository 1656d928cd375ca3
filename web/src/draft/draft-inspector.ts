import { trustedScript } from '../page/trusted-script.ts';
import type { DecisionBase, Draft, DraftVerdict } from './inspect.ts';
// oxlint-disable-next-line import/default -- Vite makes this module
import workerUrl from './inspect-worker.ts?worker&url';

type Reply = { id: number; verdict?: DraftVerdict; failure?: string; tookMs?: number };

/** One draft at a time; of those that come meanwhile only the newest counts. */
export class DraftInspector {
  #worker: Worker | undefined;
  #nextId = 0;
  #isBusy = false;
  #waiting: { draft: Draft; situation: DecisionBase | undefined } | undefined;
  readonly #onVerdict: (verdict: DraftVerdict | undefined) => void;

  /** @param onVerdict gets `undefined` where the inspection failed: the page then says nothing, and the server decides */
  constructor(onVerdict: (verdict: DraftVerdict | undefined) => void) {
    this.#onVerdict = onVerdict;
  }

  inspect(draft: Draft, situation: DecisionBase | undefined): void {
    if (this.#isBusy) {
      this.#waiting = { draft, situation };
      return;
    }
    this.#isBusy = true;
    this.#nextId += 1;
    this.#started().postMessage({ id: this.#nextId, draft, situation });
  }

  dispose(): void {
    this.#worker?.terminate();
    this.#worker = undefined;
    this.#isBusy = false;
    this.#waiting = undefined;
  }

  #started(): Worker {
    if (this.#worker !== undefined) return this.#worker;
    const worker = new Worker(trustedScript(workerUrl), { type: 'module' });
    worker.addEventListener('message', ({ data }: MessageEvent<Reply>) => this.#done(data));
    worker.addEventListener('error', () => this.#done({ id: this.#nextId, failure: 'worker' }));
    this.#worker = worker;
    return worker;
  }

  #done({ id, verdict, tookMs }: Reply): void {
    if (id !== this.#nextId) return;
    this.#isBusy = false;
    if (tookMs !== undefined)
      performance.measure('duanyun:inspect', { start: performance.now() - tookMs, duration: tookMs });
    const next = this.#waiting;
    this.#waiting = undefined;
    if (next === undefined) this.#onVerdict(verdict);
    else this.inspect(next.draft, next.situation);
  }
}
