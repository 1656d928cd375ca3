import { afterEach, describe, expect, it } from 'vitest';
import type { Clock } from '../../core/clock.ts';
import { LoadController } from './controller.ts';
import { Scheduler, type SchedulerOptions } from './scheduler.ts';
import { LookupSource } from './speculation/lookup-source.ts';
import { Turnstile } from './turnstile.ts';
import { job, SimulatedRunner, type Result } from './testing/simulated-runner.ts';

let time = 0;
const clock: Clock = { now: () => time++, wallTime: () => 0 };
let scheduler: Scheduler | undefined;
afterEach(async () => {
  await scheduler?.stop();
});

function create(runner: SimulatedRunner, overrides: Partial<SchedulerOptions> & { maxRunning?: number } = {}) {
  const controller = new LoadController({
    batchCapacity: runner.batchCapacity,
    maxRunning: overrides.maxRunning ?? 4,
    threads: 1,
    targetInterTokenMs: 1_000,
  });
  scheduler = new Scheduler({
    runner,
    controller,
    clock,
    turnstile: new Turnstile(),
    maxQueued: 100,
    maxQueuedMs: 1e9,
    maxCachedSequences: 4,
    maxCachedTokens: 10_000,
    ...overrides,
  });
  return scheduler;
}

/** What one sequence alone would answer. */
function expected(prompt: number[], count: number, vocabulary = 1_000): number[] {
  const seen = [...prompt];
  const answer: number[] = [];
  for (let index = 0; index < count; index++) {
    const token = 1 + (seen.reduce((sum, value) => sum + value, 0) % vocabulary);
    answer.push(token);
    seen.push(token);
  }
  return answer;
}

const prompt = (length: number, first = 1) => Array.from({ length }, (_, index) => first + index);

describe('Scheduler', () => {
  it('computes each answer with its own adapter, several at a time, and shares no prefix between them', async () => {
    const runner = new SimulatedRunner(4_000, 20);
    const running = create(runner, { maxRunning: 12 });
    const adapters = [undefined, 'red', 'blue'];
    const jobs = Array.from({ length: 12 }, (_, index) => {
      const adapter = adapters[index % 3];
      return job(runner, `r${index}`, prompt(40), { maxTokens: 6, ...(adapter === undefined ? {} : { adapter }) });
    });
    for (const entry of jobs) running.submit(entry.job);
    const results = await Promise.all(jobs.map(({ result }) => result));
    for (const { tokens } of results) expect(tokens).toEqual(expected(prompt(40), 6));
    // The runner itself checks that no batch and no sequence mixes them.
    expect(new Set(runner.adapters)).toEqual(new Set(['', 'red', 'blue']));
    // The same prompt of the same adapter is computed once, and once for each of the three.
    expect(running.statistics()).toMatchObject({ prefixHits: 9 });
  });

  it('lets the adapters in use take turns, so that none waits for another to finish', async () => {
    const runner = new SimulatedRunner(4_000, 8);
    const running = create(runner);
    const long = job(runner, 'long', prompt(8), { maxTokens: 60, adapter: 'red' });
    const short = job(runner, 'short', prompt(8, 50), { maxTokens: 4 });
    running.submit(long.job);
    running.submit(short.job);
    await short.result;
    const soFar = runner.adapters.filter((key) => key === 'red').length;
    expect(soFar).toBeLessThan(10);
    await long.result;
    expect((await long.result).tokens).toHaveLength(60);
  });

  it('gives each of many simultaneous requests the answer it would get alone', async () => {
    const runner = new SimulatedRunner(4_000, 12);
    const running = create(runner);
    const jobs = Array.from({ length: 20 }, (_, index) => job(runner, `r${index}`, prompt(10 + index * 7, index)));
    for (const entry of jobs) running.submit(entry.job);
    const results = await Promise.all(jobs.map((entry) => entry.result));
    results.forEach((result, index) => {
      expect(result.outcome).toEqual({ kind: 'finished', reason: 'length' });
      expect(result.tokens).toEqual(expected(prompt(10 + index * 7, index), 5));
    });
    expect(runner.batches.some((batch) => new Set(batch.map((entry) => entry.slot)).size > 1)).toBe(true);
  });

  it('computes a shared prompt prefix once', async () => {
    const runner = new SimulatedRunner(1_000, 8);
    const running = create(runner);
    const first = job(runner, 'a', [...prompt(100), 7]);
    running.submit(first.job);
    await first.result;
    const second = job(runner, 'b', [...prompt(100), 8, 9]);
    running.submit(second.job);
    const result = await second.result;
    expect(result.statistics.cachedTokens).toBe(100);
    expect(result.tokens).toEqual(expected([...prompt(100), 8, 9], 5));
  });

  it('lets simultaneous requests with one prefix wait for the first to compute it', async () => {
    const runner = new SimulatedRunner(2_000, 8);
    const running = create(runner);
    const jobs = Array.from({ length: 4 }, (_, index) => job(runner, `r${index}`, [...prompt(300), 500 + index]));
    for (const entry of jobs) running.submit(entry.job);
    const results = await Promise.all(jobs.map((entry) => entry.result));
    expect(results.filter((result) => result.statistics.cachedTokens > 284)).toHaveLength(3);
    results.forEach((result, index) => expect(result.tokens).toEqual(expected([...prompt(300), 500 + index], 5)));
  });

  it('puts the youngest back when the cache is full, and still answers right', async () => {
    const runner = new SimulatedRunner(170, 8);
    const running = create(runner, { maxCachedSequences: 0 });
    const jobs = [1, 2].map((seed) => job(runner, `r${seed}`, prompt(8, seed * 100), { maxTokens: 120 }));
    for (const entry of jobs) running.submit(entry.job);
    const results = await Promise.all(jobs.map((entry) => entry.result));
    expect(running.statistics().preemptions).toBeGreaterThan(0);
    results.forEach((result, index) => expect(result.tokens).toEqual(expected(prompt(8, (index + 1) * 100), 120)));
  });

  it('ends an answer with `length` when it alone fills the cache', async () => {
    const runner = new SimulatedRunner(50, 4);
    const running = create(runner);
    const only = job(runner, 'a', prompt(10), { maxTokens: 1_000 });
    running.submit(only.job);
    const result = await only.result;
    expect(result.outcome).toEqual({ kind: 'finished', reason: 'length' });
    expect(result.tokens.length).toBeGreaterThan(30);
  });

  it('stops at the end token and at a stop text', async () => {
    const runner = new SimulatedRunner(1_000, 8);
    const running = create(runner);
    const ended = job(runner, 'a', prompt(5), { maxTokens: 50, endAfter: 3 });
    const stopped = job(runner, 'b', prompt(9, 50), { maxTokens: 50, stopAfter: 4 });
    running.submit(ended.job);
    running.submit(stopped.job);
    expect((await ended.result).tokens).toHaveLength(2);
    expect((await stopped.result).tokens.slice(0, 4)).toEqual(expected(prompt(9, 50), 4));
  });

  it('cancels running and waiting requests and frees their slots', async () => {
    const runner = new SimulatedRunner(1_000, 3);
    const running = create(runner, { maxRunning: 1, maxCachedSequences: 0 });
    const cancelOnToken = job(runner, 'a', prompt(5), { maxTokens: 1e6, onToken: () => running.cancel('a') });
    const waiting = job(runner, 'b', prompt(5));
    const after = job(runner, 'c', prompt(5));
    running.submit(cancelOnToken.job);
    running.submit(waiting.job);
    running.submit(after.job);
    running.cancel('b');
    expect((await cancelOnToken.result).outcome.kind).toBe('cancelled');
    expect((await waiting.result).outcome.kind).toBe('cancelled');
    expect((await after.result).outcome.kind).toBe('finished');
    expect(runner.cellsUsed()).toBe(0);
  });

  it('refuses what the queue cannot hold, with a time to come back', () => {
    const runner = new SimulatedRunner(1_000, 3);
    const running = create(runner, { maxQueued: 2, maxRunning: 1 });
    running.submit(job(runner, 'a', prompt(5)).job);
    running.submit(job(runner, 'b', prompt(5)).job);
    expect(() => running.submit(job(runner, 'c', prompt(5)).job)).toThrow(
      expect.objectContaining({ code: 'queue_full', retryAfterSeconds: 1 }),
    );
  });

  it('tells a request that waited too long', async () => {
    const runner = new SimulatedRunner(1_000, 3);
    const running = create(runner, { maxQueuedMs: 10, maxRunning: 1 });
    running.submit(job(runner, 'a', prompt(5), { maxTokens: 100 }).job);
    const late = job(runner, 'b', prompt(5, 60));
    running.submit(late.job);
    expect((await late.result).outcome).toMatchObject({ kind: 'failed', error: { code: 'engine_overloaded' } });
  });

  it('fails the running requests when a step fails, and goes on', async () => {
    const runner = new SimulatedRunner(1_000, 4);
    const running = create(runner);
    runner.failNext = new Error('native failure');
    const failing = job(runner, 'a', prompt(5));
    running.submit(failing.job);
    expect((await failing.result).outcome).toMatchObject({ kind: 'failed', error: { message: 'native failure' } });
    const next = job(runner, 'b', prompt(5));
    running.submit(next.job);
    expect((await next.result).tokens).toEqual(expected(prompt(5), 5));
  });

  it('fails one request whose callback throws, not the others', async () => {
    const runner = new SimulatedRunner(1_000, 4);
    const running = create(runner);
    const bad = job(runner, 'a', prompt(5), {
      onToken: () => {
        throw new Error('defect');
      },
    });
    const good = job(runner, 'b', prompt(6, 40));
    running.submit(bad.job);
    running.submit(good.job);
    expect((await bad.result).outcome.kind).toBe('failed');
    expect((await good.result).tokens).toEqual(expected(prompt(6, 40), 5));
  });

  it('runs the higher priority first and lets no one starve', async () => {
    const runner = new SimulatedRunner(1_000, 4);
    const running = create(runner, { maxRunning: 1 });
    const order: string[] = [];
    const jobs = [
      job(runner, 'first', prompt(5)),
      job(runner, 'low', prompt(5, 20), { priority: -5 }),
      job(runner, 'high', prompt(5, 40), { priority: 5 }),
    ];
    for (const entry of jobs) {
      void entry.result.then(() => order.push(entry.job.id));
      running.submit(entry.job);
    }
    await Promise.all(jobs.map((entry) => entry.result));
    expect(order.indexOf('high')).toBeLessThan(order.indexOf('low'));
  });

  it('gives back every slot and cell after a random run of requests, cancellations and failures', async () => {
    let seed = 42;
    const random = (limit: number) => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
      return seed % limit;
    };
    const runner = new SimulatedRunner(400, 6);
    const running = create(runner, { maxCachedSequences: 3 });
    const results: Promise<{ result: Result; prompt: number[] }>[] = [];
    for (let round = 0; round < 150; round++) {
      const tokens = prompt(1 + random(90), random(3) * 1_000);
      const entry = job(runner, `r${round}`, tokens, { maxTokens: 1 + random(30) });
      running.submit(entry.job);
      results.push(entry.result.then((result) => ({ result, prompt: tokens })));
      if (random(4) === 0) running.cancel(`r${random(round + 1)}`);
      if (random(3) === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    for (const { result, prompt: tokens } of await Promise.all(results)) {
      if (result.outcome.kind === 'cancelled') continue;
      expect(result.outcome.kind).toBe('finished');
      expect(result.tokens).toEqual(expected(tokens, result.tokens.length));
    }
    const statistics = running.statistics();
    expect(statistics).toMatchObject({ running: 0, queued: 0 });
    expect(statistics.cachedSequences).toBeLessThanOrEqual(3);
  });
});

describe('Scheduler with pictures', () => {
  /** A prompt of text, a picture of `count` tokens and text again; the runner sees what the picture's embeddings hold. */
  function withPicture(runner: SimulatedRunner, id: string, name: number, count: number, question: number[]) {
    const before = prompt(8);
    const names = Array.from({ length: count }, (_, index) => name - index);
    const tokens = [...before, ...names, ...question];
    const { job: made, result } = job(runner, id, tokens, { maxTokens: 4 });
    const span = {
      start: before.length,
      count,
      positions: count,
      grid: undefined,
      isCausal: true,
      embeddings: Float32Array.from(names),
    };
    return { job: { ...made, pictures: [span] }, result, tokens };
  }

  it('computes them among other requests, and none is mixed up', async () => {
    const runner = new SimulatedRunner(4_000, 12);
    const running = create(runner);
    const pictures = [1, 2, 3].map((each) =>
      withPicture(runner, `p${each}`, -1_000 * each, 90 + each, prompt(5, each)),
    );
    const texts = Array.from({ length: 6 }, (_, index) => job(runner, `t${index}`, prompt(20 + index, index)));
    for (const entry of [...pictures, ...texts]) running.submit(entry.job);
    for (const { tokens, result } of pictures) expect((await result).tokens).toEqual(expected(tokens, 4));
    for (const [index, { result }] of texts.entries()) {
      expect((await result).tokens).toEqual(expected(prompt(20 + index, index), 5));
    }
  });

  it('takes the cells of a picture for a second question about it, and none of another picture', async () => {
    const runner = new SimulatedRunner(4_000, 12);
    const running = create(runner);
    const first = withPicture(runner, 'first', -1, 50, prompt(6, 1));
    running.submit(first.job);
    await first.result;
    const second = withPicture(runner, 'second', -1, 50, prompt(6, 30));
    const other = withPicture(runner, 'other', -100, 50, prompt(6, 30));
    running.submit(second.job);
    running.submit(other.job);
    expect((await second.result).statistics.cachedTokens).toBe(58);
    expect((await second.result).tokens).toEqual(expected(second.tokens, 4));
    expect((await other.result).statistics.cachedTokens).toBe(8);
  });

  it('keeps nothing of a picture that was cut off', async () => {
    const runner = new SimulatedRunner(4_000, 12);
    const running = create(runner);
    const first = withPicture(runner, 'first', -1, 500, prompt(6, 1));
    const compute = runner.decodePicture.bind(runner);
    runner.decodePicture = async (piece) => {
      if (piece.from > 0) running.cancel('first');
      return compute(piece);
    };
    running.submit(first.job);
    expect((await first.result).outcome).toEqual({ kind: 'cancelled' });
    const second = withPicture(runner, 'second', -1, 500, prompt(6, 30));
    running.submit(second.job);
    expect((await second.result).statistics.cachedTokens).toBe(8);
    expect((await second.result).tokens).toEqual(expected(second.tokens, 4));
  });
});

describe('Scheduler with drafts', () => {
  it.each([7, 23, 1_000])('says the same as without, with %i different tokens', async (vocabulary) => {
    const runner = new SimulatedRunner(4_000, 12);
    const running = create(runner, { draftSources: [new LookupSource()] });
    const jobs = Array.from({ length: 6 }, (_, index) =>
      job(runner, `r${index}`, prompt(20 + index * 7, index), { maxTokens: 10 + index * 9, vocabulary }),
    );
    for (const entry of jobs) running.submit(entry.job);
    const results = await Promise.all(jobs.map((entry) => entry.result));
    results.forEach(({ tokens, outcome, statistics }, index) => {
      const count = 10 + index * 9;
      expect(outcome).toEqual({ kind: 'finished', reason: 'length' });
      expect(tokens).toEqual(expected(prompt(20 + index * 7, index), count, vocabulary));
      expect(statistics.generatedTokens).toBe(count);
    });
    const { decodeTokens, drafts } = running.statistics();
    // The first token of each answer comes with its prompt.
    expect(decodeTokens).toBe(jobs.reduce((sum, { job: { maxTokens } }) => sum + maxTokens - 1, 0));
    expect(drafts.lookup.right).toBeLessThanOrEqual(drafts.lookup.checked);
    if (vocabulary === 7) expect(drafts.lookup.right).toBeGreaterThan(50);
  });

  it('draws from a random sampler once for each token, so that chance falls as it does without', async () => {
    const texts: number[][] = [];
    for (const speculates of [false, true]) {
      const runner = new SimulatedRunner(1_000, 4);
      const running = create(runner, speculates ? { draftSources: [new LookupSource()] } : {});
      const entry = job(runner, 'a', prompt(10), { maxTokens: 300, vocabulary: 7, seed: 42 });
      running.submit(entry.job);
      texts.push((await entry.result).tokens);
      if (speculates) {
        const { checked, right } = running.statistics().drafts.lookup;
        expect(right).toBeGreaterThan(20);
        expect(right).toBeLessThan(checked);
      }
      await running.stop();
    }
    expect(texts[1]).toEqual(texts[0]);
  });

  it('needs fewer steps than tokens where an answer repeats itself', async () => {
    const runner = new SimulatedRunner(1_000, 4);
    const running = create(runner, { draftSources: [new LookupSource()] });
    const entry = job(runner, 'a', prompt(10), { maxTokens: 200, vocabulary: 7 });
    running.submit(entry.job);
    await entry.result;
    expect(running.statistics().steps).toBeLessThan(80);
  });

  it('checks nothing unless it is asked to', async () => {
    const runner = new SimulatedRunner(1_000, 4);
    const running = create(runner);
    const entry = job(runner, 'a', prompt(10), { maxTokens: 60, vocabulary: 7 });
    running.submit(entry.job);
    await entry.result;
    expect(running.statistics().drafts.lookup.checked).toBe(0);
    expect(runner.batches.slice(1).every((batch) => batch.length === 1)).toBe(true);
  });

  it.each([
    ['a stop text', { stopAfter: 53 }, 53],
    ['the end of the answer', { endAfter: 54 }, 54],
  ])('says nothing behind %s, also in the middle of a draft', async (_, options, generated) => {
    const runner = new SimulatedRunner(1_000, 4);
    const running = create(runner, { draftSources: [new LookupSource()] });
    const entry = job(runner, 'a', prompt(10), { maxTokens: 200, vocabulary: 7, ...options });
    running.submit(entry.job);
    const { tokens, outcome, statistics } = await entry.result;
    expect(outcome).toEqual({ kind: 'finished', reason: 'stop' });
    expect(tokens).toEqual(expected(prompt(10), 53, 7));
    expect(statistics.generatedTokens).toBe(generated);
    expect(running.statistics().drafts.lookup.right).toBeGreaterThan(0);
  });

  it('leaves a prefix that a later request can go on from', async () => {
    const runner = new SimulatedRunner(1_000, 4);
    const running = create(runner, { draftSources: [new LookupSource()] });
    const first = job(runner, 'a', prompt(10), { maxTokens: 40, vocabulary: 7 });
    running.submit(first.job);
    const history = [...prompt(10), ...(await first.result).tokens, 5, 6];
    const second = job(runner, 'b', history, { maxTokens: 40, vocabulary: 7 });
    running.submit(second.job);
    const { tokens, statistics } = await second.result;
    expect(statistics.cachedTokens).toBe(49);
    expect(tokens).toEqual(expected(history, 40, 7));
  });

  it('drafts no further than the cache has room', async () => {
    const runner = new SimulatedRunner(64, 4);
    const running = create(runner, { draftSources: [new LookupSource()], maxCachedSequences: 0 });
    const entry = job(runner, 'a', prompt(10), { maxTokens: 50, vocabulary: 7 });
    running.submit(entry.job);
    expect((await entry.result).tokens).toEqual(expected(prompt(10), 50, 7));
    expect(running.statistics().preemptions).toBe(0);
  });

  it('frees the cells of an answer that is cancelled or fails while drafts are checked', async () => {
    const runner = new SimulatedRunner(1_000, 4);
    const running = create(runner, { draftSources: [new LookupSource()], maxCachedSequences: 0 });
    let said = 0;
    const failing = job(runner, 'a', prompt(10), {
      maxTokens: 200,
      vocabulary: 7,
      onToken: () => {
        if (++said === 60) throw new Error('the client is gone');
      },
    });
    running.submit(failing.job);
    expect((await failing.result).outcome.kind).toBe('failed');
    const cancelled = job(runner, 'b', prompt(10), {
      maxTokens: 200,
      vocabulary: 7,
      onToken: () => {
        if (++said === 120) running.cancel('b');
      },
    });
    running.submit(cancelled.job);
    expect((await cancelled.result).outcome.kind).toBe('cancelled');
    expect(runner.cellsUsed()).toBe(0);
  });
});
