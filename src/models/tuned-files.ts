/** Files that were written anew for this device: `<root>/tuned/<model>/` holds the file, its recipe and what it costs. */
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import type { Clock } from '../core/clock.ts';
import { makeError } from '../core/errors.ts';
import type { InstalledModel } from '../core/model-store.ts';
import { hashFile } from './blob-store.ts';
import { acquireFileLock, type FileLock } from './file-lock.ts';
import { syncDirectory, writeFileAtomically } from './manifests.ts';
import { MeasuredFormats, spreadSchema } from './measured-formats.ts';

const tunedSchema = z.object({
  version: z.literal(1),
  model: z.string(),
  goal: z.string(),
  /** As in `src/engine/optimize/recipe.ts`. */
  recipe: z.looseObject({ id: z.string() }),
  /** The file it was made from: `sha256:…` for one of the store, `file:size:mtime` for one of the user's own. */
  source: z.string(),
  /** The better file that its matrices were rounded from, and that it was measured against, in the same form. */
  roundedFrom: z.string().exactOptional(),
  device: z.string(),
  file: z.object({ name: z.string().regex(/^[\w.-]+\.gguf$/), sha256: z.string(), sizeBytes: z.int().positive() }),
  /** Speed against the source file; the rest against it too, or against `roundedFrom`. */
  measured: z.object({
    kl: z.number(),
    klError: z.number(),
    sameTop: z.number(),
    perplexity: z.number(),
    sourcePerplexity: z.number(),
    prefill: spreadSchema,
    decode: spreadSchema,
    eightStreams: spreadSchema,
  }),
  createdAt: z.string(),
});
export type TunedModel = z.infer<typeof tunedSchema>;
export type TunedFacts = Omit<TunedModel, 'version' | 'device' | 'file' | 'createdAt'>;

const manifestName = 'tuned.json';
/** There when a search found nothing better. */
const triedName = 'tried.json';

/** What a figure of speed holds for: another processor wants to be measured anew. */
export function thisDevice(): string {
  const processors = cpus();
  return `${process.platform} ${process.arch} ${processors[0]?.model.trim() ?? 'unknown'} × ${processors.length}`;
}

/** Name of a model's folder. A user's own file may be called like a model of the catalogue. */
export function tunedName({ entry, source }: Pick<InstalledModel, 'entry' | 'source'>): string {
  return source.startsWith('file:') ? `own-${entry.id}` : entry.id;
}

export class TunedFiles {
  readonly #root: string;
  readonly #locks: string;
  readonly #device: string;

  constructor(root: string, device: string = thisDevice()) {
    this.#root = join(root, 'tuned');
    this.#locks = join(root, 'locks');
    this.#device = device;
  }

  /** The right to change a model's file. Throws `optimize_failed` while another process has it. */
  claim(model: string, options: { signal: AbortSignal; clock: Clock }): Promise<FileLock> {
    return acquireFileLock(join(this.#locks, `tuned-${model}.lock`), {
      ...options,
      onWait(pid) {
        throw makeError('optimize_failed', { reason: `process ${pid} is optimising it at this moment` });
      },
    });
  }

  /** Where candidates are written and thrown away; emptied first, so that what a killed run left does not stay. */
  async newWorkFolder(model: string): Promise<string> {
    const folder = join(this.#root, model, 'work');
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true });
    return folder;
  }

  /** What was measured of a model's formats on this device. `conditions`: whatever else the figures hold for. */
  measured(model: string, conditions: string): Promise<MeasuredFormats> {
    return MeasuredFormats.open(join(this.#root, model, 'measured.json'), `${this.#device}, ${conditions}`);
  }

  async removeWorkFolder(model: string): Promise<void> {
    await rm(join(this.#root, model, 'work'), { recursive: true, force: true });
  }

  /** The file to use instead of `source` on this device, if there is one and it is whole. */
  async find(model: string, source: string): Promise<{ path: string; tuned: TunedModel } | undefined> {
    const tuned = await this.#read(model);
    if (tuned === undefined || tuned.source !== source || tuned.device !== this.#device) return undefined;
    const path = join(this.#root, model, tuned.file.name);
    const status = await stat(path).catch(() => undefined);
    return status?.size === tuned.file.sizeBytes ? { path, tuned } : undefined;
  }

  /** Takes a finished candidate over. Until the last step readers see the file that was there before, or none. */
  async adopt(candidate: string, facts: TunedFacts, createdAt: Date, signal: AbortSignal): Promise<TunedModel> {
    const folder = join(this.#root, facts.model);
    const before = await this.#read(facts.model);
    const file = await open(candidate, 'r+');
    try {
      await file.sync();
    } finally {
      await file.close();
    }
    const sha256 = await hashFile(candidate, signal);
    const { size } = await stat(candidate);
    // Another name for another content: a server that reads the old file goes on reading it.
    const name = `${facts.recipe.id}-${sha256.slice(0, 12)}.gguf`;
    await rename(candidate, join(folder, name));
    await syncDirectory(folder);
    const tuned: TunedModel = {
      version: 1,
      ...facts,
      device: this.#device,
      file: { name, sha256, sizeBytes: size },
      createdAt: createdAt.toISOString(),
    };
    await writeFileAtomically(join(folder, manifestName), `${JSON.stringify(tuned, null, 2)}\n`);
    if (before !== undefined && before.file.name !== name) await rm(join(folder, before.file.name), { force: true });
    return tuned;
  }

  /** Nothing was better than this file on this device. */
  async noteTried(model: string, source: string): Promise<void> {
    const tried = { source, device: this.#device };
    await writeFileAtomically(join(this.#root, model, triedName), `${JSON.stringify(tried)}\n`);
  }

  async wasTried(model: string, source: string): Promise<boolean> {
    const tried = await readFile(join(this.#root, model, triedName), 'utf8').catch(() => '');
    return tried.trim() === JSON.stringify({ source, device: this.#device });
  }

  /** True where the file still has the hash it was written with. */
  async verify(model: string, signal: AbortSignal): Promise<boolean> {
    const tuned = await this.#read(model);
    return (
      tuned === undefined || (await hashFile(join(this.#root, model, tuned.file.name), signal)) === tuned.file.sha256
    );
  }

  /** Back to the file as it was published. Returns the bytes freed. */
  async remove(model: string): Promise<number> {
    const tuned = await this.#read(model);
    const folder = join(this.#root, model);
    await rm(join(folder, manifestName), { force: true });
    await rm(folder, { recursive: true, force: true });
    return tuned?.file.sizeBytes ?? 0;
  }

  /** Damaged or of a later version: as if there were none. */
  async #read(model: string): Promise<TunedModel | undefined> {
    try {
      const text = await readFile(join(this.#root, model, manifestName), 'utf8');
      const parsed = tunedSchema.safeParse(JSON.parse(text));
      return parsed.success ? parsed.data : undefined;
    } catch {
      return undefined;
    }
  }
}
