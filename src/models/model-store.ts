import { rm, stat } from 'node:fs/promises';
import { join, resolve as resolvePath } from 'node:path';
import type { ModelEntry, ModelFile } from '../core/catalogue.ts';
import { systemClock, type Clock } from '../core/clock.ts';
import { DuanyunError, makeError } from '../core/errors.ts';
import { EventQueue } from '../core/event-queue.ts';
import { silentLog, type Log } from '../core/log.ts';
import type { InstalledModel, ModelAdministration, PullEvent } from '../core/model-store.ts';
import { AdapterStore } from './adapters/adapter-store.ts';
import { BlobStore, hashFile } from './blob-store.ts';
import { findModel, isModelPath, loadCatalogue, unknownModel, type Catalogue } from './catalogue.ts';
import type { DefaultChoice } from './choose-default.ts';
import { acquireFileLock } from './file-lock.ts';
import { FilePuller, type PullSettings } from './file-puller.ts';
import { readGgufHeader } from './gguf.ts';
import { HttpClient, type HttpClientOptions } from './http-client.ts';
import { Manifests, type Manifest } from './manifests.ts';
import { describeOwnModel } from './own-model.ts';
import { DefaultFinder } from './default-finder.ts';
import { readSenseVoiceShape } from './sense-voice/sense-voice-file.ts';
import { readTorchFile } from './speaker/torch-file.ts';
import { Ctranslate2File } from './whisper/ctranslate2-file.ts';
import { TunedFiles, tunedName } from './tuned-files.ts';

export type ModelStoreOptions = PullSettings & {
  /** Directory for weights and state; made on the first pull. */
  root: string;
  /** Default: the one that ships with Duanyun. */
  catalogue?: Catalogue;
  http?: HttpClientOptions;
  clock?: Clock;
  log?: Log;
  /** Memory that a model may take, for `default`. Default: what the system says is available. */
  availableMemoryBytes?: () => number;
  /** Whether files that were optimised for this device take the place of the published ones. Default true. */
  useTuned?: boolean;
};

/**
 * The models on this machine: `<root>/blobs/sha256/<hash>` holds verified files, `<root>/models/<id>.json` says which
 * belong together, `<root>/partial` what is on its way. Several processes may share a root.
 */
export class ModelStore implements ModelAdministration {
  readonly #root: string;
  readonly tunedFiles: TunedFiles;
  readonly adapters: AdapterStore;
  readonly #useTuned: boolean;
  readonly #catalogue: Catalogue;
  readonly #blobs: BlobStore;
  readonly #manifests: Manifests;
  readonly #client: HttpClient;
  readonly #puller: FilePuller;
  readonly #defaults: DefaultFinder;
  readonly #clock: Clock;
  readonly #log: Log;

  constructor(options: ModelStoreOptions) {
    this.#root = options.root;
    this.tunedFiles = new TunedFiles(options.root);
    this.adapters = new AdapterStore(options.root);
    this.#useTuned = options.useTuned ?? true;
    this.#catalogue = options.catalogue ?? loadCatalogue();
    this.#blobs = new BlobStore(options.root);
    this.#manifests = new Manifests(options.root);
    this.#client = new HttpClient(options.http);
    this.#clock = options.clock ?? systemClock;
    this.#log = options.log ?? silentLog;
    this.#puller = new FilePuller(this.#client, this.#blobs, this.#clock, options);
    this.#defaults = new DefaultFinder(this.#client, this.#catalogue, {
      ...options,
      rememberedPath: join(options.root, 'default.json'),
    });
  }

  catalogue(): ModelEntry[] {
    return this.#catalogue.models;
  }

  async installed(): Promise<InstalledModel[]> {
    const manifests = await this.#manifests.list();
    const models = await Promise.all(manifests.map((manifest) => this.#locate(manifest)));
    return models.filter((model) => model !== undefined);
  }

  /**
   * Finds an installed model by id or alias, `default` (the one chosen before), or a GGUF file by its path; the header of
   * such a file is checked. Throws `model_not_found`, `not_found` or `model_file_invalid`; fetches nothing.
   */
  async resolve(name: string): Promise<InstalledModel> {
    if (isModelPath(name)) return this.#resolvePath(name);
    const installed = await this.installed();
    const wanted = name === 'default' ? await this.#defaults.remembered() : name.toLowerCase();
    const found = installed.find(({ entry }) => entry.id === wanted || entry.aliases.includes(wanted ?? ''));
    if (found !== undefined) return found;
    throw unknownModel(
      name === 'default' ? 'default yet (`duanyun pull` chooses and fetches it)' : name,
      installed.map(({ entry }) => entry.id),
    );
  }

  /**
   * What `default` means on this machine and why, best first. Takes no network where a default was chosen before and is
   * installed; otherwise a few seconds at most. Throws `model_too_large`, `offline` or `download_failed` where there is none.
   */
  async chooseDefault(options: { signal: AbortSignal }): Promise<DefaultChoice[]> {
    const installed = await this.installed();
    return this.#defaults.choose(
      installed.map(({ entry }) => entry.id),
      options.signal,
    );
  }

  async *pull(name: string, { signal }: { signal: AbortSignal }): AsyncGenerator<PullEvent> {
    const abort = new AbortController();
    const events = new EventQueue<PullEvent>();
    const work = this.#pull(name, AbortSignal.any([signal, abort.signal]), (event) => events.push(event)).then(
      () => events.end(),
      (error: unknown) => events.end(error instanceof Error ? error : new Error(String(error))),
    );
    try {
      yield* events;
    } finally {
      // A reader that leaves early ends the pull; what came so far stays for the next one.
      abort.abort();
      await work;
    }
  }

  async remove(name: string): Promise<number> {
    const wanted = name.toLowerCase();
    const manifests = await this.#manifests.list();
    const manifest = manifests.find(({ entry }) => entry.id === wanted || entry.aliases.includes(wanted));
    const entry = manifest?.entry ?? findModel(this.#catalogue, name);
    const inUse = new Set(
      manifests.filter((other) => other !== manifest).flatMap(({ files }) => files.map(({ sha256 }) => sha256)),
    );
    const hashes = [...entry.files, ...(manifest?.files ?? [])].flatMap(({ sha256 }) => sha256 ?? []);
    await this.#manifests.remove(entry.id);
    await rm(this.#derivedDirectory(entry.id), { recursive: true, force: true });
    let freedBytes = 0;
    for (const sha256 of new Set(hashes)) {
      if (!inUse.has(sha256)) freedBytes += await this.#removeBlob(sha256, entry.id);
    }
    freedBytes += await this.tunedFiles.remove(entry.id);
    if (manifest === undefined && freedBytes === 0) {
      throw unknownModel(
        name,
        manifests.map((each) => each.entry.id),
      );
    }
    return freedBytes;
  }

  /** Reads every file of an installed model again; false where a hash is wrong. For `doctor`. */
  async verify(name: string, { signal }: { signal: AbortSignal }): Promise<boolean> {
    const { entry } = await this.resolve(name);
    const manifest = (await this.#manifests.list()).find((each) => each.entry.id === entry.id);
    for (const { sha256 } of manifest?.files ?? []) {
      if ((await hashFile(this.#blobs.path(sha256), signal)) !== sha256) return false;
    }
    return this.tunedFiles.verify(entry.id, signal);
  }

  /** Closes the connections. */
  async dispose(): Promise<void> {
    await this.#client.dispose();
  }

  async #pull(name: string, signal: AbortSignal, emit: (event: PullEvent) => void): Promise<void> {
    if (name === 'default') return this.#pullDefault(signal, emit);
    if (isModelPath(name)) {
      const model = await this.#resolvePath(name);
      const sha256 = await hashFile(model.weightsPath, signal);
      emit({ type: 'file-done', file: model.entry.files[0]?.name ?? name, sha256, sizeBytes: model.sizeBytes });
      return emit({ type: 'pull-done', model: model.weightsPath });
    }
    await this.#pullEntry(findModel(this.#catalogue, name), signal, emit);
  }

  async #pullDefault(signal: AbortSignal, emit: (event: PullEvent) => void): Promise<void> {
    const choices = await this.chooseDefault({ signal });
    let failure: unknown;
    for (const choice of choices) {
      try {
        this.#log.info({ model: choice.id, reason: choice.reason }, 'default model chosen');
        if (choice.installed) emit({ type: 'pull-done', model: choice.id });
        else await this.#pullEntry(findModel(this.#catalogue, choice.id), signal, emit);
        await this.#defaults.remember(choice);
        return;
      } catch (error) {
        const isMirrors = error instanceof DuanyunError && ['download_failed', 'hash_mismatch'].includes(error.code);
        if (!isMirrors) throw error;
        failure ??= error;
      }
    }
    throw failure;
  }

  async #pullEntry(entry: ModelEntry, signal: AbortSignal, emit: (event: PullEvent) => void): Promise<void> {
    await this.#puller.requireSpace(entry.files, this.#catalogue.models.indexOf(entry) >= 0 ? entry.id : 'model');
    const files: Manifest['files'] = [];
    for (const file of entry.files) {
      const { sha256, sizeBytes } = await this.#puller.pull(entry.id, file, signal, emit);
      await this.#requireUsable(entry, file, sha256);
      files.push({ role: file.role, name: file.name, sha256, sizeBytes });
      emit({ type: 'file-done', file: file.name, sha256, sizeBytes });
    }
    await this.#manifests.save({ entry, files });
    emit({ type: 'pull-done', model: entry.id });
  }

  async #requireUsable(entry: ModelEntry, file: ModelFile, sha256: string): Promise<void> {
    try {
      const path = this.#blobs.path(sha256);
      if (entry.kind === 'speaker') await readTorchFile(path, 'model_state');
      else if (entry.kind === 'speech') {
        if (file.role !== 'weights') return;
        if (entry.architecture === 'sense-voice') await readSenseVoiceShape(path);
        else await (await Ctranslate2File.open(path)).close();
      } else await readGgufHeader(path);
    } catch (error) {
      if (!(error instanceof DuanyunError) || error.code !== 'model_file_invalid') throw error;
      await this.#blobs.remove(sha256);
      // The blob's own name is a hash; the user knows the file by its name in the catalogue.
      throw new DuanyunError(error.code, error.message.replace(sha256, file.name), { cause: error });
    }
  }

  #derivedDirectory(id: string): string {
    return join(this.#root, 'derived', id);
  }

  async #removeBlob(sha256: string, model: string): Promise<number> {
    const lock = await acquireFileLock(this.#blobs.lockPath(sha256), {
      signal: new AbortController().signal,
      clock: this.#clock,
      onWait: (pid) => {
        throw makeError('store_locked', { pid, what: model });
      },
    });
    try {
      return await this.#blobs.remove(sha256);
    } finally {
      await lock.release();
    }
  }

  async #locate(manifest: Manifest): Promise<InstalledModel | undefined> {
    for (const { sha256, sizeBytes } of manifest.files) {
      if ((await this.#blobs.size(sha256)) !== sizeBytes) return undefined;
    }
    const weights = manifest.files.find(({ role }) => role === 'weights');
    const projector = manifest.files.find(({ role }) => role === 'projector');
    if (weights === undefined) return undefined;
    // The catalogue may know more by now than when the model was fetched.
    const entry = this.#catalogue.models.find(({ id }) => id === manifest.entry.id) ?? manifest.entry;
    return this.#preferTuned({
      entry,
      weightsPath: this.#blobs.path(weights.sha256),
      paths: Object.fromEntries(manifest.files.map(({ role, sha256 }) => [role, this.#blobs.path(sha256)])),
      derivedDirectory: this.#derivedDirectory(entry.id),
      ...(projector === undefined ? {} : { projectorPath: this.#blobs.path(projector.sha256) }),
      sizeBytes: manifest.files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
      source: `sha256:${weights.sha256}`,
    });
  }

  async #preferTuned(model: InstalledModel): Promise<InstalledModel> {
    const found = this.#useTuned ? await this.tunedFiles.find(tunedName(model), model.source) : undefined;
    if (found === undefined) return model;
    const { goal, recipe } = found.tuned;
    return { ...model, weightsPath: found.path, tuned: { goal, recipe: recipe.id, sourcePath: model.weightsPath } };
  }

  async #resolvePath(name: string): Promise<InstalledModel> {
    const path = resolvePath(name);
    const status = await stat(path).catch(() => undefined);
    if (status?.isFile() !== true) {
      const installed = await this.installed();
      throw unknownModel(
        name,
        installed.map(({ entry }) => entry.id),
      );
    }
    const entry = describeOwnModel(path, await readGgufHeader(path));
    const source = `file:${status.size}:${Math.round(status.mtimeMs)}`;
    return this.#preferTuned({ entry, weightsPath: path, sizeBytes: status.size, source });
  }
}
