/** What was measured of number formats on this device, kept in a file, so that another goal does not measure it again. */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { writeFileAtomically } from './manifests.ts';

export const spreadSchema = z.object({ median: z.number(), least: z.number(), most: z.number() });

const measuredSchema = z.object({
  version: z.literal(1),
  /** Everything that the figures hold for: source file, processor, threads, text, way of measuring. Others do not count. */
  basis: z.string(),
  sourcePerplexity: z.number(),
  candidates: z.array(
    z.object({
      /** What the file consists of, whatever the candidate is called. */
      content: z.string(),
      sizeBytes: z.int().positive(),
      quality: z.object({ kl: z.number(), klError: z.number(), sameTop: z.number(), perplexity: z.number() }),
      /** Missing where it was too far from the source for the goal of that time. */
      speed: z.object({ prefill: spreadSchema, decode: spreadSchema, eightStreams: spreadSchema }).optional(),
    }),
  ),
});
type Measured = z.infer<typeof measuredSchema>;
export type KnownFormat = Measured['candidates'][number];

export class MeasuredFormats {
  readonly #path: string;
  readonly #basis: string;
  #measured: Measured | undefined;

  private constructor(path: string, basis: string, measured: Measured | undefined) {
    this.#path = path;
    this.#basis = basis;
    this.#measured = measured;
  }

  /** Damaged, of another version or measured under other conditions: as if nothing were known. */
  static async open(path: string, basis: string): Promise<MeasuredFormats> {
    try {
      const parsed = measuredSchema.safeParse(JSON.parse(await readFile(path, 'utf8')));
      return new MeasuredFormats(path, basis, parsed.data?.basis === basis ? parsed.data : undefined);
    } catch {
      return new MeasuredFormats(path, basis, undefined);
    }
  }

  get sourcePerplexity(): number | undefined {
    return this.#measured?.sourcePerplexity;
  }

  find(content: string): KnownFormat | undefined {
    return this.#measured?.candidates.find((each) => each.content === content);
  }

  /** Written at once: a search that is interrupted goes on from there. */
  async add(format: KnownFormat, sourcePerplexity: number): Promise<void> {
    const others = (this.#measured?.candidates ?? []).filter(({ content }) => content !== format.content);
    this.#measured = { version: 1, basis: this.#basis, sourcePerplexity, candidates: [...others, format] };
    await writeFileAtomically(this.#path, `${JSON.stringify(this.#measured, null, 2)}\n`);
  }
}
