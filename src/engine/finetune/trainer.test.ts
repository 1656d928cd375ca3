import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Clock } from '../../core/clock.ts';
import type { TrainingExample } from '../native/lora-training.ts';
import { readCheckpoint, writeCheckpoint } from './checkpoint.ts';
import { epochOrder, learningRateAt, planProcessor } from './schedule.ts';
import { newProgress, runCourse, type CourseEvent, type CourseParts, type Progress } from './trainer.ts';

const example = (id: number): TrainingExample => ({
  tokens: Int32Array.from([id, 1, 2, 3]),
  learnt: Uint8Array.from([0, 0, 1, 1]),
});

/** "Learns" by adding up what it saw, so that another order or a step too many shows. */
class Sum {
  value = 0;
  seen: number[] = [];
  /** Loss of each check, the last one again and again. */
  checks: number[];

  constructor(checks: number[]) {
    this.checks = checks;
  }

  step({ tokens }: TrainingExample, rate: number): number {
    this.seen.push(tokens[0] as number);
    this.value = this.value * 0.9 + (tokens[0] as number) * rate;
    return 1 / (1 + this.seen.length);
  }

  evaluate(): number {
    return this.checks.length > 1 ? (this.checks.shift() as number) : (this.checks[0] as number);
  }
}

function parts(learner: Sum, over: Partial<CourseParts> = {}, progress: Progress = newProgress()) {
  let now = 0;
  const clock: Clock = { now: () => (now += 10), wallTime: () => 0 };
  const events: CourseEvent[] = [];
  const saved: { best: number[]; checkpoints: Progress[] } = { best: [], checkpoints: [] };
  const course: CourseParts = {
    learner,
    train: [0, 1, 2, 3, 4, 5].map((id) => example(id)),
    validation: [example(9)],
    options: { epochs: 3, learningRate: 1, seed: 1, patience: 2, busyShare: 1, checkpointEveryMs: 1e9 },
    progress,
    clock,
    onEvent: (event) => events.push(event),
    saveBest: async () => void saved.best.push(learner.value),
    saveCheckpoint: async (each) => void saved.checkpoints.push(structuredClone(each)),
    wantsPause: () => false,
    ...over,
  };
  return { course, events, saved };
}

describe('a training', () => {
  it('goes through the data in another order each time, and checks before and after each', async () => {
    const learner = new Sum([4, 3, 2, 1]);
    const { course, events, saved } = parts(learner);
    const outcome = await runCourse(course);
    expect(outcome).toMatchObject({
      kind: 'done',
      reason: 'epochs',
      progress: { epoch: 3, step: 18, best: { epoch: 3, loss: 1 } },
    });
    const epochs = [0, 6, 12].map((start) => learner.seen.slice(start, start + 6));
    for (const order of epochs) expect(order.toSorted()).toEqual([0, 1, 2, 3, 4, 5]);
    expect(new Set(epochs.map(String)).size).toBe(3);
    expect(events.filter(({ type }) => type === 'check')).toHaveLength(4);
    expect(saved.best).toHaveLength(3);
  });

  it('ends early where the checks no longer get better, with the best kept', async () => {
    const { course, saved } = parts(new Sum([4, 2, 3, 3, 3, 3]), {
      options: { epochs: 20, learningRate: 1, seed: 1, patience: 2, busyShare: 1, checkpointEveryMs: 1e9 },
    });
    const outcome = await runCourse(course);
    expect(outcome).toMatchObject({ reason: 'early-stop', progress: { epoch: 3, best: { epoch: 1, loss: 2 } } });
    expect(saved.best).toHaveLength(1);
  });

  it('keeps no best where the loss never fell', async () => {
    const { course, saved } = parts(new Sum([2, 3]));
    const { progress } = await runCourse(course);
    expect(progress.best).toBeUndefined();
    expect(saved.best).toEqual([]);
  });

  it('interrupted anywhere and gone on with, it ends with the same numbers', async () => {
    const whole = new Sum([4, 3, 2, 1]);
    await runCourse(parts(whole).course);
    for (const stopAfter of [1, 5, 6, 11]) {
      const learner = new Sum([4, 3, 2, 1]);
      const first = parts(learner, { wantsPause: () => learner.seen.length >= stopAfter });
      expect(await runCourse(first.course)).toMatchObject({ kind: 'paused', progress: { step: stopAfter } });
      const checkpoint = first.saved.checkpoints.at(-1)!;
      const second = parts(learner, {}, checkpoint);
      expect(await runCourse(second.course)).toMatchObject({ kind: 'done' });
      expect(learner.seen).toEqual(whole.seen);
      expect(learner.value).toBe(whole.value);
    }
  });

  it('says so where the loss is no number any more', async () => {
    const learner = new Sum([4]);
    learner.step = () => Number.NaN;
    await expect(runCourse(parts(learner).course)).rejects.toMatchObject({ code: 'training_failed' });
  });

  it('keeps a checkpoint every so often within an epoch', async () => {
    const { course, saved } = parts(new Sum([4, 3, 2, 1]), {
      options: { epochs: 1, learningRate: 1, seed: 1, patience: 2, busyShare: 1, checkpointEveryMs: 50 },
    });
    await runCourse(course);
    expect(saved.checkpoints.length).toBeGreaterThan(2);
  });
});

describe('the schedule', () => {
  it('rises at the beginning and falls to a tenth', () => {
    const rates = Array.from({ length: 100 }, (_, step) => learningRateAt(step, 100, 1));
    expect(Math.max(...rates)).toBe(1);
    expect(rates[0]).toBeLessThan(0.3);
    expect(rates.at(-1)).toBeCloseTo(0.1, 2);
  });

  it('repeats an order for a seed', () => {
    expect(epochOrder(20, 5)).toEqual(epochOrder(20, 5));
    expect(epochOrder(20, 5)).not.toEqual(epochOrder(20, 6));
  });

  it.each([
    [1, 2, 2, 1],
    [0.5, 2, 1, 1],
    [0.25, 2, 1, 0.5],
    [0.75, 4, 3, 1],
    [0.6, 2, 1, 1],
  ])('takes %d of %d cores as %d threads, %d of the time', (share, cores, threads, busyShare) => {
    expect(planProcessor(share, cores)).toEqual({ threads, busyShare });
  });
});

describe('a checkpoint', () => {
  it('comes back as it was, for the same training only, and never in half', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'duanyun-checkpoint-'));
    const path = join(folder, 'checkpoint.bin');
    try {
      const tensors = new Map([
        ['a.lora_a', Float32Array.from([1.5, -2])],
        ['AdamW m for a.lora_a', Float32Array.from([3, 4])],
      ]);
      const checkpoint = { fingerprint: 'x', progress: newProgress(), state: { iteration: 7, tensors } };
      await writeCheckpoint(path, checkpoint);
      expect(await readCheckpoint(path, 'x')).toEqual(checkpoint);
      expect(await readCheckpoint(path, 'y')).toBeUndefined();
      await writeFile(path, (await readFile(path)).subarray(0, -4));
      expect(await readCheckpoint(path, 'x')).toBeUndefined();
      expect(await readCheckpoint(join(folder, 'none'), 'x')).toBeUndefined();
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  it.skipIf(!existsSync('/dev/full'))('stays as it was where the disk is full', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'duanyun-checkpoint-'));
    const path = join(folder, 'checkpoint.bin');
    try {
      const tensors = new Map([['a.lora_a', Float32Array.from([1])]]);
      const checkpoint = { fingerprint: 'x', progress: newProgress(), state: { iteration: 1, tensors } };
      await writeCheckpoint(path, checkpoint);
      await symlink('/dev/full', `${path}.new`);
      const later = writeCheckpoint(path, { ...checkpoint, state: { iteration: 2, tensors } });
      await expect(later).rejects.toMatchObject({ code: 'ENOSPC' });
      expect((await readCheckpoint(path, 'x'))?.state.iteration).toBe(1);
      expect(await readdir(folder)).toEqual(['checkpoint.bin']);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
