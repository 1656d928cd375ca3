/** The adapters on this machine: `<root>/adapters/<name>/` holds the file, `adapter.json`, and what its training left. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Adapter, AdapterTraining } from '../../core/adapters.ts';
import { makeError } from '../../core/errors.ts';
import type { InstalledModel } from '../../core/model-store.ts';
import { hashFile } from '../blob-store.ts';
import { freeDiskBytes, isDiskFull, mebibytes } from '../disk-space.ts';
import { readGgufHeader } from '../gguf.ts';
import { syncDirectory, writeFileAtomically } from '../manifests.ts';
import { checkAdapter } from './check-adapter.ts';

const namePattern = /^[a-z0-9][a-z0-9._-]{0,63}$/;

const manifestSchema = z.object({
  version: z.literal(1),
  name: z.string().regex(namePattern),
  model: z.string(),
  base: z.string(),
  sizeBytes: z.int().positive(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  architecture: z.string(),
  rank: z.int().positive(),
  createdAt: z.string(),
  origin: z.enum(['trained', 'added']),
  training: z
    .object({
      examples: z.int(),
      validationExamples: z.int(),
      epochs: z.number(),
      steps: z.int(),
      validationLossBefore: z.number(),
      validationLossAfter: z.number(),
      trainedSeconds: z.number(),
    })
    .optional(),
});

export const adapterFileName = 'adapter.gguf';
const manifestName = 'adapter.json';

export type NewAdapter = {
  name: string;
  /** The GGUF file; copied. */
  file: string;
  model: InstalledModel;
  origin: Adapter['origin'];
  training?: AdapterTraining;
  createdAt: Date;
  /** Other files to keep beside it, by the name they get. */
  extras?: ReadonlyMap<string, string>;
  /** Take the place of an adapter of the same name. */
  replace: boolean;
};

export class AdapterStore {
  readonly #root: string;
  #known: { stamp: string; adapters: Adapter[] } | undefined;

  constructor(root: string) {
    this.#root = join(root, 'adapters');
  }

  /** Damaged ones and those of a later version are left out. Read again only when the folder has changed. */
  list(): Adapter[] {
    const stamp = this.#stamp();
    if (this.#known?.stamp === stamp) return this.#known.adapters;
    const adapters = folderNames(this.#root).flatMap((name) => this.#read(name) ?? []);
    this.#known = { stamp, adapters };
    return adapters;
  }

  /** Throws `not_found`. */
  find(name: string): Adapter {
    const found = this.list().find((adapter) => adapter.name === name.toLowerCase());
    if (found !== undefined) return found;
    throw makeError('not_found', { what: `The adapter ${name.slice(0, 100)}` });
  }

  /** Folder of an adapter; what its training left lies there. */
  folderOf(name: string): string {
    return join(this.#root, name);
  }

  /** Throws `invalid_request` where the name cannot be taken. */
  requireFree(name: string, replace: boolean): void {
    this.requireName(name);
    if (!replace && this.list().some((adapter) => adapter.name === name)) {
      const reason = `There is an adapter ${name} already. Choose another --name, or replace it with --replace.`;
      throw makeError('invalid_request', { reason }, { param: 'name' });
    }
  }

  /** Throws `invalid_request` for what could not name an adapter, such as a path. */
  requireName(name: string): void {
    if (!namePattern.test(name)) {
      const reason = `"${name.slice(0, 80)}" cannot name an adapter: lower case, digits, dots, dashes and underscores, at most 64`;
      throw makeError('invalid_request', { reason }, { param: 'name' });
    }
  }

  /**
   * Takes an adapter in. Readers see the one before, or none, until the last step. Throws `adapter_invalid`,
   * `adapter_mismatch`, `model_file_invalid`, `invalid_request`, `disk_full`.
   */
  async add(parts: NewAdapter, signal: AbortSignal): Promise<Adapter> {
    const { name, file, model, replace } = parts;
    this.requireFree(name, replace);
    const facts = checkAdapter(
      await readGgufHeader(file),
      await readGgufHeader(model.weightsPath),
      name,
      model.entry.id,
    );
    await mkdir(this.#root, { recursive: true });
    const folder = await mkdtemp(join(this.#root, '.new-'));
    try {
      await copyFile(file, join(folder, adapterFileName));
      for (const [as, source] of parts.extras ?? []) await copyFile(source, join(folder, as));
      const manifest = {
        version: 1 as const,
        name,
        model: model.entry.id,
        base: model.source,
        sizeBytes: (await stat(join(folder, adapterFileName))).size,
        sha256: await hashFile(join(folder, adapterFileName), signal),
        architecture: facts.architecture,
        rank: facts.rank,
        createdAt: parts.createdAt.toISOString(),
        origin: parts.origin,
        ...(parts.training === undefined ? {} : { training: parts.training }),
      };
      await writeFileAtomically(join(folder, manifestName), `${JSON.stringify(manifest, null, 2)}\n`);
      await this.#moveInto(folder, name);
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      throw isDiskFull(error) ? await this.diskFull((await stat(file)).size) : error;
    }
    this.#known = undefined;
    return this.find(name);
  }

  /** Copies the file out. Throws `not_found`, `disk_full`, `config_invalid` where it cannot be written. */
  async exportTo(name: string, target: string): Promise<Adapter> {
    const adapter = this.find(name);
    try {
      await copyFile(adapter.path, target);
    } catch (cause) {
      await rm(target, { force: true });
      if (isDiskFull(cause)) throw await this.diskFull(adapter.sizeBytes);
      throw makeError('config_invalid', { reason: `${target} cannot be written` }, { cause });
    }
    return adapter;
  }

  /** Returns the bytes freed. Throws `not_found`. */
  async remove(name: string): Promise<number> {
    const adapter = this.find(name);
    // Gone for readers before it is deleted.
    const doomed = join(this.#root, `.old-${adapter.name}-${process.pid}`);
    await rename(this.folderOf(adapter.name), doomed);
    await rm(doomed, { recursive: true, force: true });
    this.#known = undefined;
    return adapter.sizeBytes;
  }

  async diskFull(neededBytes: number): Promise<Error> {
    const free = await freeDiskBytes(this.#root).catch(() => 0);
    const parameters = {
      path: this.#root,
      neededMiB: mebibytes(neededBytes),
      availableMiB: Math.floor(free / 2 ** 20),
    };
    return makeError('disk_full', parameters);
  }

  async #moveInto(folder: string, name: string): Promise<void> {
    const target = this.folderOf(name);
    const before = join(this.#root, `.old-${name}-${process.pid}`);
    const isThere = await stat(target).then(
      () => true,
      () => false,
    );
    if (isThere) await rename(target, before);
    await rename(folder, target);
    await syncDirectory(this.#root);
    await rm(before, { recursive: true, force: true });
  }

  #read(name: string): Adapter | undefined {
    try {
      const parsed = manifestSchema.safeParse(JSON.parse(readFileSync(join(this.#root, name, manifestName), 'utf8')));
      if (!parsed.success || parsed.data.name !== name) return undefined;
      const path = join(this.#root, name, adapterFileName);
      if (statSync(path).size !== parsed.data.sizeBytes) return undefined;
      const { version: _, training, ...facts } = parsed.data;
      return { ...facts, path, ...(training === undefined ? {} : { training }) };
    } catch {
      return undefined;
    }
  }

  /** Changes when an adapter comes, goes or is replaced: each of these renames a folder within this one. */
  #stamp(): string {
    try {
      const { mtimeMs, ino } = statSync(this.#root);
      return `${ino}:${mtimeMs}`;
    } catch {
      return 'none';
    }
  }
}

function folderNames(root: string): string[] {
  try {
    return readdirSync(root, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
      .map(({ name }) => name)
      .toSorted();
  } catch {
    return [];
  }
}
