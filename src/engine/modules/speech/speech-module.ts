import { fileURLToPath } from 'node:url';
import type { FileRole } from '../../../core/catalogue.ts';
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
import type {
  SenseVoiceFiles,
  SpeechInfo,
  SpeechLoadOptions,
  SpeechProgress,
  SpeechRequest,
  SpeechResult,
  WhisperFiles,
} from './speech-messages.ts';

export type SpeechModuleOptions = {
  modules: ModuleUse;
  /** The installed models; which of them hears is looked up at each load, so that a pull needs no restart. */
  installed(): Promise<InstalledModel[]>;
  /** Id or alias of the speech model; `auto`: a Whisper, and SenseVoice for Chinese, as far as they are installed. */
  model: string;
  threads: number;
  /** Longest recording. */
  mostSeconds: number;
  environment: Readonly<Record<string, string | undefined>>;
  log: Log;
};

type FoundModels = {
  whisper: InstalledModel | undefined;
  senseVoice: InstalledModel | undefined;
  all: [InstalledModel, ...InstalledModel[]];
};

/** Named where none is installed. */
const usualModel = 'whisper-base';
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
      requiredBytes: async () => (await this.#find()).all.reduce((sum, { entry }) => sum + entry.memoryBytes, 0),
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

  /** The installed models that hear, at most one of each kind. Throws `module_not_installed`. */
  async #find(): Promise<FoundModels> {
    const wanted = this.#options.model;
    const isWanted = ({ entry }: InstalledModel): boolean =>
      entry.kind === 'speech' && (wanted === 'auto' || entry.id === wanted || entry.aliases.includes(wanted));
    const found = (await this.#options.installed()).filter(isWanted);
    const senseVoice = found.find(({ entry }) => entry.architecture === 'sense-voice');
    const whisper = found.find(({ entry }) => entry.architecture === undefined);
    const all = [whisper, senseVoice].filter((each) => each !== undefined);
    this.#model = all.length === 0 ? undefined : all.map(({ entry }) => entry.id).join(' + ');
    const [first] = all;
    if (first !== undefined) return { whisper, senseVoice, all: [first, ...all.slice(1)] };
    const name = wanted === 'auto' ? usualModel : wanted;
    throw makeError('module_not_installed', {
      module: 'speech',
      reason: `${wanted === 'auto' ? 'no model that hears' : `the model ${wanted}`} is on this machine; fetch it with "duanyun pull ${name}"`,
    });
  }

  async #loadOptions(): Promise<SpeechLoadOptions> {
    const { whisper, senseVoice, all } = await this.#find();
    const { threads, mostSeconds } = this.#options;
    return {
      threads,
      mostSeconds,
      voiceActivityPath: pathOf(all[0], 'voice-activity'),
      ...(whisper === undefined ? {} : { whisper: whisperFiles(whisper) }),
      ...(senseVoice === undefined ? {} : { senseVoice: senseVoiceFiles(senseVoice) }),
    };
  }
}

function whisperFiles(model: InstalledModel): WhisperFiles {
  const { entry, weightsPath, derivedDirectory } = model;
  if (derivedDirectory === undefined) throw incomplete(model);
  const configurationPath = pathOf(model, 'configuration');
  const tokenizerPath = pathOf(model, 'tokenizer');
  return { model: entry.id, weightsPath, configurationPath, tokenizerPath, derivedDirectory };
}

function senseVoiceFiles(model: InstalledModel): SenseVoiceFiles {
  const { entry, weightsPath } = model;
  return { model: entry.id, weightsPath, tokensPath: pathOf(model, 'tokenizer') };
}

function pathOf(model: InstalledModel, role: FileRole): string {
  const path = model.paths?.[role];
  if (path === undefined) throw incomplete(model);
  return path;
}

function incomplete({ entry }: InstalledModel): Error {
  return makeError('module_not_installed', {
    module: 'speech',
    reason: `files of ${entry.id} are missing; fetch them with "duanyun pull ${entry.id}"`,
  });
}
