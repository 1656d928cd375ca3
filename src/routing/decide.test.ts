import { describe, expect, it } from 'vitest';
import { decide, refusalError } from './decide.ts';
import { defaultPolicy, parsePolicy } from './policy.ts';
import { newSignals, newState, privateSignal, publicSignal } from './testing/samples.ts';
import type { RouteDecision, RouteRefusal } from './types.ts';

function routed(result: RouteDecision | RouteRefusal): RouteDecision {
  if (result.kind === 'refusal') throw new Error(`refused: ${result.message}`);
  return result;
}

describe('the decision diagram', () => {
  it('runs an easy public question on the device and keeps the cloud as fallback', () => {
    const decision = routed(decide(newSignals(), defaultPolicy, newState()));
    expect(decision).toMatchObject({ target: 'device', reasons: ['prefer_on_device'] });
    expect(decision.fallbacks).toEqual([{ target: 'cloud', model: 'big' }]);
  });

  it('sends a hard public question to the cloud and says that it scored better', () => {
    const decision = routed(decide(newSignals({ complexity: 0.9 }), defaultPolicy, newState()));
    expect(decision).toMatchObject({ target: 'cloud', model: 'big', reasons: ['cloud-scores-better'] });
    expect(decision.fallbacks).toEqual([{ target: 'device', model: 'small' }]);
  });

  it('keeps a hard private question on the device without any cloud fallback', () => {
    const signals = newSignals({ complexity: 1, privacy: privateSignal });
    const decision = routed(decide(signals, defaultPolicy, newState()));
    expect(decision).toMatchObject({ target: 'device', fallbacks: [], privacy: 'device' });
    expect(decision.reasons).toContain('identifier:resident-id');
    expect(decision.reasons).toContain('cloud-private');
  });

  it('runs on the device when the network is away', () => {
    const decision = routed(
      decide(newSignals({ complexity: 1 }), defaultPolicy, newState({ cloud: { reachable: false } })),
    );
    expect(decision).toMatchObject({ target: 'device', fallbacks: [], reasons: ['cloud-offline'] });
  });

  it('lets a public request go to the cloud while the device loads, and lets a private one wait', () => {
    const state = newState({ device: { status: 'loading' } });
    expect(routed(decide(newSignals(), defaultPolicy, state)).target).toBe('cloud');
    expect(routed(decide(newSignals({ privacy: privateSignal }), defaultPolicy, state))).toMatchObject({
      target: 'device',
      fallbacks: [],
    });
  });

  it('moves public work away from a hot or empty device', () => {
    const calm = newState();
    const signals = newSignals({ complexity: 0.2 });
    expect(routed(decide(signals, defaultPolicy, calm)).target).toBe('device');
    for (const device of [{ thermal: 'critical' as const }, { battery: 0.05 }]) {
      expect(routed(decide(signals, defaultPolicy, newState({ device }))).target).toBe('cloud');
    }
  });
});

describe('hard constraints', () => {
  it.each([
    ['modality', newSignals({ modalities: ['text', 'image'] })],
    ['context-length', newSignals({ promptTokens: 5000 })],
    ['tools', newSignals({ needs: { tools: true, embeddings: false } })],
  ])('%s: what the small model cannot do goes to the cloud', (violation, signals) => {
    const decision = routed(decide(signals, defaultPolicy, newState()));
    expect(decision.target).toBe('cloud');
    expect(decision.fallbacks).toEqual([]);
    expect(decision.reasons).toContain(`device-${violation}`);
  });

  it('keeps a budget per request and per day', () => {
    const policy = parsePolicy({
      prices: { cloud: { input_per_million: 100, output_per_million: 100 } },
      budgets: { max_cost_per_day: 1 },
    });
    const hard = newSignals({ complexity: 1, promptTokens: 1000, answerTokens: 1000 });
    expect(routed(decide(hard, policy, newState())).target).toBe('cloud');
    const spent = routed(decide(hard, policy, { ...newState(), spentToday: 0.9 }));
    expect(spent).toMatchObject({ target: 'device', reasons: ['cloud-daily-budget'] });
    const cheap = routed(decide({ ...hard, wishes: { maxCost: 0.01 } }, policy, newState()));
    expect(cheap).toMatchObject({ target: 'device', reasons: ['cloud-budget'] });
  });

  it('takes the side that meets the deadline', () => {
    const slow = newState({ device: { decodeTokensPerSecond: 1 } });
    const decision = routed(decide(newSignals({ wishes: { deadlineMs: 5000 } }), defaultPolicy, slow));
    expect(decision).toMatchObject({ target: 'cloud', reasons: ['device-deadline'] });
  });

  it('moves on from a full device, but never with a private request', () => {
    const full = newState({ device: { queued: 64 } });
    expect(routed(decide(newSignals(), defaultPolicy, full)).target).toBe('cloud');
    const refusal = decide(newSignals({ privacy: privateSignal }), defaultPolicy, full);
    expect(refusal).toMatchObject({ kind: 'refusal', code: 'no_route' });
  });

  it('keeps two orders that contradict each other, and refuses rather than choose', () => {
    const policy = parsePolicy({ preference: 'only_on_device' });
    const refusal = decide(newSignals({ wishes: { preference: 'only_in_cloud' } }), policy, newState());
    expect(refusal).toMatchObject({ kind: 'refusal', code: 'route_refused' });
    if (refusal.kind === 'refusal') {
      expect(refusalError(refusal)).toMatchObject({
        status: 403,
        message: expect.stringContaining('only-on-device') as string,
      });
    }
  });

  it('refuses a private request that is ordered into the cloud', () => {
    const signals = newSignals({ privacy: privateSignal, wishes: { preference: 'only_in_cloud' } });
    expect(decide(signals, defaultPolicy, newState())).toMatchObject({ kind: 'refusal', code: 'route_refused' });
  });

  it('says that it may pass when only_in_cloud meets a cloud that is away', () => {
    const signals = newSignals({ wishes: { preference: 'only_in_cloud' } });
    const refusal = decide(signals, defaultPolicy, newState({ cloud: { reachable: false } }));
    expect(refusal).toMatchObject({ kind: 'refusal', code: 'no_route' });
  });
});

describe('preferences', () => {
  it('with a large margin mean what Firebase means: the other side only where the preferred one cannot', () => {
    const policy = parsePolicy({ thresholds: { preference_margin: 10 } });
    expect(routed(decide(newSignals({ complexity: 1 }), policy, newState())).target).toBe('device');
    const wish = newSignals({ complexity: 0, wishes: { preference: 'prefer_in_cloud' } });
    expect(routed(decide(wish, policy, newState())).target).toBe('cloud');
    expect(routed(decide(wish, policy, newState({ cloud: { reachable: false } }))).target).toBe('device');
  });

  it('can differ by task', () => {
    const policy = parsePolicy({ tasks: { code: { preference: 'only_in_cloud' } } });
    expect(routed(decide(newSignals({ task: 'code' }), policy, newState())).target).toBe('cloud');
    expect(routed(decide(newSignals({ task: 'chat' }), policy, newState())).target).toBe('device');
  });
});

describe('redact', () => {
  const policy = parsePolicy({ privacy: { identifiers: { phone: 'redact' } } });
  const phone = { ...publicSignal, identifiers: [{ type: 'phone' as const, confidence: 0.9 }] };

  it('lets a request out only once its redacted form was found clean', () => {
    const state = newState();
    const unchecked = routed(decide(newSignals({ complexity: 1, privacy: phone }), policy, state));
    expect(unchecked).toMatchObject({ target: 'device', privacy: 'device', fallbacks: [] });
    const clean = newSignals({ complexity: 1, privacy: { ...phone, redactedClean: true } });
    expect(routed(decide(clean, policy, state))).toMatchObject({ target: 'cloud', privacy: 'redact' });
  });

  it('is overruled by anything that must stay', () => {
    for (const more of [{ declared: true }, { tainted: true }, { complete: false }, privateSignal]) {
      const privacy = { ...phone, redactedClean: true, ...more };
      const decision = routed(decide(newSignals({ complexity: 1, privacy }), policy, newState()));
      expect(decision).toMatchObject({ target: 'device', privacy: 'device', fallbacks: [] });
    }
  });
});
