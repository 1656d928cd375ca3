/** What each cell of a sequence is worth, by the request's policy. */
import { toFloats, toHalves } from '../native/ggml-rows.ts';
import { AttentionProbe } from '../native/attention-probe.ts';
import type { NativeContext } from '../native/context.ts';
import {
  parseSequenceState,
  transposeValues,
  typeF16,
  type SequenceState,
  type StateMatrix,
  type StateSection,
} from '../native/sequence-state.ts';
import type { ScoreRequest } from '../scheduler/types.ts';
import { keyDiffScores, keyNormScores, type KeyRows } from './key-scores.ts';

/** A needed token keeps its neighbours: a number is of no use without what it counts. Tokens on each side. */
const neighbours = 7;

export class CellScorer {
  readonly #context: NativeContext;
  #probe: AttentionProbe | undefined;

  constructor(context: NativeContext) {
    this.#context = context;
  }

  /** One for each of the request's positions. Throws `engine_failed`. */
  score(request: ScoreRequest): Float32Array {
    const state = parseSequenceState(this.#context.readSequence(request.slot), this.#context.model.usesMrope);
    const [section] = state.sections;
    const scores = request.policy === 'attention' ? this.#attention(state, request) : this.#geometry(section, request);
    const cellAt = new Map<number, number>();
    for (const [cell, position] of section.positions.entries()) cellAt.set(position, cell);
    // Tokens of a picture share a position, but they are never evicted, so that their scores are of no matter.
    const ordered = Float32Array.from(request.positions, (position) => scores[cellAt.get(position) ?? -1] ?? 0);
    return request.policy === 'attention' ? spread(ordered, neighbours) : ordered;
  }

  dispose(): void {
    this.#probe?.dispose();
  }

  #geometry({ keys, positions }: StateSection, { policy }: ScoreRequest): Float32Array {
    const headSize = this.#context.model.headSizes.keys;
    const score = policy === 'key-norm' ? keyNormScores : keyDiffScores;
    return score(rowsOf(keys), positions.length, headSize);
  }

  #attention(state: SequenceState, { query }: ScoreRequest): Float32Array {
    const [section] = state.sections;
    const { model, options } = this.#context;
    // The library takes a token only right behind the last one.
    const before = section.positions.filter((position) => position < query.position);
    const position = before.reduce((last, each) => Math.max(last, each), -1) + 1;
    this.#probe ??= new AttentionProbe(model, options);
    const weights = this.#probe.largestWeights({
      state: transposeValues(state, toHalf),
      cells: section.positions.length,
      layers: section.keys.length,
      tokens: query.tokens,
      position,
    });
    // What the question itself stands for was not in the copy: it stays.
    return weights.map((weight, cell) => ((section.positions[cell] as number) >= position ? Infinity : weight));
  }
}

function* rowsOf(keys: readonly StateMatrix[]): Iterable<KeyRows> {
  for (const matrix of keys) yield { rows: toFloats(matrix), width: matrix.width };
}

function toHalf(matrix: StateMatrix): Uint16Array {
  if (matrix.type === typeF16) return new Uint16Array(new Uint8Array(matrix.bytes).buffer);
  return toHalves(toFloats(matrix));
}

/** Each score becomes the largest among its neighbours, `reach` on each side. */
export function spread(scores: Float32Array, reach: number): Float32Array {
  return scores.map((_, index) => {
    let largest = Number.NEGATIVE_INFINITY;
    for (let near = Math.max(0, index - reach); near <= Math.min(scores.length - 1, index + reach); near++) {
      largest = Math.max(largest, scores[near] as number);
    }
    return largest;
  });
}
