/** Results of other tools become samples under our names; `docs/metrics.md` says which of theirs is which of ours. */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { makeError } from '../../core/errors.ts';
import { metricsOf } from '../metrics/request-metrics.ts';
import { readResults } from '../results-file.ts';

export const comparedFigures = ['ttftMs', 'tpotMs', 'itlMs', 'e2elMs'] as const;
export type ComparedFigure = (typeof comparedFigures)[number];
export type Samples = Partial<Record<ComparedFigure, number[]>>;
/** By what was measured: `edge/scenarios/code, warm`, or the name the other tool gives. */
export type SampleSet = { tool: string; complete: boolean; groups: Record<string, Samples> };

/** `vllm bench serve --save-result --save-detailed`; lists hold seconds, one entry a request. */
const vllmSchema = z.looseObject({
  ttfts: z.array(z.number()),
  itls: z.array(z.array(z.number())),
  output_lens: z.array(z.int()),
});
const guideRequest = z.looseObject({
  time_to_first_token_ms: z.number().nullish(),
  inter_token_latency_ms: z.number().nullish(),
  request_latency: z.number().nullish(),
});
/** GuideLLM's `benchmarks.json`. */
const guideSchema = z.looseObject({
  benchmarks: z.array(z.looseObject({ requests: z.looseObject({ successful: z.array(guideRequest) }) })).min(1),
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
  const groups: Record<string, Samples> = {};
  for (const record of requests) {
    if (record.warmup || record.outcome !== 'ok') continue;
    // The runs of one suite are one group; scenarios and levels differ by design.
    const name =
      record.suite === 'scenarios'
        ? `${record.case}, ${record.cold === true ? 'cold' : 'warm'}`
        : record.suite === 'load'
          ? record.case
          : 'all';
    const group = (groups[`${record.target}/${record.suite}/${name}`] ??= {});
    const { ttftMs, tpotMs, itlMs, e2elMs } = metricsOf(record);
    if (ttftMs !== undefined) (group.ttftMs ??= []).push(ttftMs);
    if (tpotMs !== undefined) (group.tpotMs ??= []).push(tpotMs);
    (group.itlMs ??= []).push(...itlMs);
    (group.e2elMs ??= []).push(e2elMs);
  }
  return { tool: 'duanyun bench', complete: end?.complete === true, groups };
}

function fromVllm({ ttfts, itls, output_lens: lengths }: z.output<typeof vllmSchema>): SampleSet {
  const decodes = itls.map((gaps) => gaps.reduce((sum, gap) => sum + gap, 0));
  const samples: Samples = {
    ttftMs: ttfts.map((seconds) => seconds * 1000),
    itlMs: itls.flat().map((seconds) => seconds * 1000),
    e2elMs: ttfts.map((seconds, index) => (seconds + (decodes[index] ?? 0)) * 1000),
    tpotMs: decodes.flatMap((seconds, index) => {
      const tokens = lengths[index] ?? 0;
      return tokens > 1 ? [(seconds * 1000) / (tokens - 1)] : [];
    }),
  };
  return { tool: 'vllm bench serve', complete: true, groups: { 'vllm bench serve': samples } };
}

function fromGuide({ benchmarks }: z.output<typeof guideSchema>): SampleSet {
  const groups: Record<string, Samples> = {};
  for (const [index, { requests }] of benchmarks.entries()) {
    const { successful } = requests;
    groups[benchmarks.length === 1 ? 'guidellm' : `guidellm ${index + 1}`] = {
      ttftMs: successful.flatMap((each) => each.time_to_first_token_ms ?? []),
      tpotMs: successful.flatMap((each) => each.inter_token_latency_ms ?? []),
      e2elMs: successful.flatMap(({ request_latency: seconds }) => (typeof seconds === 'number' ? seconds * 1000 : [])),
    };
  }
  return { tool: 'GuideLLM', complete: true, groups };
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
