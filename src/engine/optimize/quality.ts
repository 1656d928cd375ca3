/** Runs a model over the evaluation text and compares what it expects next with what the source file expects. */
import { open, type FileHandle } from 'node:fs/promises';
import { makeError } from '../../core/errors.ts';
import { NativeContext, TokenBatch } from '../native/context.ts';
import type { NativeModel } from '../native/model.ts';
import type { Quality } from './choose-recipe.ts';
import { mostTextTokens } from './room.ts';
import { divergence, negativeLogLikelihood } from './divergence.ts';

/** Tokens computed at once; each window starts from an empty context. */
const windowTokens = 256;
/** The first tokens of a window have too little before them to say much. */
const skippedTokens = 8;

/** Of fewer the mean says nothing. */
const leastPlaces = 200;

/** Logits of a source over a text. */
export type Reference = { file: string; threads: number; text: string };

export type TextWindow = { tokens: number[]; logitsAt(index: number): Float32Array };

/** Walks over a text window by window, with the logits of every token; valid until the next window. */
export function* textWindows(
  model: NativeModel,
  text: string,
  options: { threads: number; evaluationCallback?: unknown },
): Generator<TextWindow> {
  const context = NativeContext.create(model, {
    cells: windowTokens,
    batchTokens: windowTokens,
    maxSequences: 1,
    maxOutputs: windowTokens,
    keyCacheType: 'f16',
    valueCacheType: 'f16',
    flashAttention: 'auto',
    ...options,
  });
  const batch = new TokenBatch(windowTokens);
  try {
    const tokens = [...model.tokenize(text, false, false)].slice(0, mostTextTokens);
    for (let start = 0; start < tokens.length; start += windowTokens) {
      const window = tokens.slice(start, start + windowTokens);
      if (window.length <= skippedTokens + 1) return;
      batch.clear();
      window.forEach((token, position) => batch.add(token, position, 0, true));
      context.removeSequence(0);
      context.decode(batch);
      yield { tokens: window, logitsAt: (index) => context.logits(index) };
    }
  } finally {
    context.dispose();
  }
}

/** Places of a window at which the next token is known and enough stands before it. */
function* places({ tokens }: TextWindow): Generator<{ index: number; next: number }> {
  for (let index = skippedTokens; index + 1 < tokens.length; index++)
    yield { index, next: tokens[index + 1] as number };
}

/** Keeps the source's logits in a file. Returns its perplexity. Throws `config_invalid` for a text that is too short. */
export async function writeReference(
  model: NativeModel,
  { file, threads, text }: Reference,
  onProgress: (share: number) => void,
): Promise<{ perplexity: number; tokens: number }> {
  const target = await open(file, 'w', 0o600);
  const progressOf = progressIn(model, text);
  let loss = 0;
  let count = 0;
  try {
    for (const window of textWindows(model, text, { threads })) {
      for (const { index, next } of places(window)) {
        const logits = window.logitsAt(index);
        await target.write(new Uint8Array(logits.buffer, logits.byteOffset, logits.byteLength));
        loss += negativeLogLikelihood(logits, next);
        count++;
      }
      onProgress(progressOf(count));
    }
  } finally {
    await target.close();
  }
  if (count < leastPlaces) {
    const reason = `the text to measure on has ${count} tokens to compare; at least ${leastPlaces} are needed`;
    throw makeError('config_invalid', { reason });
  }
  return { perplexity: Math.exp(loss / count), tokens: count };
}

/** Throws `model_file_invalid` where the file has another vocabulary than the source. */
export async function compareWithReference(
  model: NativeModel,
  { file, threads, text }: Reference,
  onProgress: (share: number) => void,
): Promise<Quality> {
  const source = await open(file, 'r');
  const reference = new Float32Array(model.vocabularySize);
  const divergences: number[] = [];
  const progressOf = progressIn(model, text);
  let same = 0;
  let loss = 0;
  try {
    for (const window of textWindows(model, text, { threads })) {
      for (const { index, next } of places(window)) {
        await readRow(source, reference);
        const logits = window.logitsAt(index);
        const { kl, sameTop } = divergence(reference, logits);
        divergences.push(kl);
        if (sameTop) same++;
        loss += negativeLogLikelihood(logits, next);
      }
      onProgress(progressOf(divergences.length));
    }
  } finally {
    await source.close();
  }
  const count = divergences.length;
  const kl = divergences.reduce((sum, value) => sum + value, 0) / count;
  const variance = divergences.reduce((sum, value) => sum + (value - kl) ** 2, 0) / Math.max(1, count - 1);
  return { kl, klError: Math.sqrt(variance / count), sameTop: same / count, perplexity: Math.exp(loss / count) };
}

async function readRow(file: FileHandle, row: Float32Array): Promise<void> {
  const bytes = new Uint8Array(row.buffer);
  const { bytesRead } = await file.read(bytes, 0, bytes.length);
  if (bytesRead < bytes.length) {
    throw makeError('model_file_invalid', {
      file: 'the candidate',
      reason: 'its vocabulary is not that of the source',
    });
  }
}

function progressIn(model: NativeModel, text: string): (done: number) => number {
  const all = Math.min(mostTextTokens, model.tokenize(text, false, false).length);
  return (done) => Math.min(1, done / Math.max(1, all));
}
