import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import type { ModelEntry } from '../core/catalogue.ts';
import { modelEntrySchema } from './catalogue.ts';

const manifestSchema = z.object({
  entry: modelEntrySchema,
  files: z
    .array(
      z.object({
        role: z.enum(['weights', 'projector', 'configuration', 'tokenizer', 'voice-activity']),
        name: z.string(),
        sha256: z.string().regex(/^[0-9a-f]{64}$/),
        sizeBytes: z.int().positive(),
      }),
    )
    .min(1),
});

/** What is written once all files of a model are here: which blobs they are, and the entry as it was then. */
export type Manifest = z.infer<typeof manifestSchema> & { entry: ModelEntry };

/** One small JSON file for each installed model, under `<root>/models`. */
export class Manifests {
  readonly #directory: string;

  constructor(root: string) {
    this.#directory = join(root, 'models');
  }

  /** Unreadable manifests are left out: the files they meant are fetched again on the next pull. */
  async list(): Promise<Manifest[]> {
    const names = await readdir(this.#directory).catch(() => [] as string[]);
    const manifests = await Promise.all(names.filter((name) => name.endsWith('.json')).map((name) => this.#read(name)));
    return manifests.filter((manifest) => manifest !== undefined);
  }

  async save(manifest: Manifest): Promise<void> {
    await writeFileAtomically(join(this.#directory, `${manifest.entry.id}.json`), JSON.stringify(manifest, null, 2));
  }

  async remove(id: string): Promise<void> {
    await rm(join(this.#directory, `${id}.json`), { force: true });
  }

  async #read(name: string): Promise<Manifest | undefined> {
    try {
      const parsed = manifestSchema.safeParse(JSON.parse(await readFile(join(this.#directory, name), 'utf8')));
      return parsed.success && `${parsed.data.entry.id}.json` === name ? parsed.data : undefined;
    } catch {
      return undefined;
    }
  }
}

/** Readers see the old text or the new one, even after a power cut. */
export async function writeFileAtomically(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${randomUUID()}.tmp`;
  const file = await open(temporary, 'wx');
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
  await syncDirectory(dirname(path));
}

/** Makes a rename durable. A no-op where directories cannot be opened (Windows). */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r').catch(() => undefined);
  if (directory === undefined) return;
  await directory.sync().catch(() => {});
  await directory.close();
}
