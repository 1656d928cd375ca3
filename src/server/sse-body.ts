import { commentFrame } from '../protocol/sse.ts';

export type FrameSource = {
  /** The next frames to send, and whether they are the last. Must not throw. */
  next: () => Promise<{ frames: string; last: boolean }>;
  /**
   * The reader went away or never read. Called at most once, and never after the last frame was taken. Returns whether
   * the connection itself is gone, so that the body needs no error to end it.
   */
  abandon: (why: 'closed' | 'stalled') => boolean;
  /** All was handed over. */
  finished: () => void;
};

export type SseTimings = {
  /** Silence after which a comment is sent. */
  keepAliveMs: number;
  /** How long the reader may leave what was sent unread. */
  writeStallMs: number;
  /** Begin with a comment, because the first silence is over already. */
  keepAliveFirst: boolean;
  /** What the comment says. Default `keep-alive`. */
  comment?: () => string;
};

/**
 * Server-sent events as a body that is pulled: the backend's next event is asked for only when the connection took the
 * last one, so a client that does not read holds one frame and the connection's buffers, no more.
 */
export function sseBody(source: FrameSource, timings: SseTimings): ReadableStream<Uint8Array> {
  let pending: ReturnType<FrameSource['next']> | undefined;
  let stallTimer: NodeJS.Timeout | undefined;
  let over = false;
  let keepAliveDue = timings.keepAliveFirst;
  const comment = (): string => commentFrame(timings.comment?.() ?? 'keep-alive');

  const abandon = (why: 'closed' | 'stalled'): boolean => {
    clearTimeout(stallTimer);
    if (over) return true;
    over = true;
    return source.abandon(why);
  };

  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        clearTimeout(stallTimer);
        const send = (frames: string): void => {
          controller.enqueue(Buffer.from(frames));
          stallTimer = setTimeout(() => {
            if (!abandon('stalled')) controller.error(new Error('the client does not read'));
          }, timings.writeStallMs);
        };
        if (keepAliveDue) {
          keepAliveDue = false;
          send(comment());
          return;
        }
        pending ??= source.next();
        const next = await orTimeout(pending, timings.keepAliveMs);
        if (over) return;
        if (next === undefined) {
          send(comment());
          return;
        }
        pending = undefined;
        if (next.frames !== '') send(next.frames);
        if (!next.last) return;
        clearTimeout(stallTimer);
        over = true;
        controller.close();
        source.finished();
      },
      cancel() {
        abandon('closed');
      },
    },
    { highWaterMark: 0 },
  );
}

/** `undefined` where the time ran out first. */
async function orTimeout<T>(promise: Promise<T>, limitMs: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), limitMs);
  });
  const result = await Promise.race([promise, timeout]);
  clearTimeout(timer);
  return result;
}
