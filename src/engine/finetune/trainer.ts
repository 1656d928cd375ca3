/** The course of a training: epochs, learning rate, checks on examples kept apart, early stop, checkpoints. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../../core/clock.ts';
import { makeError } from '../../core/errors.ts';
import type { TrainingExample } from '../native/lora-training.ts';
import { nextTurn } from '../scheduler/turnstile.ts';
import { epochOrder, learningRateAt } from './schedule.ts';

export type CourseOptions = {
  epochs: number;
  learningRate: number;
  seed: number;
  /** Epochs without a better check after which it ends. */
  patience: number;
  /** Share of the time in which it computes, 0–1; the rest it sleeps. */
  busyShare: number;
  checkpointEveryMs: number;
};

export type LossPoint = { step: number; loss: number };
export type CheckPoint = LossPoint & { epoch: number };

/** Where a training is; with the optimizer's state all that is needed to go on. */
export type Progress = {
  /** Finished epochs. */
  epoch: number;
  /** Examples of the running epoch that are done. */
  position: number;
  step: number;
  losses: LossPoint[];
  checks: CheckPoint[];
  /** Of the checks, the lowest after training began; absent before. */
  best?: CheckPoint;
  trainedMs: number;
};

export type CourseEvent =
  | {
      type: 'step';
      epoch: number;
      step: number;
      steps: number;
      loss: number;
      tokensPerSecond: number;
      remainingSeconds: number;
    }
  | { type: 'check'; epoch: number; step: number; loss: number; isBest: boolean }
  | { type: 'checkpoint'; step: number };

/** What is trained; `LoraTraining` or the tests' stand-in. */
export type Learner = {
  step(example: TrainingExample, learningRate: number): number;
  evaluate(example: TrainingExample): number;
};

export type CourseParts = {
  learner: Learner;
  train: readonly TrainingExample[];
  validation: readonly TrainingExample[];
  options: CourseOptions;
  progress: Progress;
  clock: Clock;
  onEvent(event: CourseEvent): void;
  /** Keeps the weights of now as the best. */
  saveBest(): Promise<void>;
  saveCheckpoint(progress: Progress): Promise<void>;
  wantsPause(): boolean;
};

export type CourseOutcome = { kind: 'done' | 'paused'; progress: Progress; reason: 'epochs' | 'early-stop' | 'paused' };

export function newProgress(): Progress {
  return { epoch: 0, position: 0, step: 0, losses: [], checks: [], trainedMs: 0 };
}

/** Throws `training_failed` where the loss is no number any more. */
export async function runCourse(parts: CourseParts): Promise<CourseOutcome> {
  const { train, options, progress } = parts;
  const pace = new Pace(parts);
  if (progress.checks.length === 0) await check(parts);
  while (progress.epoch < options.epochs) {
    if (stopsEarly(progress, options.patience)) return { kind: 'done', progress, reason: 'early-stop' };
    const order = epochOrder(train.length, options.seed + progress.epoch);
    while (progress.position < order.length) {
      await nextTurn();
      if (parts.wantsPause()) {
        await parts.saveCheckpoint(progress);
        return { kind: 'paused', progress, reason: 'paused' };
      }
      await oneStep(parts, pace, train[order[progress.position] as number] as TrainingExample);
      if (pace.isCheckpointDue()) await saveCheckpoint(parts, pace);
    }
    progress.epoch++;
    progress.position = 0;
    await check(parts);
    await saveCheckpoint(parts, pace);
  }
  return { kind: 'done', progress, reason: 'epochs' };
}

async function oneStep(parts: CourseParts, pace: Pace, example: TrainingExample): Promise<void> {
  const { learner, train, options, progress, clock } = parts;
  const steps = options.epochs * train.length;
  const startedAt = clock.now();
  const loss = learner.step(example, learningRateAt(progress.step, steps, options.learningRate));
  const stepMs = clock.now() - startedAt;
  progress.step++;
  progress.position++;
  progress.losses.push({ step: progress.step, loss });
  progress.trainedMs += stepMs;
  if (!Number.isFinite(loss)) throw lossLost(progress.step);
  pace.observe(example.tokens.length, stepMs);
  parts.onEvent({
    type: 'step',
    epoch: progress.epoch + 1,
    step: progress.step,
    steps,
    loss,
    tokensPerSecond: pace.tokensPerSecond,
    remainingSeconds: pace.remainingSeconds(steps - progress.step),
  });
  if (options.busyShare < 1) await sleep(stepMs * (1 / options.busyShare - 1));
}

/** The loss of the examples kept apart, each token counted once. */
async function check(parts: CourseParts): Promise<void> {
  const { learner, validation, progress } = parts;
  let sum = 0;
  let tokens = 0;
  for (const example of validation) {
    await nextTurn();
    const count = learntCount(example);
    sum += learner.evaluate(example) * count;
    tokens += count;
  }
  const point = { epoch: progress.epoch, step: progress.step, loss: sum / tokens };
  if (!Number.isFinite(point.loss)) throw lossLost(progress.step);
  progress.checks.push(point);
  const lowest = Math.min(...progress.checks.slice(0, -1).map(({ loss }) => loss));
  const isBest = progress.checks.length > 1 && point.loss < lowest;
  if (isBest) {
    await parts.saveBest();
    progress.best = point;
  }
  parts.onEvent({ type: 'check', ...point, isBest });
}

async function saveCheckpoint(parts: CourseParts, pace: Pace): Promise<void> {
  await parts.saveCheckpoint(parts.progress);
  pace.checkpointDone();
  parts.onEvent({ type: 'checkpoint', step: parts.progress.step });
}

function stopsEarly({ checks, best, epoch }: Progress, patience: number): boolean {
  return checks.length > 1 && epoch - (best?.epoch ?? 0) >= patience;
}

function learntCount({ learnt }: TrainingExample): number {
  return learnt.subarray(1).reduce((sum, each) => sum + each, 0);
}

function lossLost(step: number): Error {
  const advice = 'Try again with a smaller --learning-rate.';
  return makeError('training_failed', { reason: `the loss was no number any more at step ${step}`, advice });
}

/** How fast it goes, over the last steps. */
class Pace {
  readonly #parts: Pick<CourseParts, 'clock' | 'options'>;
  readonly #recent: { tokens: number; ms: number }[] = [];
  #checkpointAt: number;

  constructor(parts: Pick<CourseParts, 'clock' | 'options'>) {
    this.#parts = parts;
    this.#checkpointAt = parts.clock.now();
  }

  observe(tokens: number, ms: number): void {
    this.#recent.push({ tokens, ms });
    if (this.#recent.length > 20) this.#recent.shift();
  }

  get tokensPerSecond(): number {
    const { busyShare } = this.#parts.options;
    return (this.#sum('tokens') / Math.max(1, this.#sum('ms'))) * 1000 * busyShare;
  }

  remainingSeconds(steps: number): number {
    const { busyShare } = this.#parts.options;
    return (steps * this.#sum('ms')) / Math.max(1, this.#recent.length) / 1000 / busyShare;
  }

  isCheckpointDue(): boolean {
    return this.#parts.clock.now() - this.#checkpointAt >= this.#parts.options.checkpointEveryMs;
  }

  checkpointDone(): void {
    this.#checkpointAt = this.#parts.clock.now();
  }

  #sum(field: 'tokens' | 'ms'): number {
    return this.#recent.reduce((sum, each) => sum + each[field], 0);
  }
}
