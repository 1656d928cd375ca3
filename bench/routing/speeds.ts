/**
 * The pace of the two servers, one request at a time, from which the comparison computes how long a recorded answer takes.
 * `npm run bench:routing -- speeds --device URL MODEL --cloud URL MODEL` measures both in one run and writes them down.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { percentile } from './figures.ts';
import { fixtures, type Side } from './questions.ts';
import { askServer } from './record.ts';

export type Speed = {
  model: string;
  /** Of a short question to a server that has its fixed beginning cached. */
  shortPromptTokens: number;
  shortFirstTokenMs: number;
  prefillTokensPerSecond: number;
  decodeTokensPerSecond: number;
};

export type Speeds = {
  measuredAt: string;
  cpu: string;
  cores: number;
  /** Processes that wanted to run just before; well under 1 on a quiet machine. */
  loadAverageBefore: number;
  rounds: number;
  sides: Record<Side, Speed>;
};

const speedsFile = path.join(fixtures, 'speeds.json');
const rounds = 5;
const decodeTokens = 64;

export function loadSpeeds(): Speeds | undefined {
  return existsSync(speedsFile) ? (JSON.parse(readFileSync(speedsFile, 'utf8')) as Speeds) : undefined;
}

export async function measureSpeeds(servers: Record<Side, { url: string; model: string }>): Promise<void> {
  const loadAverageBefore = os.loadavg()[0] ?? 0;
  const samples: Record<Side, Sample[]> = { device: [], cloud: [] };
  for (let round = -1; round < rounds; round++) {
    for (const side of ['device', 'cloud'] as const) {
      const sample = await measureOnce(servers[side], round);
      // The first round fills caches and compiles.
      if (round >= 0) samples[side].push(sample);
    }
  }
  const speeds: Speeds = {
    measuredAt: new Date().toISOString().slice(0, 10),
    cpu: os.cpus()[0]?.model ?? 'unknown',
    cores: os.cpus().length,
    loadAverageBefore: rounded(loadAverageBefore),
    rounds,
    sides: {
      device: { model: servers.device.model, ...middleOf(samples.device) },
      cloud: { model: servers.cloud.model, ...middleOf(samples.cloud) },
    },
  };
  writeFileSync(speedsFile, `${JSON.stringify(speeds, null, 2)}\n`);
  console.log(JSON.stringify(speeds, null, 2));
}

type Sample = Omit<Speed, 'model'>;

async function measureOnce({ url, model }: { url: string; model: string }, round: number): Promise<Sample> {
  const ask = (content: string, maxTokens: number) =>
    askServer(url, { model, messages: [{ role: 'user', content }], temperature: 0, max_tokens: maxTokens });
  const short = await ask(`Say a colour. (${round})`, 1);
  // Each round another beginning, so that nothing of the text is cached.
  const long = await ask(`${round} ${longText(round)}\nSay a colour.`, 1);
  const written = await ask(`Count from ${round + 2} up to 500, separated by blanks.`, decodeTokens);
  const prefillMs = long.firstTokenMs - short.firstTokenMs;
  return {
    shortPromptTokens: short.usage.prompt_tokens,
    shortFirstTokenMs: short.firstTokenMs,
    prefillTokensPerSecond: ((long.usage.prompt_tokens - short.usage.prompt_tokens) / prefillMs) * 1000,
    decodeTokensPerSecond: ((written.usage.completion_tokens - 1) / (written.totalMs - written.firstTokenMs)) * 1000,
  };
}

function longText(round: number): string {
  const words = ['river', 'stone', 'window', 'paper', 'garden', 'bridge', 'winter', 'copper'];
  return Array.from({ length: 400 }, (_, index) => words[(index * 5 + round + (index % 7)) % words.length]).join(' ');
}

function middleOf(samples: Sample[]): Sample {
  const of = (field: keyof Sample): number =>
    rounded(
      percentile(
        samples.map((sample) => sample[field]),
        0.5,
      ),
    );
  return {
    shortPromptTokens: of('shortPromptTokens'),
    shortFirstTokenMs: of('shortFirstTokenMs'),
    prefillTokensPerSecond: of('prefillTokensPerSecond'),
    decodeTokensPerSecond: of('decodeTokensPerSecond'),
  };
}

/** Milliseconds to the end of an answer on an idle server. */
export function answerMs(speed: Speed, promptTokens: number, completionTokens: number): number {
  const prefill = (Math.max(0, promptTokens - speed.shortPromptTokens) / speed.prefillTokensPerSecond) * 1000;
  return speed.shortFirstTokenMs + prefill + (Math.max(0, completionTokens - 1) / speed.decodeTokensPerSecond) * 1000;
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}
