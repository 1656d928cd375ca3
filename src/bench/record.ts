/** The lines of `requests.jsonl`. The types follow from the schemas; `bench.schema.json` is made from them. */
import { z } from 'zod';

export const schemaVersion = 'duanyun-bench/1';

/**
 * `ok` answered in full · `empty` ended well and said nothing · `not-streamed` one body where a stream was asked for ·
 * `rate-limited` 429 · `refused` another 4xx · `server-error` 5xx · `broken` the connection or the stream ended early, or with an error ·
 * `never-ending` still talking at the limit of time or tokens · `timeout` silent until the limit · `unreachable` no
 * connection · `malformed` an answer that is none · `interrupted` stopped by the user or the time budget.
 */
export const outcomes = [
  'ok',
  'empty',
  'not-streamed',
  'rate-limited',
  'refused',
  'server-error',
  'broken',
  'never-ending',
  'timeout',
  'unreachable',
  'malformed',
  'interrupted',
] as const;
export type Outcome = (typeof outcomes)[number];

const ms = z.number();
export const requestSchema = z.object({
  type: z.literal('request'),
  target: z.string(),
  suite: z.string(),
  /** The scenario, the level of load, or the item of the quality set. */
  case: z.string(),
  /** Warm-ups are kept and never counted. */
  warmup: z.boolean(),
  /** First try 1; a retry is a line of its own. */
  attempt: z.int(),
  cold: z.boolean().optional(),
  outcome: z.enum(outcomes),
  detail: z.string().optional(),
  status: z.int().optional(),
  retryAfterSeconds: z.number().optional(),
  /** Milliseconds since the run began. */
  startedMs: ms,
  /** All times below: milliseconds since `startedMs`. */
  headersMs: ms.optional(),
  /** Arrival of each chunk that held text, and which text it was. */
  chunks: z.array(z.object({ atMs: ms, kind: z.enum(['text', 'reasoning', 'tool-call']) })),
  /** Last event of the answer other than `[DONE]`; of a body that was not streamed, its last byte. */
  endMs: ms,
  usage: z
    .object({
      promptTokens: z.int(),
      cachedTokens: z.int().optional(),
      completionTokens: z.int(),
      reasoningTokens: z.int().optional(),
    })
    .optional(),
  /** What the server itself says: our `timings` extension. */
  serverTimings: z.object({ queuedMs: ms.optional(), prefillMs: ms.optional(), decodeMs: ms.optional() }).optional(),
  model: z.string().optional(),
  finishReason: z.string().optional(),
  /** Quality items only. */
  correct: z.boolean().optional(),
  text: z.string().optional(),
  /** Which side of a hybrid entry answered: its `x-duanyun-target`. */
  servedBy: z.string().optional(),
});
export type RequestRecord = z.output<typeof requestSchema>;

const factSchema = z.object({ value: z.string(), reason: z.string().optional() });
export const targetSchema = z.object({
  name: z.string(),
  url: z.string(),
  model: z.string(),
  answeredBy: z.string().optional(),
  kind: z.string(),
  local: z.boolean(),
  /** Where answers are computed; absent in older files. */
  place: z.enum(['here', 'elsewhere', 'behind-entry', 'decided']).optional(),
  roundTripMs: z.number().optional(),
  environment: z.record(z.string(), factSchema),
});
export type TargetDescription = z.output<typeof targetSchema>;

export const runSchema = z.object({
  type: z.literal('run'),
  schema: z.literal(schemaVersion),
  startedAt: z.string(),
  version: z.string(),
  revision: z.string().optional(),
  options: z.record(z.string(), z.unknown()),
  targets: z.array(targetSchema),
});
export type RunRecord = z.output<typeof runSchema>;

/** What a watcher saw of a target's processes and power. */
export const sampleSchema = z.object({
  type: z.literal('sample'),
  target: z.string(),
  atMs: ms,
  memoryBytes: z.number().optional(),
  watts: z.number().optional(),
  celsius: z.number().optional(),
});
export type SampleRecord = z.output<typeof sampleSchema>;

/** Something a reader must know: a scenario that was not measured, a watch that could not be kept. */
export const noteSchema = z.object({
  type: z.literal('note'),
  target: z.string().optional(),
  suite: z.string(),
  case: z.string().optional(),
  kind: z.enum(['unsupported', 'not-measured', 'cut', 'warning', 'figure']),
  text: z.string(),
  value: z.number().optional(),
});
export type NoteRecord = z.output<typeof noteSchema>;

export const endSchema = z.object({
  type: z.literal('end'),
  complete: z.boolean(),
  reason: z.string().optional(),
  elapsedMs: ms,
});
export type EndRecord = z.output<typeof endSchema>;

export const lineSchema = z.discriminatedUnion('type', [runSchema, requestSchema, sampleSchema, noteSchema, endSchema]);
export type ResultLine = z.output<typeof lineSchema>;
