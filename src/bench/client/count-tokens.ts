/** Whether a server counts its tokens right: its answers counted again, by its own tokenizer where it has one, and by ours. */
import type { RequestRecord } from '../record.ts';
import type { Target } from './load-client.ts';

export type TokenCheck = {
  answers: number;
  /** Sum of `usage.completion_tokens`. */
  byUsage: number;
  /** `POST /tokenize` of vLLM and llama-server. */
  byOwnTokenizer?: number;
  /** A running Duanyun: what `usage` says of the text as a prompt. Another model's tokenizer counts in other units. */
  byOurTokenizer?: number;
};

const mostAnswers = 4;
const requestTimeoutMs = 30_000;

/**
 * Answers cut by their length only: their text is all that was generated, without an end token or reasoning.
 *
 * @param ours a running Duanyun's device model
 */
export async function checkTokens(
  target: Target,
  ours: Target | undefined,
  records: readonly RequestRecord[],
  signal: AbortSignal,
): Promise<TokenCheck | undefined> {
  const fit = records.filter(
    ({ outcome, finishReason, usage, text = '', chunks }) =>
      outcome === 'ok' &&
      finishReason === 'length' &&
      usage !== undefined &&
      text !== '' &&
      text.length < 2000 &&
      chunks.every(({ kind }) => kind === 'text'),
  );
  const chosen = fit.slice(0, mostAnswers);
  if (chosen.length === 0) return undefined;
  const texts = chosen.map(({ text = '' }) => text);
  const own = await sumOf(texts, (text) => byTokenizeRoute(target, text, signal));
  const byUs = ours === undefined ? undefined : await sumOf(texts, (text) => byPromptUsage(ours, text, signal));
  return {
    answers: chosen.length,
    byUsage: chosen.reduce((sum, { usage }) => sum + (usage?.completionTokens ?? 0), 0),
    ...(own === undefined ? {} : { byOwnTokenizer: own }),
    ...(byUs === undefined ? {} : { byOurTokenizer: byUs }),
  };
}

/** `undefined` as soon as one cannot be counted. */
async function sumOf(
  texts: readonly string[],
  count: (text: string) => Promise<number | undefined>,
): Promise<number | undefined> {
  let sum = 0;
  for (const text of texts) {
    const tokens = await count(text).catch(() => undefined);
    if (tokens === undefined) return undefined;
    sum += tokens;
  }
  return sum;
}

async function byTokenizeRoute(target: Target, text: string, signal: AbortSignal): Promise<number | undefined> {
  // vLLM reads `prompt`, llama-server `content`.
  const body = { model: target.model, prompt: text, content: text, add_special_tokens: false, add_special: false };
  const answer = await post(`${new URL(target.url).origin}/tokenize`, target, body, signal);
  const { count, tokens } = answer as { count?: unknown; tokens?: unknown };
  if (typeof count === 'number') return count;
  return Array.isArray(tokens) ? tokens.length : undefined;
}

async function byPromptUsage(ours: Target, text: string, signal: AbortSignal): Promise<number | undefined> {
  const tokensOf = async (prompt: string): Promise<number> => {
    const body = { model: ours.model, prompt, max_tokens: 1 };
    const answer = (await post(`${ours.url}/completions`, ours, body, signal)) as {
      usage?: { prompt_tokens?: unknown };
    };
    return Number(answer.usage?.prompt_tokens);
  };
  // Some models open every prompt with a token of their own.
  const opening = (await tokensOf('a')) - 1;
  const tokens = (await tokensOf(text)) - opening;
  return Number.isFinite(tokens) ? tokens : undefined;
}

async function post(url: string, { apiKey }: Target, body: object, signal: AbortSignal): Promise<unknown> {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
    },
    body: JSON.stringify(body),
    signal: AbortSignal.any([signal, AbortSignal.timeout(requestTimeoutMs)]),
  });
  if (!response.ok) throw new Error(`status ${response.status}`);
  return response.json();
}
