/** Shows a search: where it is, and a line for each candidate. */
import { systemClock } from '../../core/clock.ts';
import type { OptimizeEvent, OptimizeStep } from '../../engine/optimize/optimizer.ts';
import { formatBytes } from '../format.ts';
import { ProgressLine } from '../progress-line.ts';
import type { Terminal } from '../terminal.ts';
import { ratio } from './result-text.ts';

const stepNames: Readonly<Record<OptimizeStep, string>> = {
  reference: 'reading the source',
  published: 'comparing the published file',
  quantise: 'rounding to',
  compose: 'writing',
  quality: 'comparing',
  speed: 'timing',
};

export class OptimizeProgress {
  readonly #progress: ProgressLine;

  constructor(terminal: Terminal) {
    this.#progress = new ProgressLine(terminal, systemClock);
  }

  show(event: OptimizeEvent): void {
    switch (event.type) {
      case 'optimize-start':
        this.#progress.line(`optimising ${event.model} for ${event.goal}: ${event.candidates} candidates`);
        return;
      case 'step': {
        const { step, recipe, number, of, share } = event;
        const text = `  [${number}/${of}] ${stepNames[step]}${recipe === undefined ? '' : ` ${recipe}`}`;
        this.#progress.show(`${number} ${step}`, `${text} ${Math.round(share * 100)} %`);
        return;
      }
      case 'published':
        this.#progress.line(`  the published file itself: KL ${event.quality.kl.toFixed(4)} from the source`);
        return;
      case 'candidate': {
        const { recipe, sizeBytes, quality, measured } = event.candidate;
        const speed =
          measured === undefined
            ? 'too far from the source for this goal'
            : `prefill ${ratio(measured.speed.prefill)}, decode ${ratio(measured.speed.decode)}, 8 streams ${ratio(measured.speed.eightStreams)}`;
        this.#progress.line(`  ${recipe.id}: ${formatBytes(sizeBytes)}, KL ${quality.kl.toFixed(4)}, ${speed}`);
      }
    }
  }

  clear(): void {
    this.#progress.clear();
  }
}
