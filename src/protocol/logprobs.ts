import type { TokenLogprob } from '../core/events.ts';

/** `choices[].logprobs` of a chat completion. */
export function chatLogprobs(tokens: TokenLogprob[]): object {
  return { content: tokens.map(chatToken), refusal: null };
}

export function chatToken(token: TokenLogprob): object {
  return {
    token: token.token,
    logprob: token.logprob,
    bytes: token.bytes,
    top_logprobs: token.top.map((other) => ({ token: other.token, logprob: other.logprob, bytes: other.bytes })),
  };
}

/** `choices[].logprobs` of a text completion; `offset` is the number of characters before the first token. */
export function completionLogprobs(tokens: TokenLogprob[], offset: number): object {
  let position = offset;
  const textOffsets = tokens.map((token) => {
    const start = position;
    position += token.token.length;
    return start;
  });
  return {
    tokens: tokens.map((token) => token.token),
    token_logprobs: tokens.map((token) => token.logprob),
    top_logprobs: tokens.map((token) => Object.fromEntries(token.top.map((other) => [other.token, other.logprob]))),
    text_offset: textOffsets,
  };
}
