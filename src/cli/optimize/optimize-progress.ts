/** Shows a search: one line that is redrawn on a terminal, a line for each candidate everywhere. */
import type { OptimizeEvent, OptimizeStep } from '../../engine/optimize/optimizer.ts';
import { formatBytes } from '../format.ts';
import type { Terminal } from '../terminal.ts';
import { ratio } from './result-text.ts';

const stepNames: Readonly<Record<OptimizeStep, string>> = {
  reference: 'reading the published file',
  quantise: 'rounding to',
  compose: 'writing',
  quality: 'comparing',
  speed: 'timing',
};

export class OptimizeProgress {
  readonly #terminal: Terminal;
  #drawn = false;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  show(event: OptimizeEvent): void {
    switch (event.type) {
      case 'optimize-start':
        this.#line(`optimising ${event.model} for ${event.goal}: ${event.candidates} candidates`);
        return;
      case 'step': {
        const { step, recipe, number, of, share } = event;
        const text = `  [${number}/${of}] ${stepNames[step]}${recipe === undefined ? '' : ` ${recipe}`}`;
        if (!this.#terminal.noteIsTerminal) return;
        this.#terminal.note(
          `\r\u001B[K${`${text} ${Math.round(share * 100)} %`.slice(0, this.#terminal.columns() - 1)}`,
        );
        this.#drawn = true;
        return;
      }
      case 'candidate': {
        const { recipe, sizeBytes, quality, measured } = event.candidate;
        const speed =
          measured === undefined
            ? 'too far from the published file for this goal'
            : `prefill ${ratio(measured.speed.prefill)}, decode ${ratio(measured.speed.decode)}, 8 streams ${ratio(measured.speed.eightStreams)}`;
        this.#line(`  ${recipe.id}: ${formatBytes(sizeBytes)}, KL ${quality.kl.toFixed(4)}, ${speed}`);
      }
    }
  }

  clear(): void {
    if (this.#drawn) this.#terminal.note('\r\u001B[K');
    this.#drawn = false;
  }

  #line(text: string): void {
    this.clear();
    this.#terminal.note(`${text}\n`);
  }
}
