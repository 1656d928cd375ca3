/** Results of other tools become samples under our names; `docs/metrics.md` says which of theirs is which of ours. */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { makeError } from '../../core/errors.ts';
import { metricsOf } from '../metrics/request-metrics.ts';
import { mean, percentile } from '../metrics/statistics.ts';
import { readResults } from '../results-file.ts';

/**
 * One value a request, so that the values are independent of each other, as the test of significance needs. `itlMs`: the mean
 * gap between two chunks of a request; `stallMs`: the gap that 95 % of its gaps stay below.
 */
export const comparedFigures = ['ttftMs', 'tpotMs', 'itlMs', 'stallMs', 'e2elMs'] as const;
export type ComparedFigure = (typeof comparedFigures)[number];
export type Samples = Partial<Record<ComparedFigure, number[]>>;
/** How many of how many. */
export type Share = { good: number; all: number };
export type TargetSamples = {
  /** By what was measured: `scenarios/code, warm`, or the name the other tool gives. */
  groups: Record<string, Samples>;
  /** Requests answered in full. */
  answered: Share;
  /** Answers of the quality set that are right. */
  correct: Share;
  models: string[];
};
export type SampleSet = { tool: string; complete: boolean; targets: Record<string, TargetSamples> };

/** `vllm bench serve --save-result --save-detailed`; lists hold seconds, one entry a request. */
const vllmSchema = z.looseObject({
  ttfts: z.array(z.number()),
  itls: z.array(z.array(z.number())),
  output_lens: z.array(z.int()),
  errors: z.array(z.string()).optional(),
  model_id: z.string().optional(),
});
const guideRequest = z.looseObject({
  time_to_first_token_ms: z.number().nullish(),
  inter_token_latency_ms: z.number().nullish(),
  request_latency: z.number().nullish(),
});
/** GuideLLM's `benchmarks.json`. */
const guideSchema = z.looseObject({
  benchmarks: z
    .array(
      z.looseObject({
        requests: z.looseObject({ successful: z.array(guideRequest), errored: z.array(z.unknown()).optional() }),
      }),
    )
    .min(1),
});

/** Throws `invalid_request` for a file of an unknown form. */
export async function readSamples(path: string): Promise<SampleSet> {
  const parsed = await parseJson(path);
  const vllm = vllmSchema.safeParse(parsed);
  if (vllm.success) return fromVllm(vllm.data);
  const guide = guideSchema.safeParse(parsed);
  if (guide.success) return fromGuide(guide.data);
  return fromOwn(path);
}

async function fromOwn(path: string): Promise<SampleSet> {
  const { requests, end } = await readResults(path);
  const targets: Record<string, TargetSamples> = {};
  for (const record of requests) {
    if (record.warmup || record.outcome === 'interrupted') continue;
    const { groups, answered, correct, models } = (targets[record.target] ??= nothing());
    // A scenario that the server cannot do is no failure.
    if (record.suite !== 'scenarios' || record.outcome !== 'refused') answered.all += 1;
    if (record.correct !== undefined) {
      correct.all += 1;
      if (record.correct) correct.good += 1;
    }
    if (record.outcome !== 'ok') continue;
    answered.good += 1;
    if (record.model !== undefined && !models.includes(record.model)) models.push(record.model);
    // The runs of one suite are one group; scenarios and levels differ by design.
    const name =
      record.suite === 'scenarios'
        ? `${record.case}, ${record.cold === true ? 'cold' : 'warm'}`
        : record.suite === 'load'
          ? record.case
          : 'all';
    const { ttftMs, tpotMs, itlMs, e2elMs } = metricsOf(record);
    add((groups[`${record.suite}/${name}`] ??= {}), {
      ttftMs,
      tpotMs,
      itlMs: mean(itlMs),
      stallMs: percentile(itlMs, 95),
      e2elMs,
    });
  }
  return { tool: 'duanyun bench', complete: end?.complete === true, targets };
}

function nothing(): TargetSamples {
  return { groups: {}, answered: { good: 0, all: 0 }, correct: { good: 0, all: 0 }, models: [] };
}

function add(samples: Samples, values: Partial<Record<ComparedFigure, number | undefined>>): void {
  for (const figure of comparedFigures) {
    const value = values[figure];
    if (value !== undefined) (samples[figure] ??= []).push(value);
  }
}

function fromVllm({
  ttfts,
  itls,
  output_lens: lengths,
  errors,
  model_id: model,
}: z.output<typeof vllmSchema>): SampleSet {
  const samples: Samples = {};
  let good = 0;
  for (const [index, ttft] of ttfts.entries()) {
    const tokens = lengths[index] ?? 0;
    // A request that failed stands in the lists with zeros.
    if (tokens === 0 || (errors?.[index] ?? '') !== '') continue;
    good += 1;
    const gaps = itls[index] ?? [];
    const decodeMs = gaps.reduce((sum, gap) => sum + gap, 0) * 1000;
    const stall = percentile(gaps, 95);
    add(samples, {
      ttftMs: ttft * 1000,
      tpotMs: tokens > 1 ? decodeMs / (tokens - 1) : undefined,
      itlMs: gaps.length === 0 ? undefined : decodeMs / gaps.length,
      stallMs: stall === undefined ? undefined : stall * 1000,
      e2elMs: ttft * 1000 + decodeMs,
    });
  }
  const target = {
    ...nothing(),
    groups: { 'vllm bench serve': samples },
    answered: { good, all: ttfts.length },
    models: model === undefined ? [] : [model],
  };
  return { tool: 'vllm bench serve', complete: true, targets: { 'vllm bench serve': target } };
}

function fromGuide({ benchmarks }: z.output<typeof guideSchema>): SampleSet {
  const target = nothing();
  for (const [index, { requests }] of benchmarks.entries()) {
    const samples = (target.groups[benchmarks.length === 1 ? 'guidellm' : `guidellm ${index + 1}`] ??= {});
    target.answered.good += requests.successful.length;
    target.answered.all += requests.successful.length + (requests.errored?.length ?? 0);
    for (const each of requests.successful) {
      const seconds = each.request_latency;
      add(samples, {
        ttftMs: each.time_to_first_token_ms ?? undefined,
        tpotMs: each.inter_token_latency_ms ?? undefined,
        e2elMs: typeof seconds === 'number' ? seconds * 1000 : undefined,
      });
    }
  }
  return { tool: 'GuideLLM', complete: true, targets: { guidellm: target } };
}

async function parseJson(path: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw makeError('not_found', { what: path }, { cause: error });
  }
  try {
    return JSON.parse(text);
  } catch {
    // JSON Lines are no JSON.
    return undefined;
  }
}
