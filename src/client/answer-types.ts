/** What the other routes answer, in the wire's own names. A newer server may add fields. */
import type { ModuleName, ModuleState } from '../core/modules.ts';
import type { ErrorCode, Route } from './errors.ts';
import type { RoutePreference } from '../core/chat.ts';
import type { TokenUsage } from '../core/events.ts';

export type { ModuleName, ModuleState } from '../core/modules.ts';

export type Model = {
  id: string;
  object: 'model';
  /** Unix seconds. */
  created: number;
  owned_by: string;
  aliases: string[];
  context_tokens: number;
  modalities: ('text' | 'image' | 'audio')[];
  capabilities: { tools: boolean; reasoning: boolean; embeddings: boolean };
  weights?: { files: { name: string; size_bytes: number }[]; load_ms?: number };
};

/** A part of the device engine. */
export type Module = {
  object: 'module';
  name: ModuleName | (string & {});
  state: ModuleState;
  model?: string;
  required_bytes?: number;
  resident_bytes: number;
  active_uses: number;
  loads: number;
  load_ms?: number;
  /** Unix seconds. */
  last_used_at?: number;
  /** 0–1 while it loads. */
  progress?: number;
  /** Why it failed or cannot be loaded, and what would mend it. */
  reason?: string;
};

export type Health = {
  /** `ok` exactly when requests can be answered. */
  status: 'ok' | 'loading' | 'unavailable' | 'shutting_down' | (string & {});
  reason?: string;
  /** 0–1 while the model loads. */
  progress?: number;
};

export type Embeddings = {
  model: string;
  /** One for each input, in their order. */
  vectors: number[][];
  promptTokens: number;
  route?: Route;
};

type Target = 'device' | 'cloud';

/** Where a request would run, and why. Nothing of what it says is in here. */
export type RouteExplanation = {
  signals: {
    privacy: {
      complete: boolean;
      incompleteReason?: string;
      identifiers: readonly { type: string; confidence: number }[];
      topics: readonly { topic: string; confidence: number }[];
      declared: boolean;
      tainted: boolean;
    };
    task: string;
    /** Probability that a small model fails at this, 0–1. */
    complexity: number;
    modalities: readonly string[];
    promptTokens: number;
    answerTokens: number;
  };
  decision: {
    reasons: string[];
    candidates: {
      target: Target;
      model?: string;
      feasible: boolean;
      violated: string[];
      predicted: { latencyMs: number; quality: number; cost: number };
      score: number;
    }[];
    policyVersion: string;
    preference: RoutePreference;
    privacy: 'open' | 'redact' | 'device';
  } & (
    | { kind: 'route'; target: Target; model?: string; fallbacks: { target: Target; model?: string }[] }
    | { kind: 'refusal'; code: 'no_route' | 'route_refused'; message: string }
  );
  detectors: Record<string, string>;
  decisionMs: number;
};

/** Where a request ran, why, and what left. Never content. */
export type Receipt = {
  id: string;
  requestId: string;
  /** ISO 8601, UTC. */
  createdAt: string;
  kind: 'chat' | 'completion' | 'embedding';
  state: 'running' | 'answered' | 'failed' | 'cancelled' | 'refused';
  requestedModel: string;
  /** Absent when it was refused. */
  target?: Target;
  model?: string;
  reasons: string[];
  preference: RoutePreference;
  privacy: 'open' | 'redact' | 'device';
  task: string;
  complexity: number;
  policyVersion: string;
  detectors: Record<string, string>;
  read?: { pictures: number; picturesRead: number; recordings: number; recordingsHeard: number };
  redactedValues: number;
  attempts: { target: Target; model?: string; outcome: 'running' | 'answered' | 'cancelled' | ErrorCode }[];
  /** Bytes of request bodies that were handed to a connection to the cloud. */
  bytesLeft: number;
  timings: { decisionMs: number; firstTokenMs?: number; totalMs?: number };
  usage?: TokenUsage;
  cost: number;
  currency: string;
  errorCode?: ErrorCode;
};
