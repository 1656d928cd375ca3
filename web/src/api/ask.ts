/** One question to `/v1/chat/completions`, and its answer as it comes. */
import { ApiError, errorIn, isRecord } from './api-error.ts';
import { readEventData } from './event-stream.ts';
import { call } from './http.ts';

export type WirePart =
  | { type: 'text'; text: string }
  | { type: 'image_url'; image_url: { url: string } }
  | { type: 'input_audio'; input_audio: { data: string; format: 'wav' } };
export type WireMessage = { role: 'user' | 'assistant'; content: string | WirePart[] };

export type Preference = 'prefer_on_device' | 'only_on_device' | 'prefer_in_cloud' | 'only_in_cloud';
export const preferences: readonly Preference[] = [
  'prefer_on_device',
  'only_on_device',
  'prefer_in_cloud',
  'only_in_cloud',
];

export type Question = { model: string; messages: WireMessage[]; preference?: Preference };

export type AnswerEvent =
  | { type: 'route'; target?: string; reasons: string[]; receiptId?: string }
  /** The server's name of this answer; its receipt bears it too. */
  | { type: 'id'; id: string }
  | { type: 'model'; model: string }
  | { type: 'text'; text: string }
  | { type: 'thinking'; text: string }
  | { type: 'tool-call'; index: number; name: string; arguments: string }
  | { type: 'finish'; reason: string }
  | { type: 'usage'; completionTokens: number; tokensPerSecond?: number };

/**
 * Ends after the server's `[DONE]` and only then: a stream that stops without it throws, as does an error event, and what
 * came before stays the caller's.
 *
 * @throws ApiError, or the reason of `signal`
 */
export async function* ask(question: Question, signal: AbortSignal): AsyncGenerator<AnswerEvent> {
  const response = await call('/v1/chat/completions', {
    method: 'POST',
    signal,
    headers: { 'content-type': 'application/json' },
    body: questionBody(question),
  });
  yield routeOf(response.headers);
  if (response.body === null) throw new ApiError('stream_broken', '');
  let model = '';
  let id = '';
  try {
    for await (const data of readEventData(response.body)) {
      if (data === '[DONE]') return;
      const chunk = parse(data);
      const failure = errorIn(chunk);
      if (failure !== undefined) throw failure;
      if (typeof chunk['id'] === 'string' && chunk['id'] !== id) {
        id = chunk['id'];
        yield { type: 'id', id };
      }
      if (typeof chunk['model'] === 'string' && chunk['model'] !== model) {
        model = chunk['model'];
        yield { type: 'model', model };
      }
      yield* eventsOf(chunk);
    }
  } catch (error) {
    if (signal.aborted || error instanceof ApiError) throw error;
    throw new ApiError('stream_broken', '');
  }
  throw new ApiError('stream_broken', '');
}

/** The very bytes that `ask` sends. */
export function questionBody({ model, messages, preference }: Question): string {
  return JSON.stringify({
    model,
    messages,
    stream: true,
    stream_options: { include_usage: true },
    // A gateway passes the body on to servers that may not know the field.
    ...(preference === undefined ? {} : { duanyun: { preference } }),
  });
}

function routeOf(headers: Headers): AnswerEvent {
  const target = headers.get('x-duanyun-target');
  const receiptId = headers.get('x-duanyun-receipt');
  const reasons = (headers.get('x-duanyun-reasons') ?? '').split(',').map((each) => each.trim());
  return {
    type: 'route',
    reasons: reasons.filter((each) => each !== ''),
    ...(target === null ? {} : { target }),
    ...(receiptId === null ? {} : { receiptId }),
  };
}

function parse(data: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(data);
    if (isRecord(value)) return value;
  } catch {
    // Said below.
  }
  throw new ApiError('not_understood', '');
}

function* eventsOf(chunk: Record<string, unknown>): Generator<AnswerEvent> {
  const choice: unknown = Array.isArray(chunk['choices']) ? chunk['choices'][0] : undefined;
  if (isRecord(choice)) {
    const delta = isRecord(choice['delta']) ? choice['delta'] : {};
    const thinking = delta['reasoning_content'] ?? delta['reasoning'];
    if (typeof thinking === 'string' && thinking !== '') yield { type: 'thinking', text: thinking };
    if (typeof delta['content'] === 'string' && delta['content'] !== '') yield { type: 'text', text: delta['content'] };
    if (Array.isArray(delta['tool_calls'])) for (const call_ of delta['tool_calls']) yield* toolCallOf(call_);
    if (typeof choice['finish_reason'] === 'string') yield { type: 'finish', reason: choice['finish_reason'] };
  }
  const usage = chunk['usage'];
  if (isRecord(usage) && typeof usage['completion_tokens'] === 'number') {
    const timings = isRecord(chunk['timings']) ? chunk['timings'] : {};
    const speed = timings['decode_tokens_per_second'];
    yield {
      type: 'usage',
      completionTokens: usage['completion_tokens'],
      ...(typeof speed === 'number' ? { tokensPerSecond: speed } : {}),
    };
  }
}

function* toolCallOf(value: unknown): Generator<AnswerEvent> {
  if (!isRecord(value) || !isRecord(value['function'])) return;
  const { name, arguments: text } = value['function'];
  yield {
    type: 'tool-call',
    index: typeof value['index'] === 'number' ? value['index'] : 0,
    name: typeof name === 'string' ? name : '',
    arguments: typeof text === 'string' ? text : '',
  };
}
