/** A request with placeholders in place of its identifiers, and the answer with the originals put back. */
import type { ChatMessage, GenerationRequest } from '../core/chat.ts';
import type { StreamEvent } from '../core/events.ts';
import type { PrivacyFinding } from '../signals/privacy/types.ts';
import { makeRestorer, redact, type Restorer } from '../signals/redact.ts';
import { requestSegments } from '../signals/request-segments.ts';

export type RedactedRequest = { request: GenerationRequest; values: ReadonlyMap<string, string> };

const notice =
  'Marks such as ⟦PHONE_1⟧ stand for values that were left out. Use them exactly as they are written. 形如 ⟦PHONE_1⟧ 的标记代表被隐去的内容，请原样使用。';

/**
 * `undefined` where it cannot be done: an identifier stands in a schema, a tool, a stop text or an address, or the
 * segments are not where they are expected. The result has to be judged anew before it may leave.
 */
export function redactRequest(
  request: GenerationRequest,
  findings: readonly PrivacyFinding[],
): RedactedRequest | undefined {
  const { input } = request;
  const { segments } = requestSegments(request);
  const { texts, values } = redact(
    segments.map(({ text }) => text),
    findings,
  );
  let position = 0;
  let isLost = false;
  /** The redacted form of the next segment, which must be the one that is expected there. */
  const next = (original: string): string => {
    const at = position++;
    if (segments[at]?.text !== original) isLost = true;
    return texts[at] ?? '';
  };
  /** What follows the messages (tools, schema, stop texts) cannot carry placeholders. */
  const isWhole = (): boolean =>
    !isLost && segments.slice(position).every(({ text }, index) => text === texts[position + index]);
  if (input.kind === 'completion') {
    if (typeof input.prompt !== 'string') return undefined;
    const prompt = next(input.prompt);
    return isWhole() ? { request: { ...request, input: { ...input, prompt } }, values } : undefined;
  }
  const messages = input.messages.map((message) => redactMessage(message, next));
  if (messages.includes(undefined) || !isWhole()) return undefined;
  const system: ChatMessage = { role: 'system', content: [{ type: 'text', text: notice }] };
  const kept = messages.filter((message) => message !== undefined);
  return { request: { ...request, input: { ...input, messages: [system, ...kept] } }, values };
}

/** Visits the texts in the order of `requestSegments`. */
function redactMessage(message: ChatMessage, next: (original: string) => string): ChatMessage | undefined {
  let isPlain = true;
  const content = message.content.map((part) => {
    if (part.type === 'text') return { ...part, text: next(part.text) };
    isPlain = false;
    return part;
  });
  // Nothing can be blotted out in a picture or in sound.
  if (!isPlain) return undefined;
  switch (message.role) {
    case 'user':
      return message.name === undefined ? { ...message, content } : { ...message, content, name: next(message.name) };
    case 'assistant': {
      const toolCalls = message.toolCalls.map((call) => Object.assign({}, call, { arguments: next(call.arguments) }));
      if (message.reasoning === undefined) return { ...message, content, toolCalls };
      return { ...message, content, toolCalls, reasoning: next(message.reasoning) };
    }
    case 'system':
      return { ...message, content };
    case 'tool':
      return { ...message, content };
  }
}

/** Puts the originals back, also where a placeholder comes in pieces. Logprobs of a restored text would be of other words. */
export async function* restoreStream(
  events: AsyncIterable<StreamEvent>,
  values: ReadonlyMap<string, string>,
): AsyncGenerator<StreamEvent> {
  const text = makeRestorer(values);
  const reasoning = makeRestorer(values);
  const calls = new Map<number, Restorer>();
  const inJson = (value: string): string => JSON.stringify(value).slice(1, -1);
  for await (const event of events) {
    switch (event.type) {
      case 'text-delta': {
        const shown = text.push(event.text);
        if (shown !== '') yield { type: 'text-delta', text: shown };
        break;
      }
      case 'reasoning-delta': {
        const shown = reasoning.push(event.text);
        if (shown !== '') yield { type: 'reasoning-delta', text: shown };
        break;
      }
      case 'tool-call-delta': {
        const restorer = calls.get(event.index) ?? makeRestorer(values, inJson);
        calls.set(event.index, restorer);
        yield { ...event, arguments: restorer.push(event.arguments) };
        break;
      }
      case 'usage': {
        const [restReasoning, restText] = [reasoning.end(), text.end()];
        if (restReasoning !== '') yield { type: 'reasoning-delta', text: restReasoning };
        if (restText !== '') yield { type: 'text-delta', text: restText };
        for (const [index, restorer] of calls) {
          const rest = restorer.end();
          if (rest !== '') yield { type: 'tool-call-delta', index, arguments: rest };
        }
        yield event;
        break;
      }
      case 'response-start':
      case 'finish':
      case 'error':
        yield event;
        break;
    }
  }
}
