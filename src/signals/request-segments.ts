import type { ChatMessage, GenerationRequest } from '../core/chat.ts';
import type { TextSegment } from './privacy/types.ts';

/** Text that somebody else read out of a part: OCR of a picture, a transcript of speech. */
export type ReadText = {
  /** Index of the message in the request, and of the part in its content. */
  message: number;
  part: number;
  text: string;
  origin: 'image' | 'speech';
};

/** A part that no detector can read. */
export type UncheckedPart = { kind: 'image' | 'audio' | 'tokens'; message: number; part: number };

export type RequestSegments = {
  segments: TextSegment[];
  unchecked: UncheckedPart[];
  /** The newest user text, as written. */
  newestUserText: string;
};

function messageSegments(
  message: ChatMessage,
  index: number,
  readTexts: readonly ReadText[],
  into: RequestSegments,
): void {
  message.content.forEach((part, position) => {
    if (part.type === 'text') {
      into.segments.push({ role: message.role, text: part.text, origin: message.role === 'tool' ? 'tool' : 'text' });
      return;
    }
    const read = readTexts.filter((text) => text.message === index && text.part === position);
    for (const { text, origin } of read) into.segments.push({ role: message.role, text, origin });
    // An empty text means that somebody looked and found none; no text at all means that nobody looked.
    if (read.length === 0) into.unchecked.push({ kind: part.type, message: index, part: position });
    if (part.type === 'image' && part.source.kind === 'url') {
      into.segments.push({ role: message.role, text: part.source.url, origin: 'image' });
    }
  });
  if (message.role === 'user' && message.name !== undefined)
    into.segments.push({ role: 'user', text: message.name, origin: 'text' });
  if (message.role === 'assistant') {
    for (const call of message.toolCalls)
      into.segments.push({ role: 'assistant', text: call.arguments, origin: 'tool' });
    if (message.reasoning !== undefined)
      into.segments.push({ role: 'assistant', text: message.reasoning, origin: 'text' });
  }
}

/** Every text of a request that would leave with it, and the parts that cannot be read. */
export function requestSegments(request: GenerationRequest, readTexts: readonly ReadText[] = []): RequestSegments {
  const result: RequestSegments = { segments: [], unchecked: [], newestUserText: '' };
  const { input } = request;
  if (input.kind === 'completion') {
    if (typeof input.prompt === 'string') {
      result.segments.push({ role: 'user', text: input.prompt, origin: 'text' });
      result.newestUserText = input.prompt;
    } else result.unchecked.push({ kind: 'tokens', message: 0, part: 0 });
  } else {
    input.messages.forEach((message, index) => messageSegments(message, index, readTexts, result));
    const newest = input.messages.findLastIndex(({ role }) => role === 'user');
    const message = input.messages[newest];
    const typed = message?.content.flatMap((part) => (part.type === 'text' ? [part.text] : [])) ?? [];
    const spoken = readTexts.flatMap((text) =>
      text.message === newest && text.origin === 'speech' ? [text.text] : [],
    );
    result.newestUserText = [...typed, ...spoken].join('\n');
    for (const tool of input.tools)
      result.segments.push({ role: 'system', text: JSON.stringify(tool), origin: 'tool' });
  }
  if (request.responseFormat.type === 'json-schema') {
    result.segments.push({ role: 'system', text: JSON.stringify(request.responseFormat.schema), origin: 'tool' });
  }
  for (const stop of request.stop) result.segments.push({ role: 'system', text: stop, origin: 'tool' });
  return result;
}
