/** Shows a training: where it is, and a line for each epoch. */
import { systemClock } from '../../core/clock.ts';
import type { FinetuneEvent } from '../../engine/finetune/finetune.ts';
import { formatBytes, formatDuration } from '../format.ts';
import { ProgressLine } from '../progress-line.ts';
import type { Terminal } from '../terminal.ts';

export class FinetuneProgress {
  readonly #progress: ProgressLine;

  constructor(terminal: Terminal) {
    this.#progress = new ProgressLine(terminal, systemClock);
  }

  show(event: FinetuneEvent): void {
    switch (event.type) {
      case 'start':
        for (const line of startLines(event)) this.#progress.line(line);
        return;
      case 'widen':
        this.#progress.line('  writing the weights as 32-bit numbers, by which it learns faster');
        return;
      case 'resumed':
        this.#progress.line(`  going on in epoch ${event.epoch}, after ${event.step} steps`);
        return;
      case 'check':
        this.#progress.line(checkLine(event));
        return;
      case 'step': {
        const { epoch, step, steps, loss, tokensPerSecond, remainingSeconds } = event;
        this.#progress.show(
          `epoch ${epoch}`,
          `  epoch ${epoch}, step ${step} of ${steps}: loss ${loss.toFixed(3)}, ${tokensPerSecond.toFixed(0)} tokens/s, ${formatDuration(remainingSeconds)} left`,
        );
        return;
      }
      case 'checkpoint':
    }
  }

  clear(): void {
    this.#progress.clear();
  }
}

function startLines(event: Extract<FinetuneEvent, { type: 'start' }>): string[] {
  const { name, model, encoded, repeatedLines, windowTokens, threads, busyShare, neededBytes, availableBytes } = event;
  const lines = [
    `training ${name} on ${model}: ${encoded.trainExamples} examples to learn from, ${encoded.validationExamples} kept apart to check by`,
    `  ${encoded.learntTokens} of ${encoded.tokens} tokens are answers and are learnt; the longest example has ${encoded.longestTokens}, computed are ${windowTokens}`,
    `  memory: about ${formatBytes(neededBytes)} of ${formatBytes(availableBytes)}; ${threads} threads${busyShare < 1 ? `, ${Math.round(busyShare * 100)} % of the time` : ''}, after whatever else runs`,
  ];
  if (repeatedLines > 0) lines.push(`  ${repeatedLines} lines say what an earlier one says and are left out`);
  if (encoded.cutLines.length > 0) lines.push(`  cut at ${windowTokens} tokens: ${lineList(encoded.cutLines)}`);
  if (encoded.droppedLines.length > 0)
    lines.push(`  left out, for no answer begins in time: ${lineList(encoded.droppedLines)}`);
  if (encoded.controlTextLines.length > 0) {
    lines.push(`  text of control tokens is learnt as plain text: ${lineList(encoded.controlTextLines)}`);
  }
  return lines;
}

function lineList(lines: readonly number[]): string {
  const shown = lines.slice(0, 8).join(', ');
  return `line${lines.length === 1 ? '' : 's'} ${shown}${lines.length > 8 ? ` and ${lines.length - 8} more` : ''}`;
}

function checkLine({ epoch, loss, isBest }: Extract<FinetuneEvent, { type: 'check' }>): string {
  const when = epoch === 0 ? 'before' : `after epoch ${epoch}`;
  return `  ${when}: loss ${loss.toFixed(3)} on the examples kept apart${isBest ? ', the best so far' : ''}`;
}
