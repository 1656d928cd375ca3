/** How many tokens a sequence may keep, what must stay, and which go. Pure. */
import type { CachePolicy } from '../../core/chat.ts';
import { makeError } from '../../core/errors.ts';

export type CompressionPolicy = Exclude<CachePolicy, 'none'>;

export type CacheBudget = {
  policy: CompressionPolicy;
  /** Tokens in the cache, at most, whenever a step is over and the prompt is computed. */
  tokens: number;
  /** Tokens at the beginning of the prompt that never go: the system prompt, or the first few of a raw prompt. */
  headTokens: number;
  /** Index of the first token of the newest turn, which stays where there is room for it. */
  latestTurn: number;
  /** What the prompt asks in the end; the `attention` policy keeps what this looks at. */
  question: PromptQuestion;
  /** Whether the token at an index writes the template (`<|im_start|>` …), which costs little and holds the turns apart. */
  isTemplate: (index: number) => boolean;
};

export type PromptQuestion = {
  tokens: readonly number[];
  /** Index in the prompt from which on `tokens` says the same. */
  start: number;
};

const shortTurnTokens = 64;
const turnHeadTokens = 24;

/**
 * The newest turn, or where that is long (a document with a question before or behind it) its beginning and its end.
 * Pictures, which are negative numbers, are left out.
 */
export function questionOf(prompt: ArrayLike<number>, latestTurn: number): PromptQuestion {
  const slice = (from: number, to: number) =>
    Array.from({ length: Math.max(0, to - from) }, (_, index) => prompt[from + index] as number);
  const isShort = prompt.length - latestTurn <= shortTurnTokens;
  const start =
    isShort && latestTurn < prompt.length
      ? latestTurn
      : Math.max(0, prompt.length - (shortTurnTokens - turnHeadTokens));
  const head = start > latestTurn ? slice(latestTurn, latestTurn + turnHeadTokens) : [];
  const tokens = [...head, ...slice(start, prompt.length)].filter((token) => token >= 0);
  return { tokens, start };
}

/** A raw prompt has no system prompt; the first tokens draw attention whatever they say (StreamingLLM, arXiv 2309.17453). */
export const sinkTokens = 4;
/** Tokens that a sequence must at least be able to keep besides its head. */
const leastRoomTokens = 32;
const shortestOvershootTokens = 256;
const longestOvershootTokens = 512;

/** Throws `kv_budget_too_small`. */
export function checkBudget(
  { tokens, headTokens }: Pick<CacheBudget, 'tokens' | 'headTokens'>,
  pictureTokens: number,
): void {
  const needed = headTokens + pictureTokens + leastRoomTokens;
  if (tokens < needed) {
    throw makeError('kv_budget_too_small', { budget: tokens, needed }, { param: 'duanyun.kv_budget' });
  }
}

/**
 * Tokens at which a sequence is made smaller. While its prompt is computed it may hold more for a moment: the larger the
 * pieces, the better the choice and the fewer the pauses.
 */
export function mostCells(budgetTokens: number, isPrefilling: boolean): number {
  if (!isPrefilling) return budgetTokens;
  const half = Math.floor(budgetTokens / 2);
  return budgetTokens + Math.min(longestOvershootTokens, Math.max(shortestOvershootTokens, half));
}

/** Tokens left after an eviction; while an answer grows, room for some more is made at once. */
export function targetCells(budgetTokens: number, isPrefilling: boolean): number {
  return isPrefilling ? budgetTokens : budgetTokens - Math.max(8, Math.floor(budgetTokens / 16));
}

/** The newest tokens stay: an answer refers to them most. */
export function recentTokens(budgetTokens: number): number {
  return Math.min(64, Math.max(16, Math.floor(budgetTokens / 8)));
}

export type EvictionInput = {
  budget: CacheBudget;
  /** Indexes of the tokens in the cache, ascending. */
  indices: readonly number[];
  /** One for each of them, higher stays longer. Absent: the oldest go first. */
  scores: ArrayLike<number> | undefined;
  /** Whether the token at an index belongs to a picture. */
  isPicture: (index: number) => boolean;
  /** Cells that shall be left. */
  target: number;
};

/**
 * Places (of `indices`, ascending) that go. Pictures, the head and the newest tokens never do; template tokens and the
 * newest turn only where the rest is not enough.
 */
export function chooseEvictions({ budget, indices, scores, isPicture, target }: EvictionInput): number[] {
  const excess = indices.length - target;
  if (excess <= 0) return [];
  const newest = indices.length - recentTokens(budget.tokens);
  const isWindow = budget.policy === 'window';
  const groups: number[][] = [[], [], []];
  for (let place = 0; place < newest; place++) {
    const index = indices[place] as number;
    if (index < budget.headTokens || isPicture(index)) continue;
    const rank = isWindow ? 0 : budget.isTemplate(index) ? 2 : index >= budget.latestTurn ? 1 : 0;
    (groups[rank] as number[]).push(place);
  }
  const chosen: number[] = [];
  for (const group of groups) {
    const wanted = excess - chosen.length;
    if (wanted <= 0) break;
    if (scores !== undefined && group.length > wanted) {
      group.sort((left, right) => (scores[left] as number) - (scores[right] as number) || left - right);
    }
    chosen.push(...group.slice(0, wanted));
  }
  return chosen.sort((left, right) => left - right);
}
