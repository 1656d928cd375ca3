import * as z from 'zod';

export type TextOrTokens = string | string[] | number[] | number[][];
type Problem = { path: number[]; message: string };
type Limits = {
  /** Texts or lists of tokens in one request. */
  maxEntries: number;
  emptyText: boolean;
};

const maxTokenId = 2 ** 31 - 1;

/**
 * A text, texts, tokens or lists of tokens. Checked by hand: a union of arrays would describe each of a million tokens
 * as "no string" before it tried the next branch, and hold the server for seconds.
 */
export function textOrTokens(limits: Limits): z.ZodType<TextOrTokens> {
  const text = { type: 'string', ...(limits.emptyText ? {} : { minLength: 1 }) };
  const tokens = { type: 'array', minItems: 1, items: { type: 'integer', minimum: 0, maximum: maxTokenId } };
  const list = { type: 'array', minItems: 1, maxItems: limits.maxEntries };
  const schema = z
    .unknown()
    .superRefine((value, context) => {
      const problem = firstProblem(value, limits);
      if (problem !== undefined) context.addIssue({ code: 'custom', ...problem });
    })
    .meta({ anyOf: [text, { ...list, items: text }, tokens, { ...list, items: tokens }] });
  return schema as unknown as z.ZodType<TextOrTokens>;
}

/** One entry for each text or list of tokens. */
export function toInputs(value: TextOrTokens): (string | number[])[] {
  if (typeof value === 'string') return [value];
  if (typeof value[0] === 'number') return [value as number[]];
  return value as string[] | number[][];
}

function firstProblem(value: unknown, limits: Limits): Problem | undefined {
  if (value === undefined) return { path: [], message: 'is required' };
  if (typeof value === 'string') return textProblem(value, limits, []);
  if (!Array.isArray(value)) return { path: [], message: 'must be a string or an array of strings or tokens' };
  if (value.length === 0) return { path: [], message: 'must have at least 1 entry' };
  if (typeof value[0] === 'number') return tokenProblem(value, []);
  if (value.length > limits.maxEntries) return { path: [], message: `must have at most ${limits.maxEntries} entries` };
  const texts = typeof value[0] === 'string';
  for (const [index, entry] of value.entries()) {
    const problem = texts ? textProblem(entry, limits, [index]) : listProblem(entry, index);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function textProblem(value: unknown, limits: Limits, path: number[]): Problem | undefined {
  if (typeof value !== 'string') return { path, message: 'must be a string' };
  return value === '' && !limits.emptyText ? { path, message: 'must not be empty' } : undefined;
}

function listProblem(value: unknown, index: number): Problem | undefined {
  if (!Array.isArray(value)) return { path: [index], message: 'must be a string or an array of tokens' };
  if (value.length === 0) return { path: [index], message: 'must have at least 1 entry' };
  return tokenProblem(value, [index]);
}

function tokenProblem(tokens: unknown[], path: number[]): Problem | undefined {
  const index = tokens.findIndex((token) => !isToken(token));
  return index === -1 ? undefined : { path: [...path, index], message: `must be an integer from 0 to ${maxTokenId}` };
}

function isToken(value: unknown): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= maxTokenId;
}
