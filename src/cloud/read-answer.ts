/** One exchange with an upstream, from the response to the last event. */
import type { StreamEvent } from '../core/events.ts';
import { AnswerReader, type AnswerReaderOptions } from './answer-reader.ts';
import type { EgressResponse } from './egress-gate.ts';
import { SseOverflow, SseParser } from './sse-parser.ts';
import { UpstreamFault } from './upstream-fault.ts';

export type AnswerEvents = { reader: AnswerReader; events: AsyncGenerator<StreamEvent> };

/** How long the end of a finished stream may take, so that its connection can be used again. */
const drainMs = 250;

/**
 * Deltas as they come, then usage and finish. An answer that is cut, garbled or unfinished ends in an UpstreamFault.
 *
 * @param onProgress called for each piece of an answer; comments are none
 */
export function readAnswer(
  response: EgressResponse,
  options: AnswerReaderOptions,
  onProgress: () => void,
): AnswerEvents {
  const reader = new AnswerReader(options);
  return { reader, events: read(response, reader, onProgress) };
}

async function* read(
  response: EgressResponse,
  reader: AnswerReader,
  onProgress: () => void,
): AsyncGenerator<StreamEvent> {
  const parser = new SseParser();
  const chunks = response.body[Symbol.asyncIterator]();
  let done = false;
  try {
    while (!done) {
      const chunk = await chunks.next();
      if (chunk.done === true) break;
      for (const item of parse(parser, chunk.value)) {
        if (item.type === 'comment') continue;
        if (item.data.trim() === '[DONE]') {
          done = true;
          break;
        }
        const before = reader.deltas;
        const events = reader.push(item.data);
        if (reader.deltas > before) onProgress();
        yield* events;
      }
    }
    if (!done && parser.end().cut) throw new UpstreamFault('half-stream', 'the answer broke off before its end');
    yield* reader.end();
  } finally {
    if (done) drain(chunks, response);
    else response.discard();
  }
}

function parse(parser: SseParser, bytes: Uint8Array): ReturnType<SseParser['push']> {
  try {
    return parser.push(bytes);
  } catch (cause) {
    if (cause instanceof SseOverflow)
      throw new UpstreamFault('garbage', 'the upstream sent an endless line', { cause });
    throw cause;
  }
}

/** Reads on to the end in the background: only a connection that was read to its end is used again. */
function drain(chunks: AsyncIterator<Uint8Array>, response: EgressResponse): void {
  const timer = setTimeout(() => response.discard(), drainMs);
  const finish = async (): Promise<void> => {
    try {
      while ((await chunks.next()).done !== true);
    } catch {
      // The answer is complete; how its connection ends does not matter.
    } finally {
      clearTimeout(timer);
    }
  };
  void finish();
}
