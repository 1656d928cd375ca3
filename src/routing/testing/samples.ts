/** Signals and states for tests, and a seeded source of odd ones. */
import type { CloudModelState, DeviceState, PrivacySignal, RouteSignals, RouteState } from '../types.ts';

export const publicSignal: PrivacySignal = {
  complete: true,
  identifiers: [],
  topics: [],
  declared: false,
  tainted: false,
};

export const privateSignal: PrivacySignal = {
  ...publicSignal,
  identifiers: [{ type: 'resident-id', confidence: 0.99 }],
};

export function newSignals(fields: Partial<RouteSignals> = {}): RouteSignals {
  return {
    privacy: publicSignal,
    task: 'question',
    complexity: 0.1,
    modalities: ['text'],
    promptTokens: 40,
    answerTokens: 60,
    needs: { tools: false, embeddings: false },
    wishes: {},
    ...fields,
  };
}

export const bigModel: CloudModelState = {
  id: 'big',
  contextTokens: 8192,
  modalities: ['text', 'image', 'audio'],
  tools: true,
  embeddings: false,
  breaker: 'closed',
  firstTokenMs: 300,
  tokensPerSecond: 40,
};

export type StateFields = {
  device?: Partial<DeviceState>;
  cloud?: { configured?: boolean; reachable?: boolean; models?: CloudModelState[] };
};

export function newState(fields: StateFields = {}): RouteState {
  return {
    device: {
      status: 'ready',
      model: { id: 'small', contextTokens: 4096, modalities: ['text'], tools: false, embeddings: true },
      running: 0,
      queued: 0,
      queueCapacity: 64,
      load: 0,
      thermal: 'nominal',
      prefillTokensPerSecond: 150,
      decodeTokensPerSecond: 40,
      ...fields.device,
    },
    cloud: { configured: true, reachable: true, models: [bigModel], ...fields.cloud },
    spentToday: 0,
  };
}

/** Mulberry32: the same seed gives the same numbers, 0–1. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
