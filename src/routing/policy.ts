/** The routing policy: its schema, its defaults, its version. `docs/routing.md` describes each key for people. */
import * as z from 'zod';
import { makeError } from '../core/errors.ts';
import { sensitiveTopics, type IdentifierType } from '../signals/privacy/types.ts';
import { nearestKey } from './nearest-key.ts';
import { taskKinds } from './types.ts';

export const preferences = ['prefer_on_device', 'only_on_device', 'prefer_in_cloud', 'only_in_cloud'] as const;

/** Held against `IdentifierType` by the compiler: a new type there must be named here. */
const identifierTypes = Object.keys({
  'resident-id': 0,
  phone: 0,
  'bank-card': 0,
  'bank-account': 0,
  iban: 0,
  passport: 0,
  'travel-permit': 0,
  hkid: 0,
  'taiwan-id': 0,
  'social-credit-code': 0,
  'licence-plate': 0,
  vin: 0,
  email: 0,
  'ip-address': 0,
  'us-ssn': 0,
  'messenger-id': 0,
  secret: 0,
  password: 0,
  'verification-code': 0,
  coordinates: 0,
  'person-name': 0,
  address: 0,
  'birth-date': 0,
  'medical-record': 0,
  'social-insurance': 0,
  'device-id': 0,
  'word-list': 0,
} satisfies Record<IdentifierType, 0>) as [IdentifierType, ...IdentifierType[]];

const share = z.number().min(0).max(1);
const weight = z.number().min(0).max(100);
const amount = z.number().min(0);
const milliseconds = z.number().min(1).max(86_400_000);
/** There is no third word: what is found either stays here or leaves without its identifiers. */
const handling = z.enum(['device', 'redact']);

const prices = z.strictObject({
  input_per_million: amount.default(0),
  output_per_million: amount.default(0),
});

const taskRule = z.strictObject({
  preference: z.enum(preferences).optional(),
  /** Replaces the prediction from complexity. */
  quality: z.strictObject({ device: share.optional(), cloud: share.optional() }).optional(),
  max_cost: amount.optional(),
  deadline_ms: milliseconds.optional(),
});

export const policySchema = z.strictObject({
  version: z.literal(1).default(1),
  name: z.string().max(80).default('default'),
  preference: z.enum(preferences).default('prefer_on_device'),
  privacy: z
    .strictObject({
      /** For everything found that is not named below. */
      default: handling.default('device'),
      identifiers: z.partialRecord(z.enum(identifierTypes), handling).default({}),
      topics: z.partialRecord(z.enum(sensitiveTopics as [string, ...string[]]), handling).default({}),
      /** Pictures, sound and token lists that no detector could read. */
      unchecked: z.enum(['device', 'open']).default('device'),
      /**
       * Pictures in which hardly anything could be read: a face, a body, a room. What they show cannot be judged. Only
       * asked where `unchecked` is `device`.
       */
      pictures_without_text: z.enum(['device', 'open']).default('device'),
      /** The user's own words (projects, customers); found in any writing, they count as `word-list`. */
      words: z.array(z.string().min(1).max(200)).max(10_000).default([]),
    })
    .prefault({}),
  thresholds: z
    .strictObject({
      identifier_confidence: share.default(0.5),
      /** Default: each topic's own, from its training. */
      topic_confidence: share.optional(),
      /** How much better the other side must score before a `prefer_…` gives way. 10: only where the preferred side cannot. */
      preference_margin: z.number().min(0).max(10).default(0.15),
      /** Below this battery level a request that may leave counts the device as strained. */
      battery_low: share.default(0.15),
      /** Requests that may wait on the device before one that may leave goes to the cloud. */
      device_queue: z.int().min(0).max(10_000).optional(),
    })
    .prefault({}),
  objective: z
    .strictObject({
      quality: weight.default(1),
      latency: weight.default(0.3),
      cost: weight.default(0.2),
      strain: weight.default(0.3),
      /** The latency and the cost that count as half bad. */
      latency_reference_ms: milliseconds.default(4000),
      cost_reference: z.number().gt(0).default(0.01),
      /** Share of the small model's failures that the cloud's model gets right. */
      cloud_gain: share.default(0.5),
    })
    .prefault({}),
  budgets: z
    .strictObject({
      max_cost_per_request: amount.optional(),
      max_cost_per_day: amount.optional(),
      deadline_ms: milliseconds.optional(),
    })
    .prefault({}),
  prices: z
    .strictObject({
      currency: z.string().min(1).max(8).default('CNY'),
      cloud: prices.prefault({}),
      models: z.record(z.string(), prices).default({}),
    })
    .prefault({}),
  tasks: z.partialRecord(z.enum(taskKinds), taskRule).default({}),
});

/** The file's data, complete, with the version that receipts show. */
export type Policy = Readonly<z.output<typeof policySchema>> & { readonly id: string };

/** A fault in a policy; `path` leads to it, so that whoever read the file can name the line. */
export type PolicyFault = { path: readonly (string | number)[]; message: string };

/** The policy, or the first fault in it. `data` is what a YAML or JSON parser gave; `null` and `undefined` are an empty file. */
export function checkPolicy(data: unknown): { policy: Policy } | { fault: PolicyFault } {
  const result = policySchema.safeParse(data ?? {});
  if (result.success) return { policy: Object.freeze({ ...result.data, id: policyId(result.data) }) };
  const issue = result.error.issues[0];
  if (issue === undefined) return { fault: { path: [], message: 'is not valid' } };
  const path = issue.path.filter((step): step is string | number => typeof step !== 'symbol');
  if (issue.code === 'unrecognized_keys') {
    const key = issue.keys[0] ?? '';
    return { fault: { path: [...path, key], message: `is no key of the policy${hintFor(key, path)}` } };
  }
  return { fault: { path, message: `is not valid: ${issue.message}` } };
}

/** @throws `policy_invalid` that names the key */
export function parsePolicy(data: unknown): Policy {
  const checked = checkPolicy(data);
  if ('policy' in checked) return checked.policy;
  throw makeError('policy_invalid', { reason: faultText(checked.fault) });
}

export function faultText({ path, message }: PolicyFault): string {
  return `${path.length === 0 ? 'the file' : path.join('.')} ${message}`;
}

export const defaultPolicy: Policy = parsePolicy({});

function hintFor(key: string, path: readonly (string | number)[]): string {
  const near = nearestKey(key, keysAt(path));
  return near === undefined ? '' : ` (did you mean ${near}?)`;
}

/** The keys that the schema knows at a path. */
function keysAt(path: readonly (string | number)[]): string[] {
  let schema: z.core.$ZodType = policySchema;
  for (const step of [...path, undefined]) {
    schema = unwrap(schema);
    if (schema instanceof z.ZodRecord) {
      if (step === undefined) return [...((schema.keyType as unknown as { options?: string[] }).options ?? [])];
      schema = schema.valueType;
    } else if (schema instanceof z.ZodObject) {
      if (step === undefined) return Object.keys(schema.shape);
      const next: z.core.$ZodType | undefined = schema.shape[String(step)];
      if (next === undefined) return [];
      schema = next;
    } else return [];
  }
  return [];
}

function unwrap(schema: z.core.$ZodType): z.core.$ZodType {
  let inner = schema;
  while (inner instanceof z.ZodDefault || inner instanceof z.ZodPrefault || inner instanceof z.ZodOptional) {
    inner = inner.unwrap();
  }
  return inner;
}

/** `name@` and a hash of the whole policy: two receipts with one id were decided by the same rules. */
function policyId(data: z.output<typeof policySchema>): string {
  return `${data.name}@${fnv1a(JSON.stringify(sorted(data)))}`;
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).toSorted(([left], [right]) => (left < right ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
}

/** FNV-1a, 32 bit, as eight hexadecimal digits; it tells versions apart and guards nothing. */
function fnv1a(text: string): string {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return (hash >>> 0).toString(16).padStart(8, '0');
}
