import { mkdtempSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../metrics/random.ts';
import { readResults } from '../results-file.ts';
import { compareSamples } from './compare.ts';
import { readSamples, type SampleSet } from './import-results.ts';

const options = { alpha: 0.05, threshold: 0.05 };
const folder = mkdtempSync(path.join(os.tmpdir(), 'duanyun-compare-'));

function file(name: string, text: string): string {
  const where = path.join(folder, name);
  writeFileSync(where, text);
  return where;
}

const empty = { groups: {}, answered: { good: 0, all: 0 }, correct: { good: 0, all: 0 }, models: [] };

function set(center: number, seed: number, count = 30): SampleSet {
  const random = seededRandom(seed);
  return {
    tool: 't',
    complete: true,
    targets: {
      t: { ...empty, groups: { g: { ttftMs: Array.from({ length: count }, () => center + random() * 20) } } },
    },
  };
}

describe('compareSamples', () => {
  it('sees a slowdown and a speed-up, and no difference in noise', () => {
    expect(compareSamples(set(100, 1), set(130, 2), options)[0]).toMatchObject({ verdict: 'worse', figure: 'ttftMs' });
    expect(compareSamples(set(130, 1), set(100, 2), options)[0]).toMatchObject({ verdict: 'better' });
    expect(compareSamples(set(100, 1), set(100, 2), options)[0]).toMatchObject({ verdict: 'same' });
  });
  it('does not call a certain but tiny change slower', () => {
    expect(compareSamples(set(1000, 1, 200), set(1010, 2, 200), options)[0]).toMatchObject({ verdict: 'same' });
  });
  it('sees that fewer requests are answered, or fewer right, however fast the rest is', () => {
    const before = {
      ...set(100, 1),
      targets: { t: { ...empty, answered: { good: 40, all: 40 }, correct: { good: 12, all: 12 } } },
    };
    const after = {
      ...before,
      targets: { t: { ...empty, answered: { good: 20, all: 40 }, correct: { good: 3, all: 12 } } },
    };
    expect(compareSamples(before, after, options).map(({ figure, verdict }) => [figure, verdict])).toEqual([
      ['answered', 'worse'],
      ['correct', 'worse'],
    ]);
    const one = { ...before, targets: { t: { ...empty, answered: { good: 39, all: 40 } } } };
    expect(compareSamples(before, one, options)[0]).toMatchObject({ verdict: 'same' });
  });
  it('holds two targets of other names against each other when asked', () => {
    const both = { ...set(100, 1), targets: { edge: set(100, 1).targets['t']!, cloud: set(200, 2).targets['t']! } };
    const named = { ...options, firstTarget: 'edge', secondTarget: 'cloud' };
    expect(compareSamples(both, both, named)[0]).toMatchObject({ target: 'edge → cloud', verdict: 'worse' });
  });
  it('says nothing of two samples', () => {
    expect(compareSamples(set(100, 1, 2), set(200, 2, 2), options)).toEqual([]);
  });
});

const run = {
  type: 'run',
  schema: 'duanyun-bench/1',
  startedAt: '2026-01-01T00:00:00Z',
  version: '0.1.0',
  options: {},
  targets: [],
};
const request = {
  type: 'request',
  target: 'edge',
  suite: 'scenarios',
  case: 'code',
  warmup: false,
  attempt: 1,
  cold: false,
  outcome: 'ok',
  startedMs: 0,
  chunks: [
    { atMs: 100, kind: 'text' },
    { atMs: 150, kind: 'text' },
  ],
  endMs: 150,
  usage: { promptTokens: 1, completionTokens: 2 },
};

describe('files', () => {
  it('reads its own results, and what is left of one cut in half', async () => {
    const whole = [run, request, request].map((line) => JSON.stringify(line)).join('\n');
    const cut = file('cut.jsonl', whole.slice(0, -40));
    expect(await readSamples(cut)).toMatchObject({
      complete: false,
      targets: {
        edge: {
          groups: {
            'scenarios/code, warm': { ttftMs: [100], tpotMs: [50], itlMs: [50], stallMs: [50], e2elMs: [150] },
          },
          answered: { good: 1, all: 1 },
        },
      },
    });
    expect(await readResults(cut)).toMatchObject({ damagedLines: 1, requests: [{ case: 'code' }] });
  });

  it('reads vllm bench serve, and leaves out what failed there', async () => {
    const result = { ttfts: [0.1, 0], itls: [[0.02, 0.03], []], output_lens: [3, 0], errors: ['', 'refused'] };
    const { targets } = await readSamples(file('vllm.json', JSON.stringify(result)));
    const target = targets['vllm bench serve']!;
    const samples = target.groups['vllm bench serve']!;
    expect(target.answered).toEqual({ good: 1, all: 2 });
    expect(samples.ttftMs).toEqual([100]);
    expect(samples.tpotMs![0]).toBeCloseTo(25);
    expect(samples.e2elMs![0]).toBeCloseTo(150);
  });

  it('reads GuideLLM, whose inter-token latency is our TPOT', async () => {
    const successful = [{ time_to_first_token_ms: 100, inter_token_latency_ms: 25, request_latency: 0.15 }];
    const where = file('guide.json', JSON.stringify({ benchmarks: [{ requests: { successful, errored: [{}] } }] }));
    const target = (await readSamples(where)).targets['guidellm']!;
    expect(target.groups['guidellm']).toEqual({ ttftMs: [100], tpotMs: [25], e2elMs: [150] });
    expect(target.answered).toEqual({ good: 1, all: 2 });
  });

  it('refuses a file that is none of these, and one that is not there', async () => {
    await expect(readSamples(file('x.json', '{"a":1}'))).rejects.toMatchObject({ code: 'invalid_request' });
    await expect(readSamples(path.join(folder, 'none'))).rejects.toMatchObject({ code: 'not_found' });
  });
});
