import { afterEach, describe, expect, it } from 'vitest';
import type { CacheBudget } from '../cache/cache-budget.ts';
import { KeptTokens } from '../cache/kept-tokens.ts';
import { LoadController } from './controller.ts';
import { Scheduler } from './scheduler.ts';
import { job, SimulatedRunner } from './testing/simulated-runner.ts';
import { Turnstile } from './turnstile.ts';

let scheduler: Scheduler | undefined;
afterEach(async () => {
  await scheduler?.stop();
});

function create(runner: SimulatedRunner): Scheduler {
  const options = { batchCapacity: runner.batchCapacity, maxRunning: 4, threads: 1, targetInterTokenMs: 1_000 };
  let time = 0;
  scheduler = new Scheduler({
    runner,
    controller: new LoadController(options),
    clock: { now: () => time++, wallTime: () => 0 },
    turnstile: new Turnstile(),
    maxQueued: 100,
    maxQueuedMs: 1e9,
    maxCachedSequences: 4,
    maxCachedTokens: 10_000,
  });
  return scheduler;
}

function budget(tokens: number, more: Partial<CacheBudget> = {}): CacheBudget {
  return {
    policy: 'window',
    tokens,
    headTokens: 8,
    latestTurn: Infinity,
    question: { tokens: [1], start: 0 },
    isTemplate: () => false,
    ...more,
  };
}

const numbers = (length: number, first = 1) => Array.from({ length }, (_, index) => first + index);

describe('a sequence with a budget', () => {
  it('never holds more once its prompt is computed, and keeps its head and the newest tokens', async () => {
    const runner = new SimulatedRunner(1_000, 4);
    const most: number[] = [];
    const entry = job(runner, 'a', numbers(300), {
      maxTokens: 80,
      budget: budget(100),
      onToken: () => most.push(runner.cellsUsed()),
    });
    create(runner).submit(entry.job);
    const { tokens, outcome } = await entry.result;
    expect(outcome).toEqual({ kind: 'finished', reason: 'length' });
    expect(tokens).toHaveLength(80);
    expect(Math.max(...most)).toBeLessThanOrEqual(100);
    const left = [...runner.contents[0]!.values()];
    expect(left.slice(0, 8)).toEqual(numbers(8));
    expect(left.slice(-20)).toEqual(tokens.slice(-21, -1));
    const { evictedTokens, evictions, cellsUsed, cacheBytes } = scheduler!.statistics();
    expect(evictedTokens).toBe(300 + 79 - cellsUsed);
    expect(evictions).toBeGreaterThan(1);
    expect(cacheBytes).toBe(100 * cellsUsed);
  });

  it('keeps what is worth most', async () => {
    const runner = new SimulatedRunner(1_000, 4);
    // Large numbers score high in the simulation.
    const prompt = numbers(300).map((token) => (token === 40 || token === 41 ? 9_000 + token : token));
    const entry = job(runner, 'a', prompt, { maxTokens: 4, budget: budget(100, { policy: 'key-diff' }) });
    create(runner).submit(entry.job);
    await entry.result;
    expect([...runner.contents[0]!.values()]).toEqual(expect.arrayContaining([9_040, 9_041]));
  });

  it('leaves gaps where positions cannot change', async () => {
    const runner = new SimulatedRunner(1_000, 4);
    runner.canMove = false;
    const entry = job(runner, 'a', numbers(300), { maxTokens: 10, budget: budget(100) });
    create(runner).submit(entry.job);
    await entry.result;
    expect(Math.max(...runner.contents[0]!.keys())).toBe(308);
    expect(runner.contents[0]!.size).toBeLessThanOrEqual(100);
  });

  it('shares only what is complete with a request that has no budget', async () => {
    const runner = new SimulatedRunner(1_000, 4);
    const running = create(runner);
    const first = job(runner, 'a', numbers(300), { maxTokens: 4, budget: budget(100) });
    running.submit(first.job);
    await first.result;
    const whole = job(runner, 'b', [...numbers(300), 7], { maxTokens: 4 });
    running.submit(whole.job);
    const { tokens, statistics } = await whole.result;
    expect(statistics.cachedTokens).toBe(8);
    const sum = numbers(300).reduce((total, token) => total + token, 7);
    expect(tokens[0]).toBe(1 + (sum % 1_000));
  });

  it('is gone on with by the next turn with the same budget', async () => {
    const runner = new SimulatedRunner(1_000, 4);
    const running = create(runner);
    const first = job(runner, 'a', numbers(300), { maxTokens: 4, budget: budget(100) });
    running.submit(first.job);
    const { tokens } = await first.result;
    const next = [...numbers(300), ...tokens, ...numbers(40, 500)];
    const second = job(runner, 'b', next, { maxTokens: 4, budget: budget(100) });
    running.submit(second.job);
    // The last token that was said is not computed before the next turn asks for it.
    expect((await second.result).statistics.cachedTokens).toBe(303);
    expect(runner.cellsUsed()).toBeLessThanOrEqual(100);
    const other = job(runner, 'c', next, { maxTokens: 4, budget: budget(120) });
    running.submit(other.job);
    expect((await other.result).statistics.cachedTokens).toBe(8);
  });

  it('does not move cells that another request shares', async () => {
    const runner = new SimulatedRunner(2_000, 6);
    const running = create(runner);
    const plain = job(runner, 'a', numbers(200), { maxTokens: 4 });
    running.submit(plain.job);
    await plain.result;
    // Shares 150 cells with the kept prefix and then loses most of them: the simulation fails where one of those moves.
    const entry = job(runner, 'b', [...numbers(150), ...numbers(150, 400)], { maxTokens: 30, budget: budget(80) });
    running.submit(entry.job);
    const { outcome, statistics } = await entry.result;
    expect(statistics.cachedTokens).toBe(150);
    expect(outcome.kind).toBe('finished');
    expect([...runner.contents[0]!.values()].slice(0, 200)).toEqual(numbers(200));
  });

  it('frees everything when it is cancelled in the middle of evictions', async () => {
    const runner = new SimulatedRunner(1_000, 4);
    const running = create(runner);
    let count = 0;
    const entry = job(runner, 'a', numbers(300), {
      maxTokens: 500,
      budget: budget(100),
      onToken: () => {
        if (++count === 20) running.cancel('a');
      },
    });
    running.submit(entry.job);
    const next = job(runner, 'b', numbers(50, 700), { maxTokens: 4 });
    running.submit(next.job);
    expect((await entry.result).outcome).toEqual({ kind: 'cancelled' });
    expect((await next.result).outcome).toEqual({ kind: 'finished', reason: 'length' });
    expect(running.statistics().running).toBe(0);
    // What stays is a prefix for a next turn, within the budget.
    expect(runner.contents[0]!.size).toBeLessThanOrEqual(100);
  });

  it('fails alone where its cells cannot be scored', async () => {
    const runner = new SimulatedRunner(1_000, 4);
    const running = create(runner);
    runner.failNextScore = new Error('no memory');
    const bad = job(runner, 'a', numbers(300), { maxTokens: 4, budget: budget(100, { policy: 'key-diff' }) });
    const good = job(runner, 'b', numbers(50, 700), { maxTokens: 4 });
    running.submit(bad.job);
    running.submit(good.job);
    expect((await bad.result).outcome).toMatchObject({ kind: 'failed' });
    expect((await good.result).outcome).toEqual({ kind: 'finished', reason: 'length' });
  });

  it('is let in where only its budget fits the cache, and says nothing wrong to others', async () => {
    const runner = new SimulatedRunner(400, 4);
    const entry = job(runner, 'a', numbers(900), { maxTokens: 40, budget: budget(100) });
    create(runner).submit(entry.job);
    expect((await entry.result).outcome).toEqual({ kind: 'finished', reason: 'length' });
  });

  it('is kept elsewhere when it ends, and goes on in another scheduler', async () => {
    const runner = new SimulatedRunner(1_000, 4);
    const running = create(runner);
    const first = job(runner, 'a', numbers(300), { maxTokens: 4, budget: budget(100) });
    let saved: Parameters<Scheduler['restore']>[0] | undefined;
    first.job.onKept = (sequence) => {
      const { tokens, adapter, compressed } = sequence;
      const kept = compressed && { ...compressed, kept: KeptTokens.restore(compressed.kept.save()) };
      saved = { tokens: [...tokens], adapter, compressed: kept, state: sequence.readState() };
    };
    running.submit(first.job);
    const { tokens } = await first.result;
    await running.stop();

    const later = new SimulatedRunner(1_000, 4);
    const other = create(later);
    expect(await other.restore(saved!)).toBe(true);
    const next = [...numbers(300), ...tokens, ...numbers(40, 500)];
    const second = job(later, 'b', next, { maxTokens: 4, budget: budget(100) });
    expect(other.known(second.job)).toBe(303);
    other.submit(second.job);
    expect((await second.result).statistics.cachedTokens).toBe(303);
    expect(later.cellsUsed()).toBeLessThanOrEqual(100);
    // No room for it: nothing is lost, and nobody hangs.
    const small = create(new SimulatedRunner(40, 2));
    expect(await small.restore(saved!)).toBe(false);
    await other.stop();
  });
});
