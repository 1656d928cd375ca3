import { endOfText, firstTimestamp } from '../../../../models/whisper/whisper-tokens.ts';
import { candidatesAfter } from './next-tokens.ts';
import type { HeardSound, StepScores, WhisperModel } from './whisper-model.ts';

export type Hypothesis = {
  /** After the prompt, without the end. */
  tokens: number[];
  /** Sum of the natural-log probabilities, the end included. */
  logprob: number;
};
export type SearchStart = {
  sound: HeardSound;
  /** Tokens in the cache, the scores after the last of which are `scores`. */
  promptLength: number;
  scores: StepScores;
  mostTokens: number;
  signal: AbortSignal;
};

/** A beam this far (natural log) behind the best one is dropped. Saves a fifth of the time or more; in one of three recordings tried it moved a comma. */
const hopelessBehind = 2.5;
/** So many further tokens without any loss are granted to a beam before it is given up against a finished one. */
const grantedTokens = 15;

/**
 * Beam search with length normalisation: ends when as many hypotheses are finished as there are beams, or when no running one
 * can still win. @returns the best
 */
export async function beamSearch(model: WhisperModel, beams: number, start: SearchStart): Promise<Hypothesis> {
  let running: Hypothesis[] = [{ tokens: [], logprob: 0 }];
  let scores: StepScores[] = [start.scores];
  const finished: Hypothesis[] = [];
  for (let written = 0; ; written++) {
    start.signal.throwIfAborted();
    const chosen = choose(running, scores, beams, finished);
    running = chosen.map(({ hypothesis }) => hypothesis);
    if (finished.length >= beams || running.length === 0) break;
    const position = start.promptLength + written;
    if (written + 1 >= start.mostTokens || position >= model.textPositions) break;
    const parents = chosen.map(({ parent }) => parent);
    const order = placeBeams(model, parents, position);
    running = order.map((index) => running[index] as Hypothesis);
    scores = await model.step(
      start.sound,
      running.map(({ tokens }) => tokens.at(-1) as number),
      position,
    );
  }
  const all = finished.length > 0 ? finished : running;
  return all.reduce((best, each) => (normalised(each) > normalised(best) ? each : best));
}

type Chosen = { hypothesis: Hypothesis; parent: number };

function choose(running: Hypothesis[], scores: StepScores[], beams: number, finished: Hypothesis[]): Chosen[] {
  const candidates = running
    .flatMap(({ tokens, logprob }, parent) =>
      candidatesAfter(tokens, scores[parent] as StepScores).map((each) => ({
        parent,
        token: each.token,
        logprob: logprob + each.logprob,
      })),
    )
    .sort((left, right) => right.logprob - left.logprob)
    .slice(0, 2 * beams);
  const chosen: Chosen[] = [];
  const said = new Set<string>();
  candidates.forEach(({ parent, token, logprob }, rank) => {
    const tokens = running[parent]?.tokens ?? [];
    if (token === endOfText) {
      if (rank < beams) finished.push({ tokens, logprob });
    } else if (chosen.length < beams) {
      // Beams that say the same at times a little apart would crowd out those that say something else.
      const words = [...tokens, token].filter((each) => each < firstTimestamp);
      const key = `${words.join()}${token >= firstTimestamp}`;
      if (said.has(key)) return;
      said.add(key);
      chosen.push({ parent, hypothesis: { tokens: [...tokens, token], logprob } });
    }
  });
  const best = chosen[0]?.hypothesis.logprob ?? 0;
  const toBeat = Math.max(...finished.map(normalised), Number.NEGATIVE_INFINITY);
  return chosen.filter(({ hypothesis: { tokens, logprob } }) => {
    return logprob >= best - hopelessBehind && logprob / (tokens.length + grantedTokens) >= toBeat;
  });
}

function normalised({ tokens, logprob }: Hypothesis): number {
  return logprob / Math.max(1, tokens.length);
}

/**
 * Gives every new beam a place in the cache, the first ones without gaps. The first child of a place stays there.
 * @param parents places of the parents, one for each new beam
 * @returns indices of the new beams in the order of their places
 */
export function placeBeams(
  model: Pick<WhisperModel, 'copyBeam'>,
  parents: readonly number[],
  filled: number,
): number[] {
  const order: (number | undefined)[] = parents.map(() => undefined);
  const homeless: number[] = [];
  parents.forEach((parent, index) => {
    if (parent < parents.length && order[parent] === undefined) order[parent] = index;
    else homeless.push(index);
  });
  // A place that no child kept is nobody's parent any more, so that it can be written over.
  for (const index of homeless) {
    const place = order.indexOf(undefined);
    model.copyBeam(parents[index] as number, place, filled);
    order[place] = index;
  }
  return order as number[];
}
