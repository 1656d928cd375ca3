/** What a decision is made from and what it says. Plain data: it can be logged, shown and replayed; no content in it. */
import type { Modality } from '../core/backend.ts';
import type { RoutePreference, RouteWishes } from '../core/chat.ts';
import type { IdentifierType, SensitiveTopic } from '../signals/privacy/types.ts';

export type RouteTarget = 'device' | 'cloud';

export const taskKinds = [
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
export type TaskKind = (typeof taskKinds)[number];

export type PrivacySignal = {
  /** The detectors ran to their end over everything that would be sent. Anything but `true` means private. */
  complete: boolean;
  /** Why not: `detector-failed`, `detector-timeout`, `detector-missing`, `unreadable-content` … */
  incompleteReason?: string;
  identifiers: readonly { type: IdentifierType; confidence: number }[];
  topics: readonly { topic: SensitiveTopic; confidence: number }[];
  /** The client said `privacy: "private"`. */
  declared: boolean;
  /** The conversation was private before. */
  tainted: boolean;
  /** The same request with its identifiers replaced was checked again and holds none. Default false. */
  redactedClean?: boolean;
};

export type RouteSignals = {
  privacy: PrivacySignal;
  task: TaskKind;
  /** Probability that a small model fails at this, 0–1. */
  complexity: number;
  modalities: readonly Modality[];
  /** Those of them that a model can also be given as text: all pictures were read, all speech was heard. */
  readable?: readonly Modality[];
  /** Estimated. */
  promptTokens: number;
  /** Expected; at most what the request allows. */
  answerTokens: number;
  needs: { tools: boolean; embeddings: boolean };
  wishes: RouteWishes;
  /** The client named a side (`edge`, `cloud`) or a model that only one side has. */
  forced?: RouteTarget;
};

export type TargetModel = {
  id: string;
  /** Prompt and answer together. */
  contextTokens: number;
  modalities: readonly Modality[];
  tools: boolean;
  embeddings: boolean;
};

export type DeviceState = {
  status: 'ready' | 'loading' | 'unavailable';
  /** Estimated milliseconds until it is ready; only while it loads. Default 30 s. */
  loadingMs?: number;
  /** The model that would answer. Unknown while it is still being chosen. */
  model?: TargetModel;
  running: number;
  queued: number;
  /** Requests that may wait; above it the device is full. */
  queueCapacity: number;
  /** Share of the processor that others take, 0–1. */
  load: number;
  /** 0–1; absent on mains power. */
  battery?: number;
  thermal: 'nominal' | 'fair' | 'serious' | 'critical';
  /** Observed, tokens a second. */
  prefillTokensPerSecond: number;
  decodeTokensPerSecond: number;
};

export type CloudModelState = TargetModel & {
  /** State of the best upstream that serves this model. */
  breaker: 'closed' | 'half-open' | 'open';
  /** Observed time to the first token, milliseconds. */
  firstTokenMs: number;
  /** Observed, one stream. */
  tokensPerSecond: number;
};

export type CloudState = {
  configured: boolean;
  /** False: known to be offline, or no upstream answers. */
  reachable: boolean;
  models: readonly CloudModelState[];
};

export type RouteState = {
  device: DeviceState;
  cloud: CloudState;
  /** Spent in the cloud since midnight, in the policy's currency. */
  spentToday: number;
};

export type Violation =
  | 'private'
  | 'only-on-device'
  | 'only-in-cloud'
  | 'not-configured'
  | 'unavailable'
  | 'offline'
  | 'breaker-open'
  | 'queue-full'
  | 'modality'
  | 'tools'
  | 'embeddings'
  | 'context-length'
  | 'budget'
  | 'daily-budget'
  | 'deadline';

/** What may be over in a minute; the others stay until somebody changes the request or the policy. */
export const transientViolations: ReadonlySet<Violation> = new Set([
  'unavailable',
  'offline',
  'breaker-open',
  'queue-full',
  'daily-budget',
  'deadline',
]);

export type Prediction = { latencyMs: number; quality: number; cost: number };

export type RouteCandidate = {
  target: RouteTarget;
  model?: string;
  feasible: boolean;
  violated: Violation[];
  predicted: Prediction;
  /** The objective; comparable between candidates of one decision only. */
  score: number;
};

export type RouteChoice = { target: RouteTarget; model?: string };

type DecisionParts = {
  reasons: string[];
  candidates: RouteCandidate[];
  policyVersion: string;
  /** What applied in the end, after policy, task and request. */
  preference: RoutePreference;
  privacy: PrivacyHandling;
};

/** `open`: may go anywhere. `redact`: may leave with its identifiers replaced. `device`: never leaves. */
export type PrivacyHandling = 'open' | 'redact' | 'device';

export type RouteDecision = DecisionParts & {
  kind: 'route';
  target: RouteTarget;
  model?: string;
  /** Best first, without the target itself. */
  fallbacks: RouteChoice[];
};

export type RouteRefusal = DecisionParts & {
  kind: 'refusal';
  code: 'no_route' | 'route_refused';
  message: string;
};
