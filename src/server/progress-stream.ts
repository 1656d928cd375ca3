import type { DuanyunError } from '../core/errors.ts';
import { makeError } from '../core/errors.ts';
import { errorBody } from '../protocol/error-body.ts';
import { abortWithClient } from './answer-request.ts';
import { admit, type Entry, type EntryContext, finishRequest } from './entry.ts';
import { normalised } from './error-response.ts';
import { baseHeaders } from './respond.ts';
import { sseBody } from './sse-body.ts';

/** Work that takes a while, with a place among the running requests and an end when the client leaves. Throws what it throws. */
export async function runAdmitted<Result>(
  entry: Entry,
  c: EntryContext,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const controller = new AbortController();
  const leave = admit(entry, controller);
  const unlink = abortWithClient(c, controller);
  try {
    return await work(controller.signal);
  } catch (error) {
    throw normalised(error, c.get('requestId'), controller.signal);
  } finally {
    unlink();
    leave();
  }
}

/**
 * The same as server-sent events, each as soon as it is there; what the work returns is the last one. What fails before the
 * first event is an HTTP status, later an error event that ends the stream.
 */
export async function progressStream(
  entry: Entry,
  c: EntryContext,
  work: (push: (event: object) => void, signal: AbortSignal) => Promise<object>,
): Promise<Response> {
  const controller = new AbortController();
  const leave = admit(entry, controller);
  const unlink = abortWithClient(c, controller);
  const release = (): void => {
    unlink();
    leave();
  };
  const frames: string[] = [];
  const state = { over: false, sent: 0 };
  let wake = (): void => {};
  let failure: DuanyunError | undefined;
  const push = (event: object): void => {
    frames.push(`data: ${JSON.stringify(event)}\n\n`);
    state.sent++;
    wake();
  };
  const run = work(push, controller.signal)
    .then(push)
    .catch((error: unknown) => {
      failure = normalised(error, c.get('requestId'), controller.signal);
      frames.push(`data: ${JSON.stringify(errorBody(failure))}\n\n`);
    })
    .finally(() => {
      state.over = true;
      wake();
    });
  const next = async (): Promise<{ frames: string; last: boolean }> => {
    while (frames.length === 0 && !state.over) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    return { frames: frames.splice(0).join(''), last: state.over };
  };
  const inTime =
    state.sent > 0 ||
    (await firstOf(run, entry.options.keepAliveMs, (resolve) => {
      wake = resolve;
    }));
  if (failure !== undefined && state.sent === 0) {
    release();
    throw failure;
  }
  c.set('streaming', true);
  const finish = (error?: DuanyunError): void => {
    release();
    finishRequest(entry, c, error?.code === 'client_closed' ? error.status : 200, error);
  };
  const source = {
    next,
    abandon(): boolean {
      controller.abort(makeError('client_closed', {}));
      finish(makeError('client_closed', {}));
      return false;
    },
    finished: () => finish(failure),
  };
  const { keepAliveMs, writeStallMs } = entry.options;
  return new Response(sseBody(source, { keepAliveMs, writeStallMs, keepAliveFirst: !inTime }), {
    headers: {
      ...baseHeaders(c),
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache',
      'x-accel-buffering': 'no',
    },
  });
}

/** Whether the work ended or said something in time. */
function firstOf(run: Promise<void>, limitMs: number, onWake: (resolve: () => void) => void): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), limitMs);
    const settle = (): void => {
      clearTimeout(timer);
      resolve(true);
    };
    onWake(settle);
    void run.finally(settle);
  });
}
