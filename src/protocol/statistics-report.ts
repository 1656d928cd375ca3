/**
 * The closed form of an anonymous report: words from fixed lists, and counts. There is no field that could hold a text, a
 * name, an address or an id, so a report can be checked for that by its schema alone.
 */
import * as z from 'zod';

export const statisticsTasks = [
  'chat',
  'question',
  'summary',
  'translation',
  'code',
  'mathematics',
  'reasoning',
  'extraction',
  'image-question',
  'speech',
  'minutes',
] as const;
export const statisticsTargets = ['device', 'cloud', 'none'] as const;
export const statisticsReasons = [
  'private',
  'offline',
  'capability',
  'budget',
  'deadline',
  'ordered',
  'preferred',
  'scored',
  'fallback',
] as const;
/** Time of the whole answer in seconds: below 0.5, 1, 2, 5, 10, above, unknown. */
export const statisticsLatencies = ['0.5', '1', '2', '5', '10', 'more', 'unknown'] as const;

export const statisticsReportSchema = z.strictObject({
  schema: z.literal(1),
  /** The day that it counts, UTC. */
  day: z.string().regex(/^20\d\d-[01]\d-[0-3]\d$/),
  counts: z
    .array(
      z.strictObject({
        task: z.enum(statisticsTasks),
        target: z.enum(statisticsTargets),
        reason: z.enum(statisticsReasons),
        latency: z.enum(statisticsLatencies),
        count: z.int().min(1).max(1_000_000_000),
      }),
    )
    .max(statisticsTasks.length * statisticsTargets.length * statisticsReasons.length * statisticsLatencies.length),
});

export type StatisticsReport = z.output<typeof statisticsReportSchema>;
