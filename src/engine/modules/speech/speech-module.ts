import { fileURLToPath } from 'node:url';
import type { AudioPart } from '../../../core/chat.ts';
import { makeError } from '../../../core/errors.ts';
import type { Log } from '../../../core/log.ts';
import type { InstalledModel } from '../../../core/model-store.ts';
import type { ManagedModule, ModuleUse } from '../../../core/modules.ts';
import type {
  SpeakerReader,
  TranscribeOptions,
  Transcriber,
  Transcript,
  VoiceWatch,
  VoiceWatcher,
} from '../../../core/perception.ts';
import { WorkerModule } from '../worker-module.ts';
import type { SpeechInfo, SpeechLoadOptions, SpeechProgress, SpeechRequest, SpeechResult } from './speech-messages.ts';

export type SpeechModuleOptions = {
  modules: ModuleUse;
  /** The installed models; which of them hears is looked up at each load, so that a pull needs no restart. */
  installed(): Promise<InstalledModel[]>;
  /** Id or alias of the speech model. */
  model: string;
  threads: number;
  /** Longest recording. */
  mostSeconds: number;
  environment: Readonly<Record<string, string | undefined>>;
  log: Log;
};

/** For telling the worker that a watch is over. */
const closeLimitMs = 10_000;
/** A window of 30 s takes seconds, tried again at every temperature half a minute; a slow and busy device gets ten times that. */
const mostSilentMs = 300_000;

/** Hearing on the device: the speech module and what its users call. */
export class SpeechModule implements Transcriber, VoiceWatcher, SpeakerReader {
  readonly #options: SpeechModuleOptions;
  readonly #worker: WorkerModule<SpeechLoadOptions, SpeechInfo, SpeechRequest, SpeechResult, SpeechProgress>;
  #model: string | undefined;
  #watches = 0;

  constructor(options: SpeechModuleOptions) {
    this.#options = options;
    const { environment, log } = options;
    this.#worker = new WorkerModule({
      name: 'speech',
      script: fileURLToPath(new URL('./speech-worker.js', import.meta.url)),
      environment,
      log,
      model: () => this.#model,
      requiredBytes: async () => (await this.#find()).entry.memoryBytes,
      loadOptions: () => this.#loadOptions(),
      mostSilentMs,
    });
    void this.#find().catch(() => {});
  }

  managedModules(): ManagedModule[] {
    return [this.#worker];
  }

  /** Process id while one runs. */
  get pid(): number | undefined {
    return this.#worker.pid;
  }

  async tellSpeakers(
    audio: AudioPart,
    lines: readonly { start: number; end: number }[],
    options: { signal: AbortSignal; count?: number; onProgress?(done: number): void },
  ): Promise<number[] | undefined> {
    const { signal, count } = options;
    const model = (await this.#options.installed()).find(({ entry }) => entry.kind === 'speaker');
    if (model?.derivedDirectory === undefined) return undefined;
    const { weightsPath, derivedDirectory } = model;
    const result = await this.#worker.call(
      this.#options.modules,
      {
        kind: 'speakers',
        lines: lines.map(({ start, end }) => ({ start, end })),
        weightsPath,
        derivedDirectory,
        ...(count === undefined ? {} : { count }),
      },
      {
        signal,
        file: audio.bytes,
        onProgress(progress) {
          if (progress.type === 'line') options.onProgress?.(progress.done);
        },
      },
    );
    return result.kind === 'speakers' ? result.speakers : undefined;
  }

  watchVoice(): VoiceWatch {
    const watch = ++this.#watches;
    const state = { used: false };
    return {
      hear: async (samples, { signal }) => {
        state.used = true;
        const result = await this.#worker.call(this.#options.modules, { kind: 'voice', watch, samples }, { signal });
        return result.kind === 'voice' ? result.probabilities : [];
      },
      close: async () => {
        // A module that is not loaded holds nothing of it, and must not be loaded for that.
        if (!state.used || this.pid === undefined) return;
        const signal = AbortSignal.timeout(closeLimitMs);
        await this.#worker.call(this.#options.modules, { kind: 'voice', watch }, { signal }).catch(() => {});
      },
    };
  }

  async transcribe(audio: AudioPart, options: TranscribeOptions): Promise<Transcript> {
    const { signal, language, task = 'transcribe', prompt, words = false, temperature = 0 } = options;
    const result = await this.#worker.call(
      this.#options.modules,
      {
        kind: 'transcribe',
        task,
        words,
        temperature,
        keepScript: options.keepScript ?? false,
        fromSeconds: options.fromSeconds ?? 0,
        ...(language === undefined ? {} : { language }),
        ...(prompt === undefined ? {} : { prompt }),
      },
      {
        signal,
        file: audio.bytes,
        onProgress(progress) {
          if (progress.type === 'segment') options.onSegment?.(progress.segment);
          else if (progress.type === 'language') options.onLanguage?.(progress.language);
          else if (progress.type === 'heard') options.onProgress?.(progress.seconds, progress.durationSeconds);
        },
      },
    );
    if (result.kind !== 'transcript') throw new Error('the speech worker answered something else');
    return result.transcript;
  }

  async #find(): Promise<InstalledModel> {
    const wanted = this.#options.model;
    const found = (await this.#options.installed()).find(
      ({ entry }) => entry.kind === 'speech' && (entry.id === wanted || entry.aliases.includes(wanted)),
    );
    this.#model = found?.entry.id;
    if (found !== undefined) return found;
    throw makeError('module_not_installed', {
      module: 'speech',
      reason: `the model ${wanted} is not on this machine; fetch it with "duanyun pull ${wanted}"`,
    });
  }

  async #loadOptions(): Promise<SpeechLoadOptions> {
    const { entry, weightsPath, paths = {}, derivedDirectory } = await this.#find();
    const { configuration, tokenizer, 'voice-activity': voiceActivity } = paths;
    if (
      configuration === undefined ||
      tokenizer === undefined ||
      voiceActivity === undefined ||
      derivedDirectory === undefined
    ) {
      throw makeError('module_not_installed', {
        module: 'speech',
        reason: `files of ${entry.id} are missing; fetch them with "duanyun pull ${entry.id}"`,
      });
    }
    return {
      model: entry.id,
      weightsPath,
      configurationPath: configuration,
      tokenizerPath: tokenizer,
      voiceActivityPath: voiceActivity,
      derivedDirectory,
      threads: this.#options.threads,
      mostSeconds: this.#options.mostSeconds,
    };
  }
}
