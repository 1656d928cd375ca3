/**
 * `npm run bench:speech`: Whisper here against faster-whisper on the same weights and the same sound, taking turns in one run;
 * the memory of a long recording; and on a real server what a spoken question costs and what unloading gives back.
 */
// oxlint-disable no-restricted-imports -- measures the module in its own process, like bench/engine
import { readFileSync } from 'node:fs';
import os from 'node:os';
import { parseArgs } from 'node:util';
import { systemClock } from '../../src/core/clock.ts';
import { silentLog } from '../../src/core/log.ts';
import { noMetrics } from '../../src/core/metrics.ts';
import { ModuleManager } from '../../src/engine/modules/module-manager.ts';
import { SpeechModule } from '../../src/engine/modules/speech/speech-module.ts';
import { characterErrorRate } from '../../test/support/character-errors.ts';
import { findModel } from '../engine/find-model.ts';
import { residentBytes } from '../engine/memory.ts';
import { collectClips, longRecording, repeated, type Clip } from './audio-set.ts';
import { FasterWhisper, installFasterWhisper } from './faster-whisper.ts';
import { plainText } from './plain-text.ts';
import { measureServer } from './server.ts';

const parts = ['accuracy', 'speed', 'memory', 'server'] as const;
const { values: flags } = parseArgs({
  options: {
    'faster-whisper': { type: 'string' },
    only: { type: 'string', multiple: true, default: [...parts] },
    rounds: { type: 'string', default: '5' },
    threads: { type: 'string', default: '2' },
    model: { type: 'string', default: 'qwen2.5-coder-0.5b' },
    hour: { type: 'boolean', default: false },
    recording: { type: 'string', multiple: true },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

const usage = `npm run bench:speech -- [--faster-whisper PYTHON] [--only accuracy|speed|memory|server ...] [--rounds 5]
    [--threads 2] [--hour] [--recording NAME ...] [--model ID] [--json]

--faster-whisper  a Python that has faster-whisper; otherwise a virtual environment is made for it once
--hour            the memory over 60 minutes of sound instead of 15
--recording       only these, for the accuracy (names as in the table)
--model           the language model of the spoken question
`;

const rounds = Number(flags.rounds);
const threads = Number(flags.threads);
const print = (line = ''): void => void (flags.json || process.stdout.write(`${line}\n`));
const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
const mib = (sizeBytes: number): string => `${(sizeBytes / 1024 ** 2).toFixed(0)} MiB`;

type Spread = { median: number; least: number; most: number };
function spread(figures: readonly number[]): Spread {
  const sorted = figures.toSorted((left, right) => left - right);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[middle] : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
  return { median: median ?? Number.NaN, least: sorted[0] ?? Number.NaN, most: sorted.at(-1) ?? Number.NaN };
}
const show = ({ median, least, most }: Spread, digits = 3): string =>
  `${median.toFixed(digits)} (${least.toFixed(digits)}–${most.toFixed(digits)})`;

class Ours {
  readonly #modules = new ModuleManager({
    clock: systemClock,
    log: silentLog,
    metrics: noMetrics,
    budgetBytes: 'auto',
    availableBytes: () => Number.MAX_SAFE_INTEGER,
    idleMs: 3_600_000,
  });
  readonly #speech: SpeechModule;

  constructor(installed: Awaited<ReturnType<typeof findModel>>) {
    this.#speech = new SpeechModule({
      modules: this.#modules,
      installed: async () => [installed],
      model: installed.entry.id,
      threads,
      mostSeconds: 7_200,
      environment: {},
      log: silentLog,
    });
    for (const module of this.#speech.managedModules()) this.#modules.register(module);
  }

  async hear(
    file: string,
    onProgress?: (seconds: number) => void,
  ): Promise<{ text: string; seconds: number; heard: number }> {
    const started = performance.now();
    const signal = AbortSignal.timeout(3_600_000);
    const audio = { type: 'audio' as const, bytes: readFileSync(file), format: '' };
    const transcript = await this.#speech.transcribe(audio, {
      signal,
      ...(onProgress === undefined ? {} : { onProgress }),
    });
    const { text, durationSeconds: heard } = transcript;
    return { text, heard, seconds: (performance.now() - started) / 1000 };
  }

  get residentBytes(): number {
    return residentBytes(this.#speech.pid);
  }

  dispose(): Promise<void> {
    return this.#modules.dispose();
  }
}

async function accuracy(ours: Ours, anchor: FasterWhisper, clips: readonly Clip[]): Promise<object> {
  print('\n| recording | origin | signs | character errors here | faster-whisper int8 | |');
  print('|---|---|---|---|---|---|');
  const rows: {
    name: string;
    origin: string;
    signs: number;
    mine: number;
    theirs: number;
    here: string;
    there: string;
  }[] = [];
  for (const { name, file, reference, origin } of clips) {
    const [here, there] = [await ours.hear(file), await anchor.hear(file)];
    const expected = plainText(reference);
    const [mine, theirs] = [here, there].map(({ text }) =>
      characterErrorRate(plainText(text, reference), expected),
    ) as [number, number];
    rows.push({ name, origin, signs: Array.from(expected).length, mine, theirs, here: here.text, there: there.text });
    const verdict =
      mine === theirs ? 'equal' : mine < theirs ? 'better' : `worse: “${here.text}” against “${there.text.trim()}”`;
    print(`| ${name} | ${origin} | ${expected.length} | ${percent(mine)} | ${percent(theirs)} | ${verdict} |`);
  }
  const worse = rows.filter(({ mine, theirs }) => mine > theirs).length;
  const better = rows.filter(({ mine, theirs }) => mine < theirs).length;
  const overall = (of: 'mine' | 'theirs'): number =>
    rows.reduce((sum, row) => sum + row[of] * row.signs, 0) / rows.reduce((sum, row) => sum + row.signs, 0);
  print(
    `\n${rows.length} recordings: ${better} better, ${rows.length - better - worse} equal, ${worse} worse (aim 0 worse);`,
  );
  print(`over all signs ${percent(overall('mine'))} here, ${percent(overall('theirs'))} there.`);
  return { rows, worse, better };
}

async function speed(ours: Ours, anchor: FasterWhisper, file: string): Promise<object> {
  const warm = await ours.hear(file);
  await anchor.hear(file);
  const [mine, theirs, ratios]: [number[], number[], number[]] = [[], [], []];
  let texts = { here: '', there: '' };
  for (let round = 0; round < rounds; round++) {
    // Who is first changes, so that neither always runs on the warmer machine.
    const order = round % 2 === 0 ? (['ours', 'anchor'] as const) : (['anchor', 'ours'] as const);
    const seconds = { ours: 0, anchor: 0 };
    for (const side of order) {
      const heard = side === 'ours' ? await ours.hear(file) : await anchor.hear(file);
      seconds[side] = heard.seconds;
      texts = side === 'ours' ? { ...texts, here: heard.text } : { ...texts, there: heard.text };
    }
    mine.push(seconds.ours / warm.heard);
    theirs.push(seconds.anchor / warm.heard);
    ratios.push(seconds.ours / seconds.anchor);
  }
  const apart = characterErrorRate(plainText(texts.here), plainText(texts.there));
  print(
    `\nReal-time factor, ${warm.heard.toFixed(0)} s of English, ${threads} threads, ${rounds} rounds in turns, median (least–most):`,
  );
  print(
    `here ${show(spread(mine))}, faster-whisper int8 ${show(spread(theirs))}, ratio ${show(spread(ratios))} (aim 1.0)`,
  );
  print(`the two transcripts differ in ${percent(apart)} of their signs`);
  return { audioSeconds: warm.heard, mine, theirs, ratios, apart };
}

async function memory(ours: Ours, file: string, minutes: number): Promise<object> {
  await ours.hear(file.replace(/[^/]*$/, 'espeak-0.wav')).catch(() => {});
  const before = ours.residentBytes;
  const samples: { minute: number; bytes: number }[] = [];
  const heard = await ours.hear(file, (seconds) => samples.push({ minute: seconds / 60, bytes: ours.residentBytes }));
  const most = Math.max(...samples.map(({ bytes }) => bytes));
  const around = (minute: number): number =>
    spread(samples.filter((each) => Math.abs(each.minute - minute) < 2).map(({ bytes }) => bytes)).median;
  const early = Math.min(10, minutes / 3);
  print(
    `\nMemory of the speech process over ${(heard.heard / 60).toFixed(0)} minutes of sound (${heard.seconds.toFixed(0)} s):`,
  );
  print(`before ${mib(before)}, most ${mib(most)}: growth ${mib(most - before)} (aim 100 MB)`);
  print(
    `around minute ${early.toFixed(0)} ${mib(around(early))}, around minute ${minutes - 2} ${mib(around(minutes - 2))}`,
  );
  return { minutes, before, most, early: around(early), late: around(minutes - 2) };
}

async function main(): Promise<void> {
  if (flags.help) {
    process.stdout.write(usage);
    return;
  }
  const wanted = (part: (typeof parts)[number]): boolean => flags.only.includes(part);
  const results: Record<string, unknown> = {};
  print(`${os.cpus()[0]?.model ?? 'unknown processor'}, ${os.availableParallelism()} threads, Node ${process.version}`);
  const model = await findModel('whisper-base');
  const python = flags['faster-whisper'] ?? (await installFasterWhisper());
  const collected = await collectClips(python);
  const clips = collected.filter(({ name }) => flags.recording?.includes(name) ?? true);
  const long = await longRecording(python, collected);
  if (wanted('accuracy') || wanted('speed') || wanted('memory')) {
    const ours = new Ours(model);
    try {
      if (wanted('memory')) {
        const minutes = flags.hour ? 60 : 15;
        results['memory'] = await memory(ours, await repeated(python, long, minutes), minutes);
      }
      if (wanted('accuracy') || wanted('speed')) {
        const anchor = await FasterWhisper.start(python, model, threads);
        try {
          if (wanted('accuracy')) results['accuracy'] = await accuracy(ours, anchor, clips);
          if (wanted('speed')) results['speed'] = await speed(ours, anchor, long);
        } finally {
          anchor.dispose();
        }
      }
    } finally {
      await ours.dispose();
    }
  }
  if (wanted('server')) {
    const question = clips.find(({ name }) => name === 'zh-human-3s') ?? clips.at(-3);
    if (question !== undefined) {
      const { asked, unloading } = await measureServer(flags.model, question.file, threads, rounds);
      results['server'] = { asked, unloading };
      print(`\nSpoken question of 3 s, warm, ${flags.model}, ${rounds} rounds, median (least–most) in ms:`);
      print(
        `transcription ${show(spread(asked.map(({ transcription }) => transcription)), 0)}, first token of the same text ${show(spread(asked.map(({ text }) => text)), 0)}, first token of the spoken question ${show(spread(asked.map(({ spoken }) => spoken)), 0)}`,
      );
      print(
        `spoken ÷ (transcription + text): ${show(spread(asked.map(({ spoken, transcription, text }) => spoken / (transcription + text))))} (aim 1.5)`,
      );
      print('\n| all processes of the server | memory |\n|---|---|');
      for (const { stage, bytes } of unloading) print(`| ${stage} | ${mib(bytes)} |`);
      const [before, , after] = unloading;
      if (before !== undefined && after !== undefined) {
        print(
          `\nafter unloading speech ÷ before it was ever loaded: ${(after.bytes / before.bytes).toFixed(3)} (aim 1.05)`,
        );
      }
    }
  }
  if (flags.json) process.stdout.write(`${JSON.stringify(results, null, 2)}\n`);
}

await main();
