/** `truncate: auto`: makes a conversation fit by leaving out its oldest turns. */
import type { ChatMessage } from '../../../core/chat.ts';
import { makeError } from '../../../core/errors.ts';

export type TruncateInput = {
  messages: ChatMessage[];
  /** Tokens of the rendered prompt; about log2 of the number of turns calls are made. */
  countTokens: (messages: ChatMessage[]) => number;
  /** What the prompt may have. */
  budgetTokens: number;
  /** For the error message. */
  model: string;
  contextTokens: number;
};

/**
 * Keeps every system message, the last user message and as many of the newest turns as fit. A turn is a user message with
 * everything up to the next one. When the last turn alone is too long, its oldest tool rounds (a call together with its
 * results) go as well, but never the newest.
 * Errors: `context_length_exceeded` when even that does not fit.
 */
export function truncateMessages(input: TruncateInput): { messages: ChatMessage[]; droppedMessages: number } {
  const { messages, countTokens, budgetTokens } = input;
  const total = countTokens(messages);
  if (total <= budgetTokens) return { messages, droppedMessages: 0 };
  const units = droppableUnits(messages);
  const without = (dropped: number): ChatMessage[] => {
    const gone = new Set(units.slice(0, dropped).flat());
    return messages.filter((_, index) => !gone.has(index));
  };
  const shortest = without(units.length);
  const fits = units.length > 0 && countTokens(shortest) <= budgetTokens;
  if (!fits) {
    throw makeError('context_length_exceeded', {
      promptTokens: total,
      model: input.model,
      contextTokens: input.contextTokens,
    });
  }
  /** Dropping `low` is too few, dropping `high` is enough. */
  let low = 0;
  let high = units.length;
  let best = shortest;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    const candidate = without(middle);
    if (countTokens(candidate) <= budgetTokens) {
      high = middle;
      best = candidate;
    } else {
      low = middle;
    }
  }
  return { messages: best, droppedMessages: messages.length - best.length };
}

/** Message indexes in the order in which they may go, each list whole or not at all. */
function droppableUnits(messages: ChatMessage[]): number[][] {
  const turns: number[][] = [];
  for (const [index, message] of messages.entries()) {
    if (message.role === 'system') continue;
    const current = turns.at(-1);
    if (message.role === 'user' || current === undefined) turns.push([index]);
    else current.push(index);
  }
  const last = turns.pop();
  return last === undefined ? turns : [...turns, ...toolRounds(messages, last)];
}

/** The rounds of the last turn that may go: each assistant message with the results after it, but not the newest. */
function toolRounds(messages: ChatMessage[], turn: number[]): number[][] {
  const rounds: number[][] = [];
  const answers = messages[turn[0] ?? 0]?.role === 'user' ? turn.slice(1) : turn;
  for (const index of answers) {
    const current = rounds.at(-1);
    if (messages[index]?.role === 'assistant' || current === undefined) rounds.push([index]);
    else current.push(index);
  }
  return rounds.slice(0, -1);
}
