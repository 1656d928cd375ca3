/** What an answer says and how it ended, from the bytes and the moments at which they came. */
import type { Outcome, RequestRecord } from '../record.ts';
import { readWirePiece, type WirePiece } from './chat-wire.ts';
import type { Exchange } from './receiver-messages.ts';
import { SseReader } from './sse-reader.ts';

export type AnswerRead = Pick<RequestRecord, 'outcome' | 'chunks' | 'endMs'> &
  Partial<RequestRecord> & { text: string };

export function readAnswer(exchange: Exchange): AnswerRead {
  const { status, headersMs, contentType = '', retryAfter, servedBy } = exchange;
  const seconds = Number(retryAfter);
  const reading = new Reading();
  if (status === 200 && contentType.includes('event-stream')) reading.readStream(exchange);
  else if (status !== undefined) reading.readWhole(exchange);
  reading.judge(exchange);
  return {
    ...reading.found,
    ...(headersMs === undefined ? {} : { headersMs: round(headersMs) }),
    ...(status === undefined ? {} : { status }),
    ...(retryAfter !== undefined && Number.isFinite(seconds) ? { retryAfterSeconds: seconds } : {}),
    ...(servedBy === undefined ? {} : { servedBy }),
    endMs: round(reading.lastMs ?? exchange.endMs),
  };
}

class Reading {
  found: Omit<AnswerRead, 'endMs'> = { outcome: 'broken', chunks: [], text: '' };
  /** When the last event other than `[DONE]` came. */
  lastMs: number | undefined;
  #isJudged = false;
  #isDone = false;

  readStream({ bytes, sizes, atMs }: Exchange): void {
    const reader = new SseReader();
    let offset = 0;
    try {
      for (const [index, size] of sizes.entries()) {
        const part = bytes.subarray(offset, (offset += size));
        for (const data of reader.push(part)) this.#take(data, atMs[index] ?? 0);
      }
    } catch (error) {
      this.#end('malformed', error instanceof Error ? error.message : String(error));
    }
  }

  readWhole({ bytes, atMs, status = 0, ended }: Exchange): void {
    this.lastMs = atMs.at(-1);
    if (ended !== 'complete') return;
    const text = new TextDecoder().decode(bytes);
    if (status !== 200) {
      const outcome = status === 429 ? 'rate-limited' : status >= 500 ? 'server-error' : 'refused';
      this.#end(status < 400 ? 'malformed' : outcome, text.slice(0, 300));
      return;
    }
    try {
      const piece = readWirePiece(text);
      this.#keep(piece);
      this.found.text = piece.text;
      if (piece.error !== undefined) this.#end('malformed', piece.error);
      else this.#end(piece.kind === undefined ? 'empty' : 'not-streamed');
    } catch (error) {
      this.#end('malformed', error instanceof Error ? error.message : String(error));
    }
  }

  /** What the content has not decided, the end of the connection does. */
  judge({ ended, message, connected }: Exchange): void {
    const { chunks, finishReason } = this.found;
    switch (ended) {
      case 'complete':
        // Some servers send no [DONE]; a finish reason is an end as well. Neither: the answer was cut.
        if (!this.#isDone && finishReason === undefined) this.#end('broken', 'the stream ended without an end');
        else this.#end(chunks.length === 0 ? 'empty' : 'ok');
        break;
      case 'too-many':
        this.#end('never-ending', 'far more tokens were sent than were asked for');
        break;
      case 'timeout':
        this.#end(chunks.length > 0 ? 'never-ending' : 'timeout', 'the time limit');
        break;
      case 'too-large':
        this.#end('malformed', 'the answer is too large');
        break;
      case 'aborted':
        this.#end('interrupted');
        break;
      case 'failed':
        this.#end(connected ? 'broken' : 'unreachable', message);
        break;
    }
  }

  #take(data: string, atMs: number): void {
    if (data === '[DONE]') {
      this.#isDone = true;
      return;
    }
    const piece = readWirePiece(data);
    this.lastMs = atMs;
    this.#keep(piece);
    if (piece.error !== undefined) this.#end('broken', piece.error);
    if (piece.kind === undefined) return;
    this.found.chunks.push({ atMs: round(atMs), kind: piece.kind });
    this.found.text += piece.text;
  }

  #keep({ model, usage, serverTimings, finishReason }: WirePiece): void {
    if (model !== undefined) this.found.model = model;
    if (usage !== undefined) this.found.usage = usage;
    if (serverTimings !== undefined) this.found.serverTimings = serverTimings;
    if (finishReason !== undefined) this.found.finishReason = finishReason;
  }

  /** The first word on how it ended stands. */
  #end(outcome: Outcome, detail?: string): void {
    if (this.#isJudged) return;
    this.#isJudged = true;
    this.found.outcome = outcome;
    if (detail !== undefined) this.found.detail = detail;
  }
}

/** Microseconds are more than any clock here can tell. */
export function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
