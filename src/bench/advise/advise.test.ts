/** The reference document's own scenarios, chapter 5. */
import { describe, expect, it } from 'vitest';
import { advise, breakEven, pricePerMillion, type Requirements } from './advise.ts';
import { documentFigures } from './figures.ts';

const choice = (requirements: Requirements) => advise(requirements, documentFigures).choice;

describe('5.1 device', () => {
  it.each<[string, Requirements]>([
    ['medical consultation, financial assistant', { privacy: 'all', users: 1 }],
    ['car navigation, field work', { offline: true, users: 1 }],
    ['glasses with a voice assistant, home control', { interactive: true, users: 1 }],
    ['a model tuned for its user', { personalised: true, users: 1, updates: 'rare' }],
  ])('%s', (_, requirements) => {
    expect(choice(requirements)).toBe('device');
  });
});

describe('5.2 cloud', () => {
  it.each<[string, Requirements]>([
    ['long documents, reasoning, code', { complexTasks: 2, users: 1 }],
    ['customer service, teaching assistant for many', { users: 50 }],
    ['a model that changes every week', { updates: 'weekly' }],
    ['cheap and old phones', { deviceMemoryGib: 4 }],
  ])('%s', (_, requirements) => {
    expect(choice(requirements)).toBe('cloud');
  });
});

describe('5.3 hybrid', () => {
  it.each<[string, Requirements]>([
    ['some sensitive requests and hard tasks', { privacy: 'some', complexTasks: 1, users: 1 }],
    ['offline at times and weekly updates', { offline: true, updates: 'weekly', users: 1 }],
    ['nothing that decides: the document’s default', { users: 1, updates: 'rare' }],
  ])('%s', (_, requirements) => {
    expect(choice(requirements)).toBe('hybrid');
  });
});

describe('advise', () => {
  it('never sends private data to the cloud, and says so when then nothing fits', () => {
    expect(choice({ privacy: 'all', complexTasks: 3, updates: 'weekly' })).toBe('device');
    expect(choice({ privacy: 'all', deviceMemoryGib: 2 })).toBe('none');
  });

  it('gives the numbers and where they come from', () => {
    const { reasons } = advise({ firstTokenMs: 500 }, documentFigures);
    expect(reasons).toHaveLength(1);
    expect(reasons[0]).toMatchObject({ rule: 'device-too-slow', says: 'rules-out-device' });
    expect(reasons[0]!.numbers).toMatch(/500 < edge.firstTokenMs 820.0 \(reference document/);
  });

  it('says which rules had no figure, instead of guessing one', () => {
    const advice = advise({ users: 10, deviceMemoryGib: 4 }, {});
    expect(advice.choice).toBe('hybrid');
    expect(advice.unknown.map(({ rule }) => rule)).toEqual(['many-users', 'small-device']);
  });
});

describe('breakEven', () => {
  it('counts the requests and days until the device has paid for itself', () => {
    const costs = { deviceOnce: 100, devicePerRequest: 0.0001, cloudPerMillionTokens: 2, tokensPerRequest: 1000 };
    const found = breakEven({ ...costs, requestsPerDay: 100 });
    expect(found.cloudPerRequest).toBeCloseTo(0.002);
    expect(found.cloudMonthly).toBeCloseTo(6);
    expect(found.requests).toBe(52_632);
    expect(found.days).toBeCloseTo(526.32);
  });
  it('has none where the device costs more for each request', () => {
    const costs = { deviceOnce: 100, devicePerRequest: 1, cloudPerMillionTokens: 2, tokensPerRequest: 1000 };
    expect(breakEven({ ...costs, requestsPerDay: 100 }).requests).toBeUndefined();
  });
});

it('a reason shows the figures that bear on it', () => {
  const { reasons } = advise({ complexTasks: 1 }, documentFigures);
  expect(reasons[0]!.numbers).toMatch(/edge.tokensPerSecond 16.3 .*; cloud.tokensPerSecond 42.7/);
});

it('a server rented by the hour has a price for a million tokens', () => {
  expect(pricePerMillion(3.6, 100)).toBeCloseTo(10);
});
