import * as z from 'zod';

/** Body of `POST /v1/benchmarks`. */
export const benchmarkSchema = z.object({
  quick: z.boolean().default(true),
  suites: z
    .array(z.enum(['scenarios', 'load', 'sustained', 'quality']))
    .min(1)
    .default(['scenarios']),
  targets: z
    .array(z.enum(['edge', 'cloud']))
    .min(1)
    .default(['edge']),
});

/** Body of `POST /v1/benchmarks/compare`. */
export const compareSchema = z.object({ first: z.string().max(64), second: z.string().max(64) });
