import { describe, expect, it } from 'vitest';
import { checkPolicy, defaultPolicy, parsePolicy } from './policy.ts';

describe('the policy', () => {
  it('is complete when the file is empty', () => {
    for (const empty of [undefined, null, {}]) expect(parsePolicy(empty)).toEqual(defaultPolicy);
    expect(defaultPolicy).toMatchObject({ preference: 'prefer_on_device', privacy: { default: 'device' } });
  });

  it.each([
    [{ preferense: 'x' }, 'preferense is no key of the policy (did you mean preference?)'],
    [{ privacy: { topic: {} } }, 'privacy.topic is no key of the policy (did you mean topics?)'],
    [
      { privacy: { topics: { healt: 'device' } } },
      'privacy.topics.healt is no key of the policy (did you mean health?)',
    ],
    [{ tasks: { code: { max_costs: 1 } } }, 'tasks.code.max_costs is no key of the policy (did you mean max_cost?)'],
  ])('refuses the unknown key in %j with its path and a hint', (data, message) => {
    expect(() => parsePolicy(data)).toThrow(message);
  });

  it.each([
    [{ preference: 'cloud' }, 'preference'],
    [{ privacy: { default: 'allow' } }, 'privacy.default'],
    [{ thresholds: { topic_confidence: 2 } }, 'thresholds.topic_confidence'],
    [{ prices: { cloud: { input_per_million: -1 } } }, 'prices.cloud.input_per_million'],
    ['prefer_on_device', 'the file'],
    [[], 'the file'],
  ])('refuses the wrong value in %j', (data, path) => {
    expect(() => parsePolicy(data)).toThrow(`Policy: ${path} `);
    expect(checkPolicy(data)).toHaveProperty('fault');
  });

  it('has an id that changes with any rule and not with the order of keys', () => {
    const one = parsePolicy({ preference: 'only_on_device', name: 'clinic' });
    const same = parsePolicy({ name: 'clinic', preference: 'only_on_device' });
    const other = parsePolicy({ preference: 'only_on_device', name: 'clinic', thresholds: { topic_confidence: 0.4 } });
    expect(one.id).toBe(same.id);
    expect(one.id).not.toBe(other.id);
    expect(one.id).toMatch(/^clinic@[0-9a-f]{8}$/);
  });
});
