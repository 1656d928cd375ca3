/** The same work for every contender: token ids, so that no tokenizer stands between them. */
import type { NativeModel } from '../../src/engine/native/model.ts';

/** A prompt that a model continues for long. The number makes prompts differ from their beginning. */
export function countingPrompt(model: NativeModel, number: number): number[] {
  const text = `${number + 1}. Count upwards, one number a line, without a comment:\n1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n`;
  return [...model.tokenize(text, false, false)];
}

/** Ordinary text of exactly `length` tokens; different for each `number` from its first token on. */
export function textPrompt(model: NativeModel, length: number, number: number): number[] {
  const sentences: string[] = [`${number} `];
  for (let line = 0; line < length; line++) {
    sentences.push(
      `In report ${(line * 7919 + number * 104_729) % 9973} the team of city ${(line * 31 + number) % 997} wrote down what it had seen on the way. `,
    );
  }
  return [...model.tokenize(sentences.join(''), false, false)].slice(0, length);
}

export function median(values: number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  const middle = sorted.length / 2;
  if (sorted.length % 2 === 1) return sorted[Math.floor(middle)] ?? Number.NaN;
  return ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2;
}

/** Nearest-rank percentile; `share` 0–1. */
export function percentile(values: number[], share: number): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}
