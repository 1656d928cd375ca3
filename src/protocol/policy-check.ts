import * as z from 'zod';

/** Body of `POST /v1/policy/check`: YAML. */
export const policyCheckSchema = z.object({ text: z.string().max(200_000) });
