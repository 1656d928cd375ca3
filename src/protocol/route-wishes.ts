import * as z from 'zod';
import type { CacheWishes, RouteWishes } from '../core/chat.ts';
import { present } from './present.ts';

/**
 * The `duanyun` field of a request. Strict, unlike all else on this wire: a mistyped `privacy` must not pass unnoticed.
 * `null` means "not set" here too.
 */
const routeFields = {
  preference: z
    .enum(['prefer_on_device', 'only_on_device', 'prefer_in_cloud', 'only_in_cloud'])
    .nullish()
    .describe('Where to run. It can tighten the policy and never loosen it.'),
  privacy: z
    .literal('private', { error: 'must be "private"; a request cannot declare itself public' })
    .nullish()
    .describe('Keeps the request and the rest of its conversation on the device.'),
  max_cost: z.number().min(0).nullish().describe("Most that it may cost, in the policy's currency."),
  deadline_ms: z.number().min(1).max(86_400_000).nullish().describe('For the whole answer.'),
};

export const routeWishes = z.strictObject(routeFields).nullish();

/** Of requests that generate. */
export const generationWishes = z
  .strictObject({
    ...routeFields,
    kv_budget: z
      .int()
      .min(64)
      .max(1_048_576)
      .nullish()
      .describe(
        "Tokens of prompt and answer that the device's cache keeps at most; what is needed least is forgotten.",
      ),
    kv_policy: z
      .enum(['window', 'key-norm', 'key-diff', 'attention'])
      .nullish()
      .describe('How to choose what is forgotten. Default: as the server is set.'),
    session: z
      .string()
      .regex(/^[A-Za-z0-9._-]{1,64}$/, { error: 'must have 1 to 64 letters, digits, dots, dashes or underscores' })
      .nullish()
      .describe('Keeps the state of the conversation on the device, encrypted, under this name.'),
  })
  .nullish();

export function toCacheWishes(wire: z.output<typeof generationWishes>): CacheWishes | undefined {
  if (wire === null || wire === undefined) return undefined;
  const wishes = present<CacheWishes>({
    budgetTokens: wire.kv_budget,
    policy: wire.kv_policy,
    session: wire.session,
  });
  return Object.keys(wishes).length === 0 ? undefined : wishes;
}

export function toRouteWishes(wire: z.output<typeof routeWishes>): RouteWishes | undefined {
  if (wire === null || wire === undefined) return undefined;
  return present<RouteWishes>({
    preference: wire.preference,
    privacy: wire.privacy,
    maxCost: wire.max_cost,
    deadlineMs: wire.deadline_ms,
  });
}
