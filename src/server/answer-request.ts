import type { DuanyunError } from '../core/errors.ts';
import { makeError } from '../core/errors.ts';
import type { ReadContent, ReceiptSummary } from '../core/events.ts';
import type { WaitingRequest } from '../core/inference.ts';
import { AnswerCollector, type StreamEncoder } from '../protocol/answer.ts';
import type { AnswerContext, ParsedGeneration } from '../protocol/generation.ts';
import { AnswerRun } from './answer-run.ts';
import { admit, type Entry, type EntryContext, finishRequest } from './entry.ts';
import { normalised } from './error-response.ts';
import { factsOf, takePass } from './gateway-side.ts';
import { baseHeaders, json } from './respond.ts';
import { type FrameSource, sseBody } from './sse-body.ts';

/** How one endpoint writes its answers. */
export type AnswerForm = {
  context: AnswerContext;
  newEncoder: () => StreamEncoder;
  body: (collected: AnswerCollector) => object;
};

/**
 * Runs the generations of one request and answers in one body or as a stream. The headers of a stream wait for the
 * first event of the answer or for the first keep-alive, so that what fails early is an HTTP status.
 *
 * @throws DuanyunError before the first byte of the answer
 */
export async function answerRequest(
  entry: Entry,
  c: EntryContext,
  parsed: ParsedGeneration,
  form: AnswerForm,
): Promise<Response> {
  const controller = new AbortController();
  const leave = admit(entry, controller);
  const unlink = abortWithClient(c, controller);
  let run: AnswerRun | undefined;
  const release = (): void => {
    unlink();
    leave();
    run?.close();
    const pass = c.get('pass');
    if (run === undefined) pass?.cancel();
    else pass?.count(run.usage.promptTokens > 0 ? run.usage : undefined, run.deltas);
    pass?.release();
  };
  try {
    if (entry.gateway !== undefined) await takePass(entry, c, factsOf(entry, parsed.requests), controller.signal);
    run = new AnswerRun(entry, c.get('requestId'), parsed.requests, controller);
    if (!parsed.stream) {
      const body = await collect(run, form);
      release();
      return json(c, body, receiptHeaders(run.start?.receipt, run.start?.read));
    }
    const inTime = await run.hold(entry.options.keepAliveMs);
    return streamed(entry, c, run, form, { keepAliveFirst: !inTime, requestId: parsed.requests[0]?.id ?? '', release });
  } catch (error) {
    release();
    throw normalised(error, c.get('requestId'), controller.signal);
  }
}

async function collect(run: AnswerRun, form: AnswerForm): Promise<object> {
  const collector = new AnswerCollector(form.context.choiceCount);
  for (let next = await run.next(); next !== undefined; next = await run.next()) {
    collector.push(next.index, next.event);
  }
  return form.body(collector);
}

function streamed(
  entry: Entry,
  c: EntryContext,
  run: AnswerRun,
  form: AnswerForm,
  options: { keepAliveFirst: boolean; requestId: string; release: () => void },
): Response {
  const encoder = form.newEncoder();
  c.set('streaming', true);
  const finish = (error?: DuanyunError): void => {
    options.release();
    if (error !== undefined) countBreak(entry, error);
    finishRequest(entry, c, error?.code === 'client_closed' ? error.status : 200, error, {
      model: run.start?.model,
      target: run.start?.receipt?.target,
      promptTokens: run.usage.promptTokens,
      completionTokens: run.usage.completionTokens,
      firstTokenMs: run.firstTokenMs === undefined ? undefined : Math.round(run.firstTokenMs * 10) / 10,
    });
  };
  let failure: DuanyunError | undefined;
  const source: FrameSource = {
    async next() {
      try {
        let frames = '';
        while (frames === '') {
          const next = await run.next();
          if (next === undefined) return { frames: encoder.end(), last: true };
          frames = encoder.push(next.index, next.event);
        }
        return { frames, last: false };
      } catch (error) {
        failure = normalised(error, c.get('requestId'));
        return { frames: encoder.fail(failure), last: true };
      }
    },
    abandon(why) {
      const detail = why === 'stalled' ? 'the client did not read' : 'the client left';
      finish(makeError('client_closed', {}, { detail }));
      const connection = why === 'stalled' ? c.env?.outgoing : undefined;
      connection?.destroy();
      return connection !== undefined;
    },
    finished: () => finish(failure),
  };
  const waiting = (): WaitingRequest | undefined => entry.service.waiting?.(options.requestId);
  const comment = (): string => {
    const reason = run.start === undefined ? waiting()?.reason : undefined;
    return reason === undefined ? 'keep-alive' : `waiting: ${reason}`;
  };
  const headers = {
    ...baseHeaders(c),
    ...receiptHeaders(run.start?.receipt ?? waiting()?.receipt, run.start?.read),
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache',
    'x-accel-buffering': 'no',
  };
  const { keepAliveMs, writeStallMs } = entry.options;
  const timings = { keepAliveMs, writeStallMs, keepAliveFirst: options.keepAliveFirst, comment };
  return new Response(sseBody(source, timings), { headers });
}

function countBreak(entry: Entry, error: DuanyunError): void {
  if (error.code === 'client_closed') entry.metrics.count('duanyun_client_disconnects_total');
  else entry.metrics.count('duanyun_streams_broken_total', { code: error.code });
}

/** Aborts when the client leaves. Returns what ends the watch. */
export function abortWithClient(c: EntryContext, controller: AbortController): () => void {
  const { signal } = c.req.raw;
  const onAbort = (): void => controller.abort(makeError('client_closed', {}));
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  return () => signal.removeEventListener('abort', onAbort);
}

/** Where it ran and why, as far as the backend said. */
export function receiptHeaders(receipt: ReceiptSummary | undefined, read?: ReadContent): Record<string, string> {
  if (receipt === undefined) return {};
  const given = [...(read?.pictures ?? []), ...(read?.recordings ?? [])];
  return {
    // What the answering model was given in place of, or beside, what was read.
    ...(given.length === 0
      ? {}
      : { 'x-duanyun-read': headerText(given.map((each) => `${each.model}=${each.given}`).join(',')) }),
    'x-duanyun-target': headerText(receipt.target),
    'x-duanyun-reasons': headerText(receipt.reasons.join(',')),
    'x-duanyun-receipt': headerText(receipt.id),
  };
}

function headerText(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 512);
}
