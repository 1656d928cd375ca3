/** One exchange with an upstream whose answer is passed on byte for byte. */
import type { Dispatcher } from 'undici';
import type { TokenUsage } from '../core/events.ts';
import { connectionFault } from './connection-fault.ts';
import { StreamScan, toUsage, type WireUsage } from './stream-scan.ts';
import { UpstreamFault } from './upstream-fault.ts';

export type RelayCall = {
  path: '/chat/completions' | '/completions' | '/embeddings';
  body: Buffer;
  stream: boolean;
  /** How many choices must end. */
  choices: number;
  /** Whether the client asked for the usage of a stream. */
  wantsUsage: boolean;
};

/** Who takes a stream on its way to the client. */
export type RelaySink = {
  /** @returns `false` when no more should come until `resume` */
  data(bytes: Buffer): boolean;
  end(): void;
  /** The answer is cut. What has gone out stays; nothing that looks like an end may follow. */
  fail(error: unknown): void;
};

/** A status other than 200, with the beginning of what the upstream said. */
export type RelayRefusal = { status: number; header: (name: string) => string | undefined; text: string };
export type RelayLimits = { firstTokenMs: number; silenceMs: number };

type Controller = Dispatcher.DispatchController;
type Headers = Parameters<NonNullable<Dispatcher.DispatchHandler['onResponseStart']>>[2];

/** How long the end of a finished stream may take, so that its connection can be used again. */
const drainMs = 250;
const maxRefusalBytes = 64 * 1024;
const maxBodyBytes = 256 * 1024 * 1024;

/**
 * An HTTP client's handler. `opened` resolves at the first event of a stream or with the whole body of another answer;
 * until then nothing has gone to the client, and what fails can be tried elsewhere.
 */
export class RelayExchange implements Dispatcher.DispatchHandler {
  readonly opened: Promise<void>;
  /** Of an answer that is not streamed. */
  body: Buffer | undefined;
  mediaType = 'application/json';
  /** Monotonic; set by every sign of progress. */
  deadlineMs: number;
  readonly #call: RelayCall;
  readonly #limits: RelayLimits;
  readonly #now: () => number;
  readonly #scan: StreamScan;
  readonly #settled: (exchange: RelayExchange) => void;
  readonly #refuse: (refusal: RelayRefusal) => UpstreamFault;
  #open!: () => void;
  #reject!: (error: unknown) => void;
  #isOpen = false;
  #isOver = false;
  #controller: Controller | undefined;
  #status = 0;
  #headers: Headers = {};
  #chunks: Buffer[] = [];
  #size = 0;
  /** What came before there was a sink. */
  #held: Buffer[] = [];
  #sink: RelaySink | undefined;
  #isPaused = false;
  #end: { error?: unknown } | undefined;
  #drain: NodeJS.Timeout | undefined;
  #bodyUsage: TokenUsage | undefined;
  #bodyModel: string | undefined;

  constructor(
    call: RelayCall,
    parts: {
      limits: RelayLimits;
      now: () => number;
      refuse: (refusal: RelayRefusal) => UpstreamFault;
      /** Called once, when the exchange needs nothing more. */
      settled: (exchange: RelayExchange) => void;
    },
  ) {
    this.#call = call;
    this.#limits = parts.limits;
    this.#now = parts.now;
    this.#refuse = parts.refuse;
    this.#settled = parts.settled;
    this.#scan = new StreamScan(call);
    this.deadlineMs = parts.now() + parts.limits.firstTokenMs;
    this.opened = new Promise((resolve, reject) => {
      this.#open = resolve;
      this.#reject = reject;
    });
    // Where it is never awaited, a refusal of the gate has been thrown already.
    this.opened.catch(() => {});
  }

  /** As far as it is known; a stream's is known at its end. */
  get usage(): TokenUsage | undefined {
    return this.#call.stream ? this.#scan.usage : this.#bodyUsage;
  }

  get model(): string | undefined {
    return this.#call.stream ? this.#scan.model : this.#bodyModel;
  }

  get deltas(): number {
    return this.#scan.deltas;
  }

  /** From now on the sink is fed; it may be called at once. */
  attach(sink: RelaySink): void {
    this.#sink = sink;
    const held = this.#held.splice(0);
    let goesOn = true;
    for (const bytes of held) goesOn = sink.data(bytes) && goesOn;
    if (!goesOn) this.pause();
    if (this.#end !== undefined) this.#tell(this.#end);
  }

  pause(): void {
    this.#isPaused = true;
    this.#controller?.pause();
  }

  resume(): void {
    this.#isPaused = false;
    // A client that was slow is not the upstream's silence.
    this.deadlineMs = this.#now() + this.#limits.silenceMs;
    this.#controller?.resume();
  }

  /** Called now and then. A client that does not read is the sink's business. */
  checkDeadline(nowMs: number): void {
    if (this.#isPaused || nowMs < this.deadlineMs) return;
    const fault = this.#isOpen
      ? new UpstreamFault('silence', 'the upstream fell silent')
      : new UpstreamFault('first-token-timeout', 'the upstream gave no first token in time');
    this.abort(fault);
  }

  /** Ends it from this side; the sink hears of it unless it was told the end already. */
  abort(reason: unknown): void {
    if (this.#isOver) return;
    this.#finish({ error: reason });
    this.#controller?.abort(reason instanceof Error ? reason : new Error('aborted'));
  }

  onRequestStart(controller: Controller): void {
    this.#controller = controller;
    if (this.#isOver) controller.abort(new Error('aborted before it began'));
  }

  onResponseStart(_: Controller, status: number, headers: Headers): void {
    if (status < 200) return;
    this.#status = status;
    this.#headers = headers;
    if (status !== 200) return;
    const wanted = this.#call.stream ? 'text/event-stream' : 'application/json';
    const mediaType = this.#header('content-type') ?? wanted;
    // A portal of a hotel's network answers everything with a page.
    if (!mediaType.toLowerCase().startsWith(wanted)) {
      this.abort(new UpstreamFault('garbage', 'the upstream answered with something that is no answer'));
      return;
    }
    this.mediaType = mediaType;
  }

  onResponseData(_: Controller, chunk: Buffer): void {
    if (this.#isOver) return;
    if (this.#call.stream && this.#status === 200) {
      this.#stream(chunk);
      return;
    }
    this.#size += chunk.length;
    this.#chunks.push(chunk);
    if (this.#status !== 200 && this.#size > maxRefusalBytes) this.#refused();
    else if (this.#size > maxBodyBytes) this.abort(new UpstreamFault('garbage', 'the upstream sent too much'));
  }

  onResponseEnd(): void {
    clearTimeout(this.#drain);
    if (this.#isOver) return;
    if (this.#status !== 200) this.#refused();
    else if (this.#call.stream) this.#streamEnd();
    else this.#bodyEnd();
  }

  onResponseError(_: Controller, error: Error): void {
    if (this.#isOver) return;
    this.#finish({ error: connectionFault(error, this.#status !== 0) });
  }

  #stream(chunk: Buffer): void {
    const before = this.#scan.deltas;
    let bytes: Buffer;
    try {
      bytes = this.#scan.push(chunk);
    } catch (error) {
      this.abort(error);
      return;
    }
    // Comments are no progress.
    if (this.#scan.deltas > before) this.deadlineMs = this.#now() + this.#limits.silenceMs;
    if (bytes.length > 0) {
      if (this.#sink === undefined) this.#held.push(bytes);
      else if (!this.#sink.data(bytes)) this.pause();
      if (!this.#isOpen) {
        this.#isOpen = true;
        this.deadlineMs = Math.max(this.deadlineMs, this.#now() + this.#limits.silenceMs);
        this.#open();
      }
    }
    // What the server still has to say after [DONE] is read to its end, so that the connection can be used again.
    if (this.#scan.isDone) {
      this.#finish({});
      this.#drain = setTimeout(() => this.#controller?.abort(new Error('the answer is over')), drainMs).unref();
    }
  }

  #streamEnd(): void {
    try {
      const bytes = this.#scan.end();
      if (bytes.length > 0) {
        if (this.#sink === undefined) this.#held.push(bytes);
        else this.#sink.data(bytes);
      }
    } catch (error) {
      this.#finish({ error });
      return;
    }
    this.#isOpen = true;
    this.#open();
    this.#finish({});
  }

  #bodyEnd(): void {
    const body = this.#chunks.length === 1 && this.#chunks[0] ? this.#chunks[0] : Buffer.concat(this.#chunks);
    const facts = bodyFacts(body);
    if (facts === undefined) {
      this.#finish({ error: new UpstreamFault('garbage', 'the upstream sent something that is no answer') });
      return;
    }
    this.#bodyUsage = facts.usage === undefined ? undefined : toUsage(facts.usage);
    this.#bodyModel = facts.model;
    this.body = body;
    this.#isOpen = true;
    this.#open();
    this.#finish({});
  }

  #refused(): void {
    const text = Buffer.concat(this.#chunks).toString('utf8');
    this.abort(this.#refuse({ status: this.#status, header: (name) => this.#header(name), text }));
  }

  #finish(end: { error?: unknown }): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#settled(this);
    if (!this.#isOpen && 'error' in end) this.#reject(end.error);
    else if (this.#sink === undefined) this.#end = end;
    else this.#tell(end);
  }

  #tell(end: { error?: unknown }): void {
    if ('error' in end) this.#sink?.fail(end.error);
    else this.#sink?.end();
  }

  #header(name: string): string | undefined {
    const value = (this.#headers as Record<string, string | string[] | undefined>)[name];
    return Array.isArray(value) ? value[0] : value;
  }
}

type BodyFacts = { model: string | undefined; usage: WireUsage | undefined };

/** Of larger bodies, which are lists of vectors, only the end is read: the usage stands there. */
const maxParsedBytes = 1024 * 1024;

function bodyFacts(body: Buffer): BodyFacts | undefined {
  if (body.length > maxParsedBytes) return tailFacts(body);
  let value: { model?: unknown; usage?: unknown; error?: unknown; object?: unknown };
  try {
    value = JSON.parse(body.toString('latin1')) as typeof value;
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || value.object === 'error') return undefined;
  if (value.error !== undefined && value.error !== null) return undefined;
  return {
    model: typeof value.model === 'string' ? value.model : undefined,
    usage: typeof value.usage === 'object' && value.usage !== null ? value.usage : undefined,
  };
}

function tailFacts(body: Buffer): BodyFacts | undefined {
  const tail = body.toString('latin1', body.length - 2048);
  if (!tail.trimEnd().endsWith('}')) return undefined;
  const tokens = /"prompt_tokens"\s*:\s*(\d+)/.exec(tail)?.[1];
  return { model: undefined, usage: tokens === undefined ? undefined : { prompt_tokens: Number(tokens) } };
}
