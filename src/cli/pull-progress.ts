/** Shows a pull: a bar that is redrawn on a terminal, now and then a line elsewhere. */
import type { PullEvent } from '../core/model-store.ts';
import type { Clock } from '../core/clock.ts';
import { formatBytes, formatDuration } from './format.ts';
import type { Terminal } from './terminal.ts';

const redrawMs = 100;
const lineEveryMs = 10_000;
const barCells = 20;

type Progress = Extract<PullEvent, { type: 'pull-progress' }>;

export class PullProgress {
  readonly #terminal: Terminal;
  readonly #clock: Clock;
  #drawn = false;
  #lastMs = Number.NEGATIVE_INFINITY;

  constructor(terminal: Terminal, clock: Clock) {
    this.#terminal = terminal;
    this.#clock = clock;
  }

  show(event: PullEvent): void {
    switch (event.type) {
      case 'pull-start': {
        const resumed = event.resumedBytes > 0 ? `, ${formatBytes(event.resumedBytes)} are here already` : '';
        const size = event.totalBytes === undefined ? '' : ` (${formatBytes(event.totalBytes)}${resumed})`;
        this.#line(`fetching ${event.file}${size}`);
        return;
      }
      case 'source-start':
        this.#line(`  from ${event.source}`);
        return;
      case 'source-failed':
        this.#line(`  not from ${event.source}: ${event.reason}`);
        return;
      case 'pull-progress':
        this.#progress(event);
        return;
      case 'file-done':
        this.#line(`  ${event.file}: ${formatBytes(event.sizeBytes)}, sha256 ${event.sha256.slice(0, 12)}… is right`);
        return;
      case 'pull-done':
        this.clear();
    }
  }

  /** Takes the bar away, so that other text can follow. */
  clear(): void {
    if (this.#drawn) this.#terminal.note('\r\u001B[K');
    this.#drawn = false;
  }

  #line(text: string): void {
    this.clear();
    this.#terminal.note(`${text}\n`);
  }

  #progress(event: Progress): void {
    const now = this.#clock.now();
    const isTerminal = this.#terminal.noteIsTerminal;
    if (now - this.#lastMs < (isTerminal ? redrawMs : lineEveryMs)) return;
    this.#lastMs = now;
    if (!isTerminal) {
      this.#terminal.note(`  ${progressText(event)}\n`);
      return;
    }
    // A line that wraps cannot be redrawn.
    const text = `  ${barOf(event)}${progressText(event)}`.slice(0, this.#terminal.columns() - 1);
    this.#terminal.note(`\r${text}\u001B[K`);
    this.#drawn = true;
  }
}

/** `43 %  480.2 MiB of 1065.6 MiB  23.1 MiB/s  0:25 left` */
export function progressText({ receivedBytes, totalBytes, bytesPerSecond, remainingSeconds }: Progress): string {
  const share = totalBytes === undefined ? [] : [`${Math.floor((100 * receivedBytes) / totalBytes)} %`];
  const amount = `${formatBytes(receivedBytes)}${totalBytes === undefined ? '' : ` of ${formatBytes(totalBytes)}`}`;
  const left = remainingSeconds === undefined ? [] : [`${formatDuration(remainingSeconds)} left`];
  return [...share, amount, `${formatBytes(Math.round(bytesPerSecond))}/s`, ...left].join('  ');
}

function barOf({ receivedBytes, totalBytes }: Progress): string {
  if (totalBytes === undefined) return '';
  const filled = Math.floor((barCells * receivedBytes) / totalBytes);
  return `${'█'.repeat(filled)}${'░'.repeat(Math.max(0, barCells - filled))} `;
}
