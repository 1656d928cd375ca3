/** The scheduler with a draft model: the same texts, in fewer steps where guesses are right, and hardly slower where they are not. */
import { afterEach, describe, expect, it } from 'vitest';
import type { Clock } from '../../../core/clock.ts';
import type { CacheBudget } from '../../cache/cache-budget.ts';
import { LoadController } from '../controller.ts';
import { Scheduler, type SchedulerOptions } from '../scheduler.ts';
import { SimulatedDraft } from '../testing/simulated-draft.ts';
import { job, SimulatedRunner, type Result } from '../testing/simulated-runner.ts';
import { Turnstile } from '../turnstile.ts';
import type { BatchEntry, PictureSpan } from '../types.ts';
import { LookupSource } from './lookup-source.ts';
import { ModelSource, mostDraftTokens } from './model-source.ts';

/** Large enough that no answer repeats itself. */
const vocabulary = 997;
let time = 0;
const clock: Clock = { now: () => time, wallTime: () => 0 };
let scheduler: Scheduler | undefined;
afterEach(async () => {
  await scheduler?.stop();
});

/** The model takes 40 ms a step and 4 ms more for each token; a draft `draftMs` a batch and a hundredth more for each token. */
class TimedRunner extends SimulatedRunner {
  override async decode(batch: readonly BatchEntry[]) {
    const status = await super.decode(batch);
    if (status === 'done') time += 36 + 4 * batch.length;
    return status;
  }
}

let asking: SimulatedRunner;

/** What a request says, computed by the scheduler that `create` made last. */
function ask(
  running: Scheduler,
  id: string,
  promptTokens: number[],
  maxTokens: number,
  options: Omit<NonNullable<Parameters<typeof job>[3]>, 'maxTokens'> & { pictures?: PictureSpan[] } = {},
): Promise<Result> {
  const { pictures, ...more } = options;
  const entry = job(asking, id, promptTokens, { maxTokens, vocabulary, ...more });
  running.submit(pictures === undefined ? entry.job : { ...entry.job, pictures });
  return entry.result;
}

function create(
  options: {
    cells?: number;
    draftCells?: number;
    draftSlots?: number;
    draftMs?: number;
    isRight?: (guess: number) => boolean;
    withLookup?: boolean;
  } & Partial<SchedulerOptions> = {},
) {
  const {
    cells = 8_000,
    draftCells = 4_000,
    draftSlots = 8,
    draftMs = 8,
    isRight,
    withLookup = false,
    ...more
  } = options;
  const runner = new TimedRunner(cells, 12);
  asking = runner;
  const draft = new SimulatedDraft({
    cells: draftCells,
    slots: draftSlots,
    vocabulary,
    ...(isRight === undefined ? {} : { isRight }),
    onDecode: (entries) => {
      time += draftMs * (1 + entries.length / 100);
    },
  });
  const model = new ModelSource({ runner: draft, clock, assumedCostShare: 0.3 });
  scheduler = new Scheduler({
    runner,
    controller: new LoadController({ batchCapacity: 64, maxRunning: 8, threads: 1, targetInterTokenMs: 1_000 }),
    clock,
    turnstile: new Turnstile(),
    maxQueued: 100,
    maxQueuedMs: 1e12,
    maxCachedSequences: 4,
    maxCachedTokens: 10_000,
    draftSources: withLookup ? [new LookupSource(), model] : [model],
    ...more,
  });
  return { running: scheduler, draft };
}

function expected(prompt: readonly number[], count: number): number[] {
  const seen = [...prompt];
  for (let index = 0; index < count; index++) seen.push(1 + (seen.reduce((sum, each) => sum + each, 0) % vocabulary));
  return seen.slice(prompt.length);
}

const prompt = (length: number, first = 1) => Array.from({ length }, (_, index) => first + index);

describe('ModelSource', () => {
  it('says what the model says, in fewer steps than tokens where guesses are right', async () => {
    const { running } = create();
    const asked = await ask(running, 'a', prompt(10), 120);
    expect(asked.tokens).toEqual(expected(prompt(10), 120));
    const { steps, drafts, draftMs } = running.statistics();
    expect(steps).toBeLessThan(70);
    expect(drafts.model.right).toBeGreaterThan(50);
    expect(drafts.model.right).toBeLessThanOrEqual(drafts.model.checked);
    expect(draftMs).toBeGreaterThan(0);
  });

  it('says the same for several answers at once, whichever guesses are right', async () => {
    const { running } = create({ isRight: (guess) => guess % 3 !== 0 });
    const results = await Promise.all(
      Array.from({ length: 6 }, (_, index) =>
        ask(running, `r${index}`, prompt(20 + index * 9, index + 1), 20 + index * 11),
      ),
    );
    results.forEach(({ tokens }, index) => {
      expect(tokens).toEqual(expected(prompt(20 + index * 9, index + 1), 20 + index * 11));
    });
    const { right, checked } = running.statistics().drafts.model;
    expect(right).toBeGreaterThan(0);
    expect(right).toBeLessThan(checked);
  });

  it('draws from a random sampler once for each token', async () => {
    const texts: number[][] = [];
    for (const more of [{}, { draftSources: [] }]) {
      const { running } = create(more);
      texts.push((await ask(running, 'a', prompt(10), 200, { seed: 42 })).tokens);
      await running.stop();
    }
    expect(texts[1]).toEqual(texts[0]);
  });

  it('stops where guesses are wrong, and takes little time for it', async () => {
    const plainStart = time;
    const { running: plain } = create({ draftSources: [] });
    await ask(plain, 'a', prompt(10), 600);
    const plainMs = time - plainStart;
    await plain.stop();
    const start = time;
    const { running } = create({ isRight: () => false });
    const { tokens } = await ask(running, 'a', prompt(10), 600);
    expect(tokens).toEqual(expected(prompt(10), 600));
    expect((time - start) / plainMs).toBeLessThan(1.08);
    expect(running.statistics().drafts.model.right).toBe(0);
  });

  it('guesses nothing where the draft model is hardly faster than the model', async () => {
    const { running } = create({ draftMs: 39 });
    await ask(running, 'a', prompt(10), 400);
    const { drafts, steps } = running.statistics();
    expect(drafts.model.checked).toBeLessThan(60);
    expect(steps).toBeGreaterThan(300);
  });

  it('comes back when guesses are right again', async () => {
    let isRight = false;
    const { running } = create({ isRight: () => isRight });
    await ask(running, 'a', prompt(10), 300);
    isRight = true;
    await ask(running, 'b', prompt(12), 600);
    expect(running.statistics().drafts.model.right).toBeGreaterThan(100);
  });

  it('catches up with a prompt that the model took from its prefix cache, and goes on with it in the next turn', async () => {
    const { running, draft } = create();
    const first = prompt(300);
    const { tokens } = await ask(running, 'a', first, 200);
    const computed = draft.batches.flat().length;
    const second = [...first, ...tokens, 7, 8, 9];
    const next = await ask(running, 'b', second, 200);
    expect(next.tokens).toEqual(expected(second, 200));
    expect(next.statistics.cachedTokens).toBeGreaterThan(490);
    // Of the second turn only what is new.
    expect(draft.batches.flat().length - computed).toBeLessThan(400);
    expect(running.statistics().drafts.model.right).toBeGreaterThan(150);
  });

  it('guesses for the very text that it has read before', async () => {
    const { running } = create();
    for (let turn = 0; turn < 3; turn++) {
      const { tokens } = await ask(running, `t${turn}`, prompt(40), 100 - turn);
      expect(tokens).toEqual(expected(prompt(40), 100 - turn));
    }
    expect(running.statistics().drafts.model.right).toBeGreaterThan(150);
  });

  it('catches up in pieces and only for answers that are long enough', async () => {
    const { running, draft } = create();
    // It has seen that its guesses pay.
    await ask(running, 'warm', prompt(10, 5), 60);
    const before = draft.batches.length;
    await ask(running, 'short', prompt(900), 3);
    expect(draft.batches).toHaveLength(before);
    await ask(running, 'long', prompt(900, 2), 300);
    expect(draft.batches.slice(before).flat().length).toBeGreaterThan(700);
    expect(Math.max(...draft.batches.map(({ length }) => length))).toBeLessThanOrEqual(64);
  });

  it('keeps within a budget of the request and within its own cache, whatever the length of the text', async () => {
    const { running, draft } = create({ draftCells: 2_000 });
    const budget: CacheBudget = {
      policy: 'window',
      tokens: 128,
      headTokens: 4,
      latestTurn: 4,
      question: { tokens: [1], start: 40 },
      isTemplate: () => false,
    };
    let most = 0;
    const watch = () => {
      most = Math.max(most, draft.cellsUsed());
    };
    await ask(running, 'a', prompt(60), 400, { budget, onToken: watch });
    expect(most).toBeGreaterThan(60);
    expect(most).toBeLessThanOrEqual(128);
    const { tokens } = await ask(running, 'b', prompt(900, 3), 300, { onToken: watch });
    expect(tokens).toEqual(expected(prompt(900, 3), 300));
    expect(most).toBeLessThanOrEqual(mostDraftTokens + 128);
  });

  it('makes room by what it has kept, and lets answers go on without a place', async () => {
    const { running, draft } = create({ draftCells: 150, draftSlots: 2 });
    for (let turn = 0; turn < 4; turn++) {
      const results = await Promise.all(
        [1, 2, 3].map((each) => ask(running, `t${turn}r${each}`, prompt(30, each * 50), 40)),
      );
      results.forEach(({ tokens }, index) => expect(tokens).toEqual(expected(prompt(30, (index + 1) * 50), 40)));
    }
    expect(draft.cellsUsed()).toBeLessThanOrEqual(150);
  });

  it('lets go of an answer that is cancelled, and of one that fails', async () => {
    const { running, draft } = create({ draftSlots: 1 });
    let said = 0;
    const cancelled = await ask(running, 'a', prompt(10), 200, {
      onToken: () => {
        if (++said === 60) running.cancel('a');
      },
    });
    expect(cancelled.outcome.kind).toBe('cancelled');
    said = 0;
    const failed = await ask(running, 'b', prompt(10, 40), 200, {
      onToken: () => {
        if (++said === 60) throw new Error('the client is gone');
      },
    });
    expect(failed.outcome.kind).toBe('failed');
    const before = running.statistics().drafts.model.right;
    await ask(running, 'c', prompt(10, 80), 100);
    expect(running.statistics().drafts.model.right).toBeGreaterThan(before + 40);
    expect(draft.cellsUsed()).toBeLessThan(130);
  });

  it('ends no answer when the draft model fails; it is not asked again', async () => {
    const { running, draft } = create();
    let said = 0;
    const { tokens, outcome } = await ask(running, 'a', prompt(10), 200, {
      onToken: () => {
        if (++said === 50) draft.failNext = new Error('llama_decode returned -3');
      },
    });
    expect(outcome).toEqual({ kind: 'finished', reason: 'length' });
    expect(tokens).toEqual(expected(prompt(10), 200));
    expect(running.statistics().draftFailures).toBe(1);
    const batches = draft.batches.length;
    await ask(running, 'b', prompt(10), 50);
    expect(draft.batches).toHaveLength(batches);
  });

  it('leaves a draft to the text where that promises more, and each is counted by its source', async () => {
    const { running } = create({ withLookup: true, draftMs: 30 });
    // The simulated model repeats itself with few different tokens; the draft model guesses others.
    const repeated = await ask(running, 'a', prompt(10), 200, { vocabulary: 7 });
    expect(repeated.outcome.kind).toBe('finished');
    expect(running.statistics().drafts.lookup.right).toBeGreaterThan(80);
  });

  it('never guesses behind a picture', async () => {
    const { running, draft } = create();
    const embeddings = Float32Array.from([1, 2, 3, 4]);
    const span = { start: 2, count: 4, positions: 4, grid: undefined, isCausal: true, embeddings };
    const { outcome } = await ask(running, 'a', [1, 2, -1, -2, -3, -4, 3], 40, { pictures: [span] });
    expect(outcome.kind).toBe('finished');
    expect(draft.batches).toHaveLength(0);
  });
});
