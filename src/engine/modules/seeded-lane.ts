/**
 * Requests with a seed promise the same text again. Rounding depends on what shares a batch, on how a prompt is cut and
 * on where its keys lie in the cache, so such requests are computed alone, in fixed pieces, in a cache of their own that
 * is empty each time. The price is that they do not batch with others; they take turns with them step by step.
 */
import type { Clock } from '../../core/clock.ts';
import type { EngineOptions } from '../host/messages.ts';
import { NativeContext } from '../native/context.ts';
import type { NativeModel } from '../native/model.ts';
import { FixedController } from '../scheduler/controller.ts';
import { NativeStepRunner } from '../scheduler/native-runner.ts';
import { Scheduler } from '../scheduler/scheduler.ts';
import type { Turnstile } from '../scheduler/turnstile.ts';
import type { Job } from '../scheduler/types.ts';

/** Tokens of a prompt in one step: short enough that other answers do not stall, and always the same. */
const chunkTokens = 64;
const wholePictureTokens = 512;
/** The lane's memory is given back after this time without a request. */
const idleMs = 60_000;

type Lane = { context: NativeContext; runner: NativeStepRunner; scheduler: Scheduler };

export class SeededLane {
  readonly #model: NativeModel;
  readonly #options: EngineOptions;
  readonly #clock: Clock;
  readonly #turnstile: Turnstile;
  #lane: Lane | undefined;
  #active = 0;
  #idleTimer: NodeJS.Timeout | undefined;

  constructor(model: NativeModel, options: EngineOptions, clock: Clock, turnstile: Turnstile) {
    this.#model = model;
    this.#options = options;
    this.#clock = clock;
    this.#turnstile = turnstile;
  }

  /** As `Scheduler.submit`; the job is built for the lane's context. */
  submit(createJob: (context: NativeContext) => Job): void {
    clearTimeout(this.#idleTimer);
    this.#lane ??= this.#open();
    const job = createJob(this.#lane.context);
    this.#lane.scheduler.submit({
      ...job,
      onDone: (outcome, statistics) => {
        this.#active--;
        if (this.#active === 0) this.#idleTimer = setTimeout(() => void this.dispose(), idleMs).unref();
        job.onDone(outcome, statistics);
      },
    });
    this.#active++;
  }

  cancel(id: string): void {
    this.#lane?.scheduler.cancel(id);
  }

  async dispose(): Promise<void> {
    clearTimeout(this.#idleTimer);
    const lane = this.#lane;
    this.#lane = undefined;
    await lane?.scheduler.stop();
    lane?.runner.dispose();
    lane?.context.dispose();
  }

  #open(): Lane {
    const {
      projectorPath,
      threads,
      contextTokens,
      keyCacheType,
      valueCacheType,
      flashAttention,
      maxQueued,
      maxQueuedMs,
    } = this.#options;
    const context = NativeContext.create(this.#model, {
      cells: contextTokens,
      // A picture whose tokens all see each other is computed as a whole.
      batchTokens: projectorPath === undefined ? chunkTokens : wholePictureTokens,
      maxSequences: 1,
      maxOutputs: 1,
      threads,
      keyCacheType,
      valueCacheType,
      flashAttention,
    });
    const runner = new NativeStepRunner(context, 1, chunkTokens);
    const scheduler = new Scheduler({
      runner,
      controller: new FixedController({ tokenBudget: chunkTokens, maxRunning: 1, threads }),
      clock: this.#clock,
      turnstile: this.#turnstile,
      maxQueued,
      maxQueuedMs,
      maxCachedSequences: 0,
      maxCachedTokens: 0,
    });
    return { context, runner, scheduler };
  }
}
