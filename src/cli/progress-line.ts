/** One line that is redrawn on a terminal; elsewhere a line for each stage and now and then one between. */
import type { Clock } from '../core/clock.ts';
import type { Terminal } from './terminal.ts';

const redrawMs = 100;
const lineEveryMs = 10_000;

export class ProgressLine {
  readonly #terminal: Terminal;
  readonly #clock: Clock;
  #stage = '';
  #lastMs = Number.NEGATIVE_INFINITY;
  #isDrawn = false;

  constructor(terminal: Terminal, clock: Clock) {
    this.#terminal = terminal;
    this.#clock = clock;
  }

  /** @param text without a line break; `stage` says when a new kind of work began */
  show(stage: string, text: string): void {
    const isNew = stage !== this.#stage;
    const everyMs = this.#terminal.noteIsTerminal ? redrawMs : lineEveryMs;
    if (!isNew && this.#clock.now() - this.#lastMs < everyMs) return;
    this.#stage = stage;
    this.#lastMs = this.#clock.now();
    if (!this.#terminal.noteIsTerminal) {
      this.#terminal.note(`${text}\n`);
      return;
    }
    this.#terminal.note(`\r\u001B[K${text.slice(0, this.#terminal.columns() - 1)}`);
    this.#isDrawn = true;
  }

  /** A line of its own, above the one that is redrawn. */
  line(text: string): void {
    this.clear();
    this.#terminal.note(`${text}\n`);
  }

  clear(): void {
    if (this.#isDrawn) this.#terminal.note('\r\u001B[K');
    this.#isDrawn = false;
  }
}
