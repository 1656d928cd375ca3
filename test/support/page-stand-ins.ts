/** Stand-ins for what the pages beside the chat ask: modules, models, benchmarks, minutes. Small, and with a state. */
import type { BenchmarkRun, BenchmarkRuns } from '../../src/core/benchmark.ts';
import { makeError } from '../../src/core/errors.ts';
import type { MinutesMaker } from '../../src/core/minutes.ts';
import type { DeviceModelSwitch, ModelAdministration } from '../../src/core/model-store.ts';
import type { ModuleAdministration, ModuleStatus } from '../../src/core/modules.ts';
import type { Transcriber, VoiceWatcher } from '../../src/core/perception.ts';

const sizeBytes = 1000 * 1024;

function modelEntry(id: string, displayName: string): ReturnType<ModelAdministration['catalogue']>[number] {
  return {
    id,
    aliases: [],
    displayName,
    description: 'For the tests.',
    licence: 'Apache-2.0',
    verified: true,
    parameters: 1e6,
    contextTokens: 2048,
    modalities: ['text'],
    tools: false,
    reasoning: 'none',
    languages: ['en'],
    memoryBytes: 100 * 1024 * 1024,
    sampling: {},
    quirks: { toolFormat: 'none', reasoningFormat: 'none' },
    files: [{ role: 'weights', name: `${id}.gguf`, sizeBytes, sources: [] }],
  };
}

/** `small-1` answers, `other-1` is here, `far-1` has to be fetched: in tenths, and goes on where it was stopped. */
export class StandInModels implements ModelAdministration, DeviceModelSwitch {
  readonly installedIds = new Set(['small-1', 'other-1']);
  running = 'small-1';
  /** How often a pull began, and with how much of it here already. */
  readonly resumedFrom: number[] = [];
  #received = 0;

  catalogue(): ReturnType<ModelAdministration['catalogue']> {
    return [modelEntry('small-1', 'Small 1'), modelEntry('other-1', 'Other 1'), modelEntry('far-1', 'Far 1')];
  }

  installed(): ReturnType<ModelAdministration['installed']> {
    const entries = this.catalogue().filter(({ id }) => this.installedIds.has(id));
    return Promise.resolve(entries.map((entry) => ({ entry, weightsPath: '', sizeBytes, source: '' })));
  }

  async *pull(name: string, { signal }: { signal: AbortSignal }): ReturnType<ModelAdministration['pull']> {
    this.resumedFrom.push(this.#received);
    const file = `${name}.gguf`;
    yield { type: 'pull-start', model: name, file, totalBytes: sizeBytes, resumedBytes: this.#received };
    while (this.#received < sizeBytes) {
      await new Promise((resolve) => setTimeout(resolve, 150));
      signal.throwIfAborted();
      this.#received += sizeBytes / 10;
      yield {
        type: 'pull-progress',
        file,
        receivedBytes: this.#received,
        totalBytes: sizeBytes,
        bytesPerSecond: 1000,
        remainingSeconds: 1,
      };
    }
    this.installedIds.add(name);
    yield { type: 'pull-done', model: name };
  }

  remove(name: string): Promise<number> {
    this.installedIds.delete(name);
    return Promise.resolve(sizeBytes);
  }

  current(): string {
    return this.running;
  }

  switchTo(name: string): Promise<void> {
    this.running = name;
    return Promise.resolve();
  }
}

export class StandInModules implements ModuleAdministration {
  readonly #models: StandInModels;
  #speech: ModuleStatus['state'] = 'cold';

  constructor(models: StandInModels) {
    this.#models = models;
  }

  list(): ModuleStatus[] {
    const still = { activeUses: 0, loads: 1 };
    const residentBytes = this.#speech === 'ready' ? 2e8 : 0;
    return [
      { name: 'language', state: 'ready', model: this.#models.running, residentBytes: 5e8, ...still },
      { name: 'speech', state: this.#speech, model: 'whisper-base', requiredBytes: 2e8, residentBytes, ...still },
      { name: 'vision', state: 'failed', residentBytes: 0, reason: 'no projector is installed', ...still },
    ];
  }

  load(name: string): Promise<ModuleStatus> {
    if (name === 'vision') throw makeError('module_not_installed', { module: name, reason: 'no projector' });
    this.#speech = 'ready';
    return this.#find(name);
  }

  unload(name: string): Promise<ModuleStatus> {
    this.#speech = 'unloaded';
    return this.#find(name);
  }

  #find(name: string): Promise<ModuleStatus> {
    const found = this.list().find((each) => each.name === name);
    return found === undefined ? Promise.reject(new Error(name)) : Promise.resolve(found);
  }
}

export class StandInBenchmarks implements BenchmarkRuns {
  readonly #runs: BenchmarkRun[] = [];

  list(): Promise<BenchmarkRun[]> {
    return Promise.resolve(this.#runs.toReversed());
  }

  start(wishes: Parameters<BenchmarkRuns['start']>[0]): Promise<BenchmarkRun> {
    const id = `20261127-12000${this.#runs.length}`;
    const startedAt = new Date(Date.UTC(2026, 10, 27, 12, this.#runs.length)).toISOString();
    const run: BenchmarkRun = {
      id,
      startedAt,
      ...wishes,
      state: 'running',
      message: 'edge: scenarios',
      elapsedMs: 1500,
      hasReport: false,
    };
    this.#runs.push(run);
    return Promise.resolve(run);
  }

  stop(): Promise<void> {
    const last = this.#runs.at(-1);
    if (last !== undefined) Object.assign(last, { state: 'interrupted', message: '', hasReport: true });
    return Promise.resolve();
  }

  report(id: string): ReturnType<BenchmarkRuns['report']> {
    return Promise.resolve(new TextEncoder().encode(`# Report\n\n| run | value |\n|---|---|\n| ${id} | 42 |\n`));
  }

  compare(): ReturnType<BenchmarkRuns['compare']> {
    const figure = { target: 'edge', group: '', figure: 'ttftMs', isShare: false };
    return Promise.resolve([
      { ...figure, values: [100, 150], change: 0.5, p: 0.001, counts: [9, 9], verdict: 'worse' },
    ]);
  }
}

/** Hears the same two lines in every recording. */
export const standInMinutes: MinutesMaker = {
  make(_source, options) {
    const lines = [
      { start: 0, end: 2, text: 'We need the budget by Friday.', speaker: 'Speaker 1' },
      { start: 2, end: 4, text: 'I will send it.', speaker: 'Speaker 2' },
    ];
    options.onProgress?.({ stage: 'hearing', heardSeconds: 2, totalSeconds: 4 });
    for (const line of lines) options.onLine?.(line);
    options.onProgress?.({ stage: 'notes', done: 1, total: 1 });
    return Promise.resolve({
      title: options.title ?? 'Budget',
      language: 'en',
      durationSeconds: 4,
      speakers: [
        { name: 'Speaker 1', seconds: 2 },
        { name: 'Speaker 2', seconds: 2 },
      ],
      summary: 'The budget is due on Friday.',
      decisions: [],
      actions: [{ text: 'Send the budget', at: 2, owner: 'Speaker 2' }],
      questions: [],
      transcript: lines,
      withoutNotes: [],
      leftOut: 0,
      models: { language: 'small-1' },
      receipts: [],
    });
  },
};

/** Hears speech in every sound, and writes down how many words the sound is long: one each half second. */
export const standInSpeech: Transcriber & VoiceWatcher = {
  transcribe(audio) {
    const seconds = Math.max(0, (audio.bytes.byteLength - 44) / 32_000);
    const words = ['I', 'would', 'like', 'to', 'know', 'more', 'about', 'the', 'rain', 'in', 'Spain'];
    const text = words.slice(0, Math.max(1, Math.round(2 * seconds))).join(' ');
    return Promise.resolve({
      text,
      language: 'en',
      languageProbability: 1,
      durationSeconds: seconds,
      segments: [],
      model: 'stand-in',
    });
  },
  watchVoice: () => ({
    hear: (samples) => Promise.resolve(Array.from({ length: Math.floor(samples.length / 512) }, () => 0.9)),
    close: () => Promise.resolve(),
  }),
};
