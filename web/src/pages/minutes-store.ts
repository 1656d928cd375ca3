/** The meeting that is being worked on: it goes on while another page is looked at. */
import { progressOf } from '../api/administration.ts';
import { isRecord } from '../api/api-error.ts';

export type MinutesState = {
  step: 'idle' | 'working' | 'done' | 'failed';
  stage: string;
  /** Of `total`, where that is known: seconds of sound, parts of notes. */
  done: number;
  total: number | undefined;
  lines: readonly { at: number; speaker: string; text: string }[];
  markdown: string;
  error: unknown;
};

export type MinutesWishes = { file: File; title: string; language: string };
type Progress = {
  type: string;
  stage?: string;
  done?: number;
  total?: number | null;
  line?: { start: number; speaker: string | null; text: string };
  markdown?: string;
};

const idle: MinutesState = {
  step: 'idle',
  stage: '',
  done: 0,
  total: undefined,
  lines: [],
  markdown: '',
  error: undefined,
};

class MinutesStore {
  #state = idle;
  #running: AbortController | undefined;
  readonly #watchers = new Set<() => void>();

  readonly subscribe = (watcher: () => void): (() => void) => {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  };

  readonly snapshot = (): MinutesState => this.#state;

  stop(): void {
    this.#running?.abort();
  }

  async make({ file, title, language }: MinutesWishes): Promise<void> {
    if (this.#running !== undefined) return;
    const controller = new AbortController();
    this.#running = controller;
    this.#set({ ...idle, step: 'working' });
    const form = new FormData();
    form.set('file', file);
    form.set('stream', 'true');
    form.set('response_format', 'markdown');
    if (title !== '') form.set('title', title);
    if (language !== '') form.set('language', language);
    form.set('date', today());
    try {
      const isDone = ({ type }: Progress): boolean => type === 'minutes.done';
      const events = progressOf<Progress>('/v1/minutes', { body: form, signal: controller.signal }, isDone);
      for await (const event of events) this.#take(event);
      this.#set({ step: 'done' });
    } catch (error) {
      // What was heard stays; the server goes on from there when the same recording is sent again.
      this.#set(controller.signal.aborted ? { step: 'idle' } : { step: 'failed', error });
    } finally {
      this.#running = undefined;
    }
  }

  #take({ type, stage, done, total, line, markdown }: Progress): void {
    if (type === 'minutes.progress') {
      this.#set({ stage: stage ?? '', done: done ?? 0, total: total ?? undefined });
    } else if (type === 'minutes.transcript.line' && isRecord(line)) {
      const heard = { at: line.start, speaker: line.speaker ?? '', text: line.text };
      this.#set({ lines: [...this.#state.lines, heard] });
    } else if (type === 'minutes.done') this.#set({ markdown: markdown ?? '' });
  }

  #set(change: Partial<MinutesState>): void {
    this.#state = { ...this.#state, ...change };
    for (const watcher of this.#watchers) watcher();
  }
}

export const minutes = new MinutesStore();

/** Where the user is; what was said of "next Friday" is counted from it. */
function today(): string {
  const now = new Date();
  return `${now.getFullYear()}-${String(now.getMonth() + 1).padStart(2, '0')}-${String(now.getDate()).padStart(2, '0')}`;
}
