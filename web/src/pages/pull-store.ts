/** Models on their way: they go on while another page is looked at, and can be paused; the server keeps what it has. */
import { pullModel } from '../api/administration.ts';

export type Pull = {
  state: 'running' | 'paused' | 'done' | 'failed';
  receivedBytes: number;
  totalBytes: number | undefined;
  bytesPerSecond: number;
  remainingSeconds: number | undefined;
  source: string;
  error: unknown;
};

const nothing: Pull = {
  state: 'running',
  receivedBytes: 0,
  totalBytes: undefined,
  bytesPerSecond: 0,
  remainingSeconds: undefined,
  source: '',
  error: undefined,
};

class PullStore {
  #pulls: ReadonlyMap<string, Pull> = new Map();
  readonly #controllers = new Map<string, AbortController>();
  readonly #watchers = new Set<() => void>();

  readonly subscribe = (watcher: () => void): (() => void) => {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  };

  readonly snapshot = (): ReadonlyMap<string, Pull> => this.#pulls;

  /** Begins, or goes on where it was paused. */
  async start(model: string): Promise<void> {
    if (this.#controllers.has(model)) return;
    const controller = new AbortController();
    this.#controllers.set(model, controller);
    const pull: Pull = { ...(this.#pulls.get(model) ?? nothing), state: 'running', error: undefined };
    const show = (): void => this.#set(model, { ...pull });
    show();
    try {
      for await (const event of pullModel(model, controller.signal)) {
        if (event.type === 'source-start') pull.source = event.source ?? '';
        if (event.type === 'pull-progress') {
          pull.receivedBytes = event.receivedBytes ?? 0;
          pull.totalBytes = event.totalBytes;
          pull.bytesPerSecond = event.bytesPerSecond ?? 0;
          pull.remainingSeconds = event.remainingSeconds;
        }
        show();
      }
      pull.state = 'done';
    } catch (error) {
      pull.state = controller.signal.aborted ? 'paused' : 'failed';
      if (pull.state === 'failed') pull.error = error;
    }
    this.#controllers.delete(model);
    show();
  }

  pause(model: string): void {
    this.#controllers.get(model)?.abort();
  }

  #set(model: string, pull: Pull): void {
    this.#pulls = new Map(this.#pulls).set(model, pull);
    for (const watcher of this.#watchers) watcher();
  }
}

export const pulls = new PullStore();
