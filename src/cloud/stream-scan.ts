/**
 * Reads along in a stream of chat or completion chunks that is passed on as it is: which bytes are whole events, whether
 * the answer has come to its end, what it cost. It holds bytes back only where an event is cut.
 */
import type { TokenUsage } from '../core/events.ts';
import { SseOverflow, SseParser } from './sse-parser.ts';
import { UpstreamFault } from './upstream-fault.ts';

export type StreamScanOptions = {
  /** Choices that must each say why they ended. */
  choices: number;
  /** Whether the client asked for the chunk with the usage; else it is taken out. */
  wantsUsage: boolean;
};

export type WireUsage = {
  prompt_tokens?: unknown;
  completion_tokens?: unknown;
  prompt_tokens_details?: { cached_tokens?: unknown } | null;
  completion_tokens_details?: { reasoning_tokens?: unknown } | null;
};

type WireChoice = {
  delta?: Record<string, unknown> | null;
  text?: unknown;
  finish_reason?: unknown;
};
type WireChunk = { object?: unknown; error?: unknown; model?: unknown; choices?: WireChoice[] | null; usage?: unknown };

const lineFeed = 10;
const carriageReturn = 13;
/** One event, the largest that is waited for. */
const maxEventBytes = 4 * 1024 * 1024;
const nothing = Buffer.alloc(0);

export class StreamScan {
  readonly #options: StreamScanOptions;
  /** `[DONE]` was seen, and the answer is whole: nothing of what follows counts. */
  isDone = false;
  /** Pieces of an answer so far; about as many tokens where no usage is told. */
  deltas = 0;
  usage: TokenUsage | undefined;
  model: string | undefined;
  #held: Buffer = nothing;
  #finished = 0;
  /** A server that ends lines with CR LF: its events are written anew. */
  #parser: SseParser | undefined;

  constructor(options: StreamScanOptions) {
    this.#options = options;
  }

  /** Every choice has said why it ended. */
  get isWhole(): boolean {
    return this.#finished >= this.#options.choices;
  }

  /**
   * @returns what may go to the client now, in order; empty while an event is not whole
   * @throws UpstreamFault for what is no chunk, for an error in the stream, and for `[DONE]` before the end of the answer
   */
  push(chunk: Buffer): Buffer {
    if (this.isDone) return nothing;
    if (this.#parser !== undefined || chunk.includes(carriageReturn)) return this.#pushLines(chunk);
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    const end = endOfEvents(bytes);
    this.#held = end === bytes.length ? nothing : bytes.subarray(end);
    if (this.#held.length > maxEventBytes) throw garbage('the upstream sent an endless line');
    return end === 0 ? nothing : this.#whole(bytes, end);
  }

  /**
   * The upstream has ended.
   *
   * @returns what the client still needs: `[DONE]` where the server forgot it
   * @throws UpstreamFault where the answer is cut
   */
  end(): Buffer {
    if (this.isDone) return nothing;
    if (this.#held.length > 0 || this.#parser?.end().cut === true || !this.isWhole) throw cut();
    this.isDone = true;
    return Buffer.from('data: [DONE]\n\n');
  }

  /** Events that lie in `bytes` before `end`; the common case gives back the very bytes. */
  #whole(bytes: Buffer, end: number): Buffer {
    const text = bytes.toString('latin1', 0, end);
    const kept: Buffer[] = [];
    let keptFrom = 0;
    for (let start = 0; start < end;) {
      const stop = text.indexOf('\n\n', start) + 2;
      const isKept = this.#event(text.slice(start, stop - 2));
      if (!isKept) {
        if (start > keptFrom) kept.push(bytes.subarray(keptFrom, start));
        keptFrom = stop;
      }
      start = stop;
      if (this.isDone) {
        end = stop;
        break;
      }
    }
    if (kept.length === 0) return bytes.subarray(keptFrom, end);
    kept.push(bytes.subarray(keptFrom, end));
    return Buffer.concat(kept);
  }

  #pushLines(chunk: Buffer): Buffer {
    this.#parser ??= new SseParser();
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    this.#held = nothing;
    let items: ReturnType<SseParser['push']>;
    try {
      items = this.#parser.push(bytes);
    } catch (cause) {
      if (cause instanceof SseOverflow) throw garbage('the upstream sent an endless line', cause);
      throw cause;
    }
    let text = '';
    for (const item of items) {
      if (item.type === 'comment') continue;
      if (this.#data(item.data)) text += `data: ${item.data.replaceAll('\n', '\ndata: ')}\n\n`;
      if (this.isDone) break;
    }
    return Buffer.from(text);
  }

  /** @returns whether the client gets it */
  #event(text: string): boolean {
    if (text.startsWith('data: ') && !text.includes('\n')) return this.#data(text.slice(6));
    const lines = text.split('\n').filter((line) => line.startsWith('data:'));
    if (lines.length === 0) return true;
    return this.#data(lines.map((line) => line.slice(line.startsWith('data: ') ? 6 : 5)).join('\n'));
  }

  #data(data: string): boolean {
    if (data.trim() === '[DONE]') {
      if (!this.isWhole) throw cut();
      this.isDone = true;
      return true;
    }
    const chunk = parseChunk(data);
    if ((chunk.error !== undefined && chunk.error !== null) || chunk.object === 'error') {
      throw new UpstreamFault('upstream-error', 'the upstream reported an error in its answer');
    }
    if (this.model === undefined && typeof chunk.model === 'string' && chunk.model !== '') this.model = chunk.model;
    const choices = Array.isArray(chunk.choices) ? chunk.choices : [];
    for (const choice of choices) this.#choice(choice);
    if (typeof chunk.usage !== 'object' || chunk.usage === null) return true;
    this.usage = toUsage(chunk.usage);
    return choices.length > 0 || this.#options.wantsUsage;
  }

  #choice({ delta, text, finish_reason: reason }: WireChoice): void {
    if (hasContent(delta) || (typeof text === 'string' && text !== '')) this.deltas++;
    if (typeof reason !== 'string' || reason === '') return;
    if (reason === 'abort' || reason === 'error') {
      throw new UpstreamFault('half-stream', 'the upstream gave the answer up');
    }
    this.#finished++;
  }
}

export function toUsage(usage: WireUsage): TokenUsage {
  return {
    promptTokens: count(usage.prompt_tokens),
    cachedTokens: count(usage.prompt_tokens_details?.cached_tokens),
    completionTokens: count(usage.completion_tokens),
    reasoningTokens: count(usage.completion_tokens_details?.reasoning_tokens),
  };
}

function count(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) && value > 0 ? Math.round(value) : 0;
}

function hasContent(delta: Record<string, unknown> | null | undefined): boolean {
  if (delta === null || delta === undefined) return false;
  const { content, reasoning_content: hidden, reasoning, tool_calls: calls, refusal } = delta;
  return Boolean(content) || Boolean(hidden) || Boolean(reasoning) || Boolean(calls) || Boolean(refusal);
}

/** Index after the last empty line. */
function endOfEvents(bytes: Buffer): number {
  const { length } = bytes;
  if (length >= 2 && bytes[length - 1] === lineFeed && bytes[length - 2] === lineFeed) return length;
  const last = bytes.lastIndexOf('\n\n');
  return last === -1 ? 0 : last + 2;
}

/** The text may be UTF-8 read as Latin-1: the structure is the same, and the words are not looked at. */
function parseChunk(data: string): WireChunk {
  let value: unknown;
  try {
    value = JSON.parse(data);
  } catch (cause) {
    throw garbage('the upstream sent something that is no JSON', cause);
  }
  if (typeof value !== 'object' || value === null) throw garbage('the upstream sent an event of another form');
  return value;
}

function garbage(message: string, cause?: unknown): UpstreamFault {
  return new UpstreamFault('garbage', message, cause === undefined ? {} : { cause });
}

function cut(): UpstreamFault {
  return new UpstreamFault('half-stream', 'the answer broke off before its end');
}
