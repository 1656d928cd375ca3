import * as z from 'zod';

/** Body of `POST /v1/gateway/keys`; what is absent is not limited. */
export const newKeySchema = z.object({
  name: z.string().trim().min(1).max(200),
  expires_in_days: z.number().int().min(1).max(3650).optional(),
  requests_per_minute: z.number().int().min(1).max(1e9).optional(),
  tokens_per_minute: z.number().int().min(1).max(1e12).optional(),
  monthly_budget: z.number().min(0).max(1e12).optional(),
});
