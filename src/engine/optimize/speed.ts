/** Times two files of one model in turns, so that whatever else the machine does hits both alike. */
import { NativeContext, TokenBatch } from '../native/context.ts';
import { NativeModel } from '../native/model.ts';
import { spreadOf, type SpeedRatios } from './choose-recipe.ts';
import { calibrationText } from './texts/calibration-text.ts';

const prefillTokens = 256;
const decodeTokens = 16;
const streams = 8;
const streamTokens = 8;
/** Each file gets so many tries a round, in turns, and the fastest counts: what else runs only ever adds time. */
const tries: Readonly<Record<keyof Times, number>> = { prefill: 1, decode: 4, eightStreams: 2 };
/** Rounds end early once the ratios agree this well. */
const agreement = 0.03;

/** Milliseconds for the same work. */
type Times = { prefill: number; decode: number; eightStreams: number };

export type SpeedOptions = {
  source: string;
  candidate: string;
  threads: number;
  /** Both in memory at once. Otherwise each is loaded anew for its turn. */
  keepLoaded: boolean;
  leastRounds: number;
  mostRounds: number;
  onRound(round: number): void;
};

/** Ratios above 1: the candidate is faster. */
export async function compareSpeed(options: SpeedOptions): Promise<SpeedRatios> {
  const { keepLoaded, leastRounds, mostRounds } = options;
  const timers = [options.source, options.candidate].map((path) => new Timer(path, options.threads));
  const ratios: Record<keyof Times, number[]> = { prefill: [], decode: [], eightStreams: [] };
  try {
    for (let round = 0; round < mostRounds; round++) {
      options.onRound(round);
      const [source, candidate] = timers as [Timer, Timer];
      // The order changes with each round: a machine that warms up favours neither.
      const pair = round % 2 === 0 ? [source, candidate] : [candidate, source];
      const times = keepLoaded ? await measureInTurns(pair) : await measureOneByOne(pair);
      const [sourceTimes, candidateTimes] = (round % 2 === 0 ? times : times.toReversed()) as [Times, Times];
      for (const what of Object.keys(ratios) as (keyof Times)[]) {
        ratios[what].push(sourceTimes[what] / candidateTimes[what]);
      }
      if (round + 1 >= leastRounds && Object.values(ratios).every(agrees)) break;
    }
  } finally {
    for (const timer of timers) timer.dispose();
  }
  return {
    prefill: spreadOf(ratios.prefill),
    decode: spreadOf(ratios.decode),
    eightStreams: spreadOf(ratios.eightStreams),
  };
}

async function measureInTurns(timers: readonly Timer[]): Promise<Times[]> {
  const best = timers.map((): Times => ({ prefill: Infinity, decode: Infinity, eightStreams: Infinity }));
  for (const what of Object.keys(tries) as (keyof Times)[]) {
    for (let attempt = 0; attempt < tries[what]; attempt++) {
      for (const [index, timer] of timers.entries()) {
        const times = best[index] as Times;
        times[what] = Math.min(times[what], await timer.time(what));
      }
    }
  }
  return best;
}

/** Each loads, does everything and makes room for the other. */
async function measureOneByOne(timers: readonly Timer[]): Promise<Times[]> {
  const all: Times[] = [];
  for (const timer of timers) {
    all.push(...(await measureInTurns([timer])));
    timer.dispose();
  }
  return all;
}

/** Half of the values lie this close to the median. */
function agrees(values: readonly number[]): boolean {
  const { median } = spreadOf(values);
  const deviation = spreadOf(values.map((value) => Math.abs(value - median))).median;
  return deviation / median <= agreement;
}

type Loaded = { model: NativeModel; context: NativeContext; batch: TokenBatch; tokens: number[] };

class Timer {
  readonly #path: string;
  readonly #threads: number;
  #loaded: Loaded | undefined;

  constructor(path: string, threads: number) {
    this.#path = path;
    this.#threads = threads;
  }

  async time(what: keyof Times): Promise<number> {
    const loaded = (this.#loaded ??= await this.#load());
    if (what === 'prefill') return timePrefill(loaded);
    return what === 'decode' ? timeDecode(loaded, 1, decodeTokens) : timeDecode(loaded, streams, streamTokens);
  }

  dispose(): void {
    this.#loaded?.context.dispose();
    this.#loaded?.model.dispose();
    this.#loaded = undefined;
  }

  async #load(): Promise<Loaded> {
    const model = await NativeModel.load({ path: this.#path, gpuLayers: 0 });
    const context = NativeContext.create(model, {
      cells: prefillTokens + streams * 64,
      batchTokens: prefillTokens,
      maxSequences: streams + 1,
      maxOutputs: streams,
      threads: this.#threads,
      keyCacheType: 'f16',
      valueCacheType: 'f16',
      flashAttention: 'auto',
    });
    const tokens = [...model.tokenize(calibrationText, false, false)];
    const loaded = { model, context, batch: new TokenBatch(prefillTokens), tokens };
    // The first step touches all weights; it is not timed.
    timeDecode(loaded, 1, 2);
    return loaded;
  }
}

function timePrefill({ context, batch, tokens }: Loaded): number {
  context.removeSequence(streams);
  batch.clear();
  for (let position = 0; position < prefillTokens; position++) {
    batch.add(tokens[position % tokens.length] as number, position, streams, position === prefillTokens - 1);
  }
  const startedAt = performance.now();
  context.decode(batch);
  const milliseconds = performance.now() - startedAt;
  context.removeSequence(streams);
  return milliseconds;
}

/** Text instead of sampled tokens: the work is the same and both files do the very same. */
function timeDecode({ context, batch, tokens }: Loaded, sequences: number, count: number): number {
  for (let sequence = 0; sequence < sequences; sequence++) context.removeSequence(sequence);
  const startedAt = performance.now();
  for (let position = 0; position < count; position++) {
    batch.clear();
    for (let sequence = 0; sequence < sequences; sequence++) {
      batch.add(tokens[(sequence * 37 + position) % tokens.length] as number, position, sequence, true);
    }
    context.decode(batch);
  }
  return performance.now() - startedAt;
}
