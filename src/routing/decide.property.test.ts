import { describe, expect, it } from 'vitest';
import type { Modality } from '../core/backend.ts';
import type { RoutePreference } from '../core/chat.ts';
import { sensitiveTopics } from '../signals/privacy/types.ts';
import { decide } from './decide.ts';
import { parsePolicy, preferences, type Policy } from './policy.ts';
import { bigModel, newState, seeded } from './testing/samples.ts';
import {
  taskKinds,
  type PrivacySignal,
  type RouteDecision,
  type RouteRefusal,
  type RouteSignals,
  type RouteState,
} from './types.ts';

type Draw = {
  unit(): number;
  pick<Item>(items: readonly Item[]): Item;
  chance(share: number): boolean;
};

function drawFrom(seed: number): Draw {
  const unit = seeded(seed);
  return {
    unit,
    pick: (items) => items[Math.floor(unit() * items.length)]!,
    chance: (share) => unit() < share,
  };
}

const oddNumbers = [0, 1, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1e12];

function drawPolicy(draw: Draw): Policy {
  return parsePolicy({
    preference: draw.pick(preferences),
    privacy: {
      default: draw.pick(['device', 'redact']),
      identifiers: draw.chance(0.5) ? { phone: draw.pick(['device', 'redact']) } : {},
      topics: draw.chance(0.5) ? { health: draw.pick(['device', 'redact']) } : {},
    },
    thresholds: {
      identifier_confidence: draw.unit(),
      topic_confidence: draw.unit(),
      preference_margin: draw.unit() * 10,
    },
    objective: { quality: draw.unit() * 5, latency: draw.unit() * 5, cost: draw.unit() * 5, cloud_gain: draw.unit() },
    budgets: draw.chance(0.3) ? { max_cost_per_day: draw.unit(), deadline_ms: 1 + draw.unit() * 20_000 } : {},
    prices: { cloud: { input_per_million: draw.unit() * 100, output_per_million: draw.unit() * 100 } },
    tasks: draw.chance(0.3) ? { [draw.pick(taskKinds)]: { preference: draw.pick(preferences) } } : {},
  });
}

function drawPrivacy(draw: Draw): PrivacySignal {
  return {
    complete: draw.chance(0.9),
    identifiers: draw.chance(0.4)
      ? [
          {
            type: draw.pick(['phone', 'resident-id', 'email'] as const),
            confidence: draw.chance(0.2) ? draw.pick(oddNumbers) : draw.unit(),
          },
        ]
      : [],
    topics: draw.chance(0.3) ? [{ topic: draw.pick(sensitiveTopics), confidence: draw.unit() }] : [],
    declared: draw.chance(0.1),
    tainted: draw.chance(0.1),
    redactedClean: draw.chance(0.5),
  };
}

function drawSignals(draw: Draw): RouteSignals {
  const wishes: RouteSignals['wishes'] = {};
  if (draw.chance(0.4)) wishes.preference = draw.pick(preferences);
  if (draw.chance(0.2)) wishes.maxCost = draw.unit() * 0.1;
  if (draw.chance(0.2)) wishes.deadlineMs = 1 + draw.unit() * 20_000;
  return {
    privacy: drawPrivacy(draw),
    task: draw.pick(taskKinds),
    complexity: draw.chance(0.1) ? draw.pick(oddNumbers) : draw.unit(),
    modalities: draw.pick<Modality[]>([['text'], ['text', 'image'], ['text', 'audio']]),
    promptTokens: Math.floor(draw.unit() * 9000),
    answerTokens: Math.floor(draw.unit() * 2000),
    needs: { tools: draw.chance(0.2), embeddings: draw.chance(0.1) },
    wishes,
  };
}

function drawState(draw: Draw): RouteState {
  const model = (_: unknown, index: number) => ({
    ...bigModel,
    id: `big-${index}`,
    breaker: draw.pick(['closed', 'half-open', 'open'] as const),
    firstTokenMs: draw.unit() * 3000,
    embeddings: draw.chance(0.5),
  });
  const state = newState({
    device: {
      status: draw.pick(['ready', 'loading', 'unavailable'] as const),
      queued: Math.floor(draw.unit() * 100),
      load: draw.chance(0.1) ? draw.pick(oddNumbers) : draw.unit(),
      thermal: draw.pick(['nominal', 'fair', 'serious', 'critical'] as const),
      battery: draw.unit(),
      decodeTokensPerSecond: draw.chance(0.1) ? draw.pick(oddNumbers) : draw.unit() * 60,
    },
    cloud: {
      configured: draw.chance(0.9),
      reachable: draw.chance(0.8),
      models: Array.from({ length: Math.floor(draw.unit() * 3) }, model),
    },
  });
  return { ...state, spentToday: draw.unit() };
}

function targetsOf(result: RouteDecision | RouteRefusal): string[] {
  return result.kind === 'refusal' ? [] : [result.target, ...result.fallbacks.map(({ target }) => target)];
}

/** Written again from the rules in `docs/privacy.md`, not from the code under test. */
function mustStay({ privacy }: RouteSignals, policy: Policy): boolean {
  if (!privacy.complete || privacy.declared || privacy.tainted) return true;
  const { thresholds, privacy: rule } = policy;
  const identifiers = privacy.identifiers.filter(({ confidence }) => !(confidence < thresholds.identifier_confidence));
  const topics = privacy.topics.filter(({ confidence }) => !(confidence < thresholds.topic_confidence!));
  if (identifiers.length + topics.length === 0) return false;
  const words = [
    ...identifiers.map(({ type }) => rule.identifiers[type] ?? rule.default),
    ...topics.map(({ topic }) => rule.topics[topic] ?? rule.default),
  ];
  return words.includes('device') || privacy.redactedClean !== true;
}

const cases = 6000;

describe(`over ${cases} seeded signals, policies and states`, () => {
  it('nothing that must stay gets a cloud target or a cloud fallback', () => {
    let stayed = 0;
    for (let seed = 1; seed <= cases; seed++) {
      const draw = drawFrom(seed);
      const [signals, policy, state] = [drawSignals(draw), drawPolicy(draw), drawState(draw)];
      const result = decide(signals, policy, state);
      if (!mustStay(signals, policy)) continue;
      stayed++;
      expect(targetsOf(result), `seed ${seed}`).not.toContain('cloud');
    }
    expect(stayed).toBeGreaterThan(cases / 10);
  });

  it('only_… of the policy, the task and the request never goes the wrong way', () => {
    let ordered = 0;
    for (let seed = 1; seed <= cases; seed++) {
      const draw = drawFrom(seed);
      const [signals, policy, state] = [drawSignals(draw), drawPolicy(draw), drawState(draw)];
      const words: (RoutePreference | undefined)[] = [
        policy.preference,
        policy.tasks[signals.task]?.preference,
        signals.wishes.preference,
      ];
      const targets = targetsOf(decide(signals, policy, state));
      if (words.includes('only_on_device')) expect(targets, `seed ${seed}`).not.toContain('cloud');
      if (words.includes('only_in_cloud')) expect(targets, `seed ${seed}`).not.toContain('device');
      if (words.some((word) => word?.startsWith('only'))) ordered++;
    }
    expect(ordered).toBeGreaterThan(cases / 10);
  });

  it('what is chosen violates nothing, an open breaker is never chosen, and a refusal names its reasons', () => {
    for (let seed = 1; seed <= cases; seed++) {
      const draw = drawFrom(seed);
      const [signals, policy, state] = [drawSignals(draw), drawPolicy(draw), drawState(draw)];
      const result = decide(signals, policy, state);
      if (result.kind === 'refusal') {
        expect(result.candidates.every(({ violated }) => violated.length > 0)).toBe(true);
        expect(result.message).not.toBe('');
        continue;
      }
      const chosen = result.candidates.find(({ target, model }) => target === result.target && model === result.model);
      expect(chosen?.violated, `seed ${seed}`).toEqual([]);
      expect(result.reasons.length, `seed ${seed}`).toBeGreaterThan(0);
      expect(Number.isNaN(chosen?.score), `seed ${seed}`).toBe(false);
      if (result.target === 'cloud') {
        expect(state.cloud.reachable).toBe(true);
        expect(state.cloud.models.some(({ id, breaker }) => id === result.model && breaker !== 'open')).toBe(true);
      }
    }
  });

  it('adding something private to a request never opens the cloud', () => {
    for (let seed = 1; seed <= cases; seed++) {
      const draw = drawFrom(seed);
      const [signals, policy, state] = [drawSignals(draw), drawPolicy(draw), drawState(draw)];
      const more: PrivacySignal = {
        ...signals.privacy,
        identifiers: [...signals.privacy.identifiers, { type: 'bank-card', confidence: 0.9 }],
        redactedClean: false,
      };
      const before = targetsOf(decide(signals, policy, state)).includes('cloud');
      const after = targetsOf(decide({ ...signals, privacy: more }, policy, state)).includes('cloud');
      if (!before) expect(after, `seed ${seed}`).toBe(false);
    }
  });
});
