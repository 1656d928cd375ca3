import { endOfText, firstSpecialToken, firstTimestamp } from '../../../../models/whisper/whisper-tokens.ts';
import { placeBeams, type Hypothesis, type SearchStart } from './beam-search.ts';
import { allowedAfter } from './next-tokens.ts';
import type { WhisperModel } from './whisper-model.ts';

export type SamplingStart = SearchStart & {
  logits: Float32Array;
  temperature: number;
  /** Independent tries; the most likely one is taken. */
  tries: number;
  suppressed: ReadonlySet<number>;
};

/** Draws whole answers at a temperature, for windows on which the beam search went in circles. Same input, same answer. */
export async function sample(model: WhisperModel, start: SamplingStart): Promise<Hypothesis> {
  const random = seededRandom(Math.round(start.temperature * 1000) + start.promptLength);
  let running: Hypothesis[] = Array.from({ length: start.tries }, () => ({ tokens: [], logprob: 0 }));
  let logits: Float32Array[] = running.map(() => start.logits);
  let parents = running.map(() => 0);
  const finished: Hypothesis[] = [];
  for (let written = 0; ; written++) {
    start.signal.throwIfAborted();
    const kept: number[] = [];
    const next: Hypothesis[] = [];
    running.forEach(({ tokens, logprob }, index) => {
      const drawn = draw(tokens, logits[index] as Float32Array, start, random);
      const total = logprob + drawn.logprob;
      if (drawn.token === endOfText) finished.push({ tokens, logprob: total });
      else {
        next.push({ tokens: [...tokens, drawn.token], logprob: total });
        kept.push(parents[index] as number);
      }
    });
    const position = start.promptLength + written;
    if (next.length === 0) break;
    if (written + 1 >= start.mostTokens || position >= model.textPositions) {
      finished.push(...next);
      break;
    }
    const order = placeBeams(model, kept, position);
    running = order.map((index) => next[index] as Hypothesis);
    const tokens = running.map((each) => each.tokens.at(-1) as number);
    ({ logits } = await model.stepWithLogits(start.sound, tokens, position));
    parents = running.map((_, place) => place);
  }
  const mean = ({ tokens, logprob }: Hypothesis): number => logprob / Math.max(1, tokens.length);
  return finished.reduce((best, each) => (mean(each) > mean(best) ? each : best));
}

function draw(
  written: readonly number[],
  logits: Float32Array,
  { temperature, suppressed }: SamplingStart,
  random: () => number,
): { token: number; logprob: number } {
  const allowed = allowedAfter(written, logits.length - 1);
  const permitted = new Float64Array(logits.length).fill(Number.NEGATIVE_INFINITY);
  let bestText = Number.NEGATIVE_INFINITY;
  if (allowed.text) {
    for (let token = 0; token < firstSpecialToken; token++) {
      if (suppressed.has(token)) continue;
      permitted[token] = logits[token] as number;
      bestText = Math.max(bestText, permitted[token] as number);
    }
  }
  if (allowed.end) bestText = Math.max(bestText, (permitted[endOfText] = logits[endOfText] as number));
  let stamps = 0;
  for (let token = allowed.firstStamp; token <= allowed.lastStamp; token++) {
    permitted[token] = logits[token] as number;
    stamps += Math.exp((logits[token] as number) - bestText);
  }
  if (stamps > 1) permitted.fill(Number.NEGATIVE_INFINITY, 0, firstTimestamp);
  const largest = permitted.reduce((most, each) => Math.max(most, each), Number.NEGATIVE_INFINITY);
  let total = 0;
  let heated = 0;
  for (const each of permitted) {
    total += Math.exp(each - largest);
    heated += Math.exp((each - largest) / temperature);
  }
  let rest = random() * heated;
  let token = permitted.indexOf(largest);
  for (let index = 0; index < permitted.length; index++) {
    rest -= Math.exp(((permitted[index] as number) - largest) / temperature);
    if (rest <= 0) {
      token = index;
      break;
    }
  }
  return { token, logprob: (permitted[token] as number) - largest - Math.log(total) };
}

/** Mulberry32. */
function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
