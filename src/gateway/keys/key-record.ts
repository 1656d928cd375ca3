/** What is kept of a key. Never its secret. */
import * as z from 'zod';

/** Absent: no limit of its own, only the gateway's. */
export const keyLimitsSchema = z.object({
  requestsPerMinute: z.number().int().min(1).optional(),
  /** Prompt and answer together. */
  tokensPerMinute: z.number().int().min(1).optional(),
  /** Requests that run at once; further ones wait. */
  concurrency: z.number().int().min(1).optional(),
  /** In the currency of the prices, from the first to the last of a month in UTC. */
  monthlyBudget: z.number().min(0).optional(),
  /** The only models it may use. */
  models: z.array(z.string().min(1)).optional(),
  /** Share beside other keys while the gateway is full. Default 1. */
  weight: z.number().min(0.1).max(100).optional(),
  maxBodyMib: z.number().min(0.001).optional(),
});
export type KeyLimits = z.output<typeof keyLimitsSchema>;

export type KeyRecord = {
  id: string;
  name: string;
  /** sha256 of the secret. */
  hash: Buffer;
  /** Milliseconds since the Unix epoch, as all times here. */
  createdAt: number;
  expiresAt: number | undefined;
  revokedAt: number | undefined;
  limits: KeyLimits;
};

/** Who calls. */
export type Caller = {
  /** `configured-…` for the keys of the settings, `anonymous` where none is asked for. */
  id: string;
  kind: 'key' | 'configured' | 'anonymous';
  limits: KeyLimits;
};

/** `undefined` while it is good. */
export function whyNotValid(record: KeyRecord, wallTimeMs: number): string | undefined {
  if (record.revokedAt !== undefined) return 'was revoked';
  if (record.expiresAt !== undefined && wallTimeMs >= record.expiresAt) return 'has expired';
  return undefined;
}
