/**
 * Whether `duanyun bench` measures what is true, and what other tools measure: a sender with known delays is asked by our load
 * client, by `vllm bench serve` and by GuideLLM, where they are given, one after the other in rounds, so that all meet the same noise.
 *
 *     npm run bench:agreement -- [--vllm PATH --tokenizer FOLDER] [--guidellm PATH] [--requests 8] [--rounds 1] [--json]
 *
 * `--vllm` and `--guidellm` are the programs of those tools; both want a tokenizer, a folder in the form of Hugging Face. Prints
 * the median of TTFT, TPOT, ITL and E2EL by each, and how far each is from the script and ours from theirs. Target: 2 %.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { LoadClient } from '../../src/bench/client/load-client.ts';
import { startPacedServer } from '../../src/bench/client/paced-server.ts';
import { monotonicMs } from '../../src/bench/client/shared-clock.ts';
import { readSamples, type Samples } from '../../src/bench/compare/import-results.ts';
import { metricsOf } from '../../src/bench/metrics/request-metrics.ts';
import { mean, percentile } from '../../src/bench/metrics/statistics.ts';

const { values } = parseArgs({
  options: {
    vllm: { type: 'string' },
    guidellm: { type: 'string' },
    tokenizer: { type: 'string' },
    requests: { type: 'string', default: '8' },
    rounds: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
  },
});
const requests = Number(values.requests);
const pace = { firstMs: 400, gapMs: 60, tokens: 20 };
const figures = ['ttftMs', 'tpotMs', 'itlMs', 'e2elMs'] as const;
type Figures = Record<(typeof figures)[number], number[]>;
const truth = {
  ttftMs: pace.firstMs,
  tpotMs: pace.gapMs,
  itlMs: pace.gapMs,
  e2elMs: pace.firstMs + (pace.tokens - 1) * pace.gapMs,
};
const names = { ttftMs: 'TTFT', tpotMs: 'TPOT', itlMs: 'ITL', e2elMs: 'E2EL' };
const run = promisify(execFile);
const folder = mkdtempSync(path.join(os.tmpdir(), 'duanyun-agreement-'));
const options = { maxBuffer: 64 * 1024 ** 2, timeout: 600_000, env: { ...process.env, HF_HUB_OFFLINE: '1' } };

const server = await startPacedServer(pace);
const client = new LoadClient({ runStartMs: monotonicMs(), timeoutMs: 60_000 });
const found = new Map<string, Figures>();

function keep(tool: string, samples: Samples): void {
  const kept = found.get(tool) ?? { ttftMs: [], tpotMs: [], itlMs: [], e2elMs: [] };
  found.set(tool, kept);
  for (const figure of figures) kept[figure].push(...(samples[figure] ?? []));
}

async function askOurs(): Promise<void> {
  const target = { name: 'paced', url: server.url, model: 'paced' };
  const call = { suite: 'agreement', case: 'paced', maxTokens: pace.tokens };
  const messages = [{ role: 'user', content: 'hello' }];
  const never = new AbortController().signal;
  await client.send(target, { ...call, messages }, never);
  for (let count = 0; count < requests; count++) {
    const { ttftMs, tpotMs, itlMs: gaps, e2elMs } = metricsOf(await client.send(target, { ...call, messages }, never));
    const itlMs = mean(gaps);
    if (ttftMs === undefined || tpotMs === undefined || itlMs === undefined) throw new Error('an answer was cut');
    keep('duanyun bench', { ttftMs: [ttftMs], tpotMs: [tpotMs], itlMs: [itlMs], e2elMs: [e2elMs] });
  }
}

async function keepFile(tool: string, file: string): Promise<void> {
  const { targets } = await readSamples(file);
  for (const { groups } of Object.values(targets)) for (const samples of Object.values(groups)) keep(tool, samples);
}

async function askVllm(program: string, round: number): Promise<void> {
  const name = `vllm-${round}.json`;
  const args = ['bench', 'serve', '--backend', 'openai-chat', '--endpoint', '/v1/chat/completions', '--model', 'paced'];
  const load = ['--dataset-name', 'random', '--random-input-len', '16', '--random-output-len', String(pace.tokens)];
  const amount = ['--num-prompts', String(requests), '--max-concurrency', '1', '--num-warmups', '1'];
  const result = ['--save-result', '--save-detailed', '--result-dir', folder, '--result-filename', name];
  const base = ['--base-url', new URL(server.url).origin, '--tokenizer', values.tokenizer ?? '', '--disable-tqdm'];
  await run(program, [...args, ...load, ...amount, ...result, ...base], options);
  await keepFile('vllm bench serve', path.join(folder, name));
}

async function askGuide(program: string, round: number): Promise<void> {
  const file = path.join(folder, `guidellm-${round}.json`);
  // GuideLLM 0.8: every part is a kind with its own settings.
  const target = new URL(server.url).origin;
  const backend = `kind=openai_http,target=${target},model=paced,request_format=/v1/chat/completions`;
  const load = ['--profile', 'kind=synchronous', '--constraint', `kind=max_requests,count=${requests}`];
  const data = ['--data', `kind=synthetic_text,prompt_tokens=16,output_tokens=${pace.tokens}`];
  const tokenizer = ['--tokenizer', `kind=hf_auto,model=${values.tokenizer}`];
  const form = ['--output', `kind=json,path=${file}`, '--disable-console'];
  await run(program, ['run', '--backend', backend, ...load, ...data, ...tokenizer, ...form], options);
  await keepFile('GuideLLM', file);
}

try {
  for (let round = 1; round <= Number(values.rounds); round++) {
    await askOurs();
    if (values.vllm !== undefined) await askVllm(values.vllm, round);
    if (values.guidellm !== undefined) await askGuide(values.guidellm, round);
  }
} finally {
  await client.dispose();
  await server.dispose();
}

const medians = [...found].map(([tool, samples]) => {
  const median = Object.fromEntries(figures.map((figure) => [figure, percentile(samples[figure], 50)]));
  return Object.assign({ tool, requests: samples.e2elMs.length }, median as Record<keyof Figures, number | undefined>);
});
if (values.json) process.stdout.write(`${JSON.stringify({ pace, truth, medians }, null, 2)}\n`);
else {
  const ours = medians[0];
  const off = (value: number | undefined, from: number | undefined): string =>
    value === undefined || from === undefined ? '–' : `${((value / from - 1) * 100).toFixed(2)} %`;
  const lines = ['| figure, median | script | by | ms | off the script | ours off it |', '|---|---|---|---|---|---|'];
  for (const figure of figures) {
    for (const row of medians) {
      const cells = [names[figure], truth[figure], `${row.tool} (${row.requests})`, row[figure]?.toFixed(2) ?? '–'];
      cells.push(off(row[figure], truth[figure]), row === ours ? '' : off(ours?.[figure], row[figure]));
      lines.push(`| ${cells.join(' | ')} |`);
    }
  }
  process.stdout.write(`${lines.join('\n')}\n`);
}
