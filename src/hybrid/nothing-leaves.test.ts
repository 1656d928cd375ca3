/**
 * Private texts × faults: a recording cloud stands ready, is preferred by the policy, and must not get a single byte.
 * The texts are those of `test/fixtures/privacy` that the detectors find; how many they find is measured elsewhere.
 */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { refuseWith, sayHello } from '../../test/support/fake-cloud.ts';
import { answer, event, start } from '../../test/support/scripted-backend.ts';
import { makeError } from '../core/errors.ts';
import { computeSignals } from '../signals/signals.ts';
import type { ComputeSignals } from '../routing/request-signals.ts';
import { chat, collect, setUp, type Setup, type SetupOptions } from './testing/setup.ts';

function fixture(name: string): string[] {
  const file = new URL(`../../test/fixtures/privacy/${name}.jsonl`, import.meta.url);
  const lines = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
  return lines.map((line) => (JSON.parse(line) as { text: string }).text);
}
const isFound = (text: string): boolean => computeSignals(chat([text])).privacy.level === 'private';
const all = [...fixture('development/identifiers'), ...fixture('development/topics')];
const found = all.filter(isFound);

type Fault = {
  name: string;
  setup?: SetupOptions;
  prepare?: (setup: Setup) => void | Promise<void>;
  /** The detectors are what fails, so that texts they would not find count too. */
  isBlind?: boolean;
};

const broken = (compute: ComputeSignals | null): SetupOptions => ({ hybrid: { compute } });
const faults: Fault[] = [
  { name: 'nothing is wrong' },
  {
    name: 'the detector crashes',
    isBlind: true,
    setup: broken(() => {
      throw new Error('crash');
    }),
  },
  { name: 'the detector gives nothing', isBlind: true, setup: broken((() => undefined) as unknown as ComputeSignals) },
  { name: 'the detector is missing', isBlind: true, setup: broken(null) },
  {
    name: 'the detector takes too long',
    isBlind: true,
    setup: {
      budgetMs: 5,
      ...broken((request, options) => {
        const until = performance.now() + 8;
        while (performance.now() < until);
        return { ...computeSignals(request, options), privacy: computeSignals(chat(['hi'])).privacy };
      }),
    },
  },
  {
    name: 'the device is full',
    prepare: ({ device }) => {
      device.script = () => [{ step: 'throw', error: makeError('queue_full', { queued: 64, retryAfterSeconds: 1 }) }];
    },
  },
  {
    name: 'the engine is killed before its first word',
    prepare: ({ device }) => {
      device.script = () => [start(), { step: 'throw', error: makeError('engine_crashed', {}) }];
    },
  },
  {
    name: 'the engine is killed in the middle',
    prepare: ({ device }) => {
      device.script = () => [
        start(),
        event({ type: 'text-delta', text: 'x' }),
        { step: 'throw', error: makeError('engine_crashed', {}) },
      ];
    },
  },
  {
    name: 'the engine reports an error',
    prepare: ({ device }) => {
      device.script = () => [start(), event({ type: 'error', code: 'engine_failed', message: '', retryable: false })];
    },
  },
  {
    name: 'the device is away',
    prepare: ({ device }) => {
      device.currentHealth = { status: 'unavailable', reason: 'gone' };
    },
  },
  {
    name: 'the upstream fails and is tried again',
    prepare: ({ cloud }) => {
      cloud.play = refuseWith(500);
    },
  },
  {
    name: 'the upstream is busy',
    prepare: ({ cloud }) => {
      cloud.play = refuseWith(429, { 'retry-after': '0.001' });
    },
  },
  {
    name: 'the upstream redirects',
    prepare: ({ cloud }) => {
      cloud.play = refuseWith(307, { location: 'http://localhost:9/' });
    },
  },
  { name: 'requests are hedged', setup: { cloud: { limits: { hedgeAfterMs: 1 } } } },
  {
    name: 'the breaker is half open',
    prepare: async ({ cloud, service }) => {
      cloud.play = refuseWith(500);
      for (let times = 0; times < 3; times++) await collect(service, chat(['hello']));
      cloud.play = sayHello;
      cloud.bodies.length = 0;
    },
  },
];

describe.each(faults)('when $name', ({ name, setup: options, prepare, isBlind }) => {
  let setup: Setup;
  beforeAll(async () => {
    setup = await setUp(options);
    await prepare?.(setup);
  });
  afterAll(() => setup.close());

  it('no private text leaves', async () => {
    const texts = isBlind === true ? all : found;
    const step = isBlind === true ? 23 : 7;
    // Each fault gets other texts.
    const offset = faults.findIndex((fault) => fault.name === name) % step;
    let asked = 0;
    for (let index = offset; index < texts.length; index += step) {
      const text = texts[index] ?? '';
      const requests = [
        chat([text]),
        chat([text], { model: 'cloud' }),
        chat(['Hi', 'Hello!', text], { route: { preference: 'only_in_cloud' } }),
      ];
      for (const request of requests) {
        await collect(setup.service, request).catch(() => {});
        asked++;
      }
      const { signal } = new AbortController();
      await setup.service.embed({ id: 'e', model: 'cloud', inputs: [text] }, { signal }).catch(() => {});
    }
    expect(asked).toBeGreaterThan(100);
    expect(setup.cloud.bodies).toEqual([]);
  });
});

it('every text that the detectors find stays, and a public one goes (so that the cloud was reachable)', async () => {
  const setup = await setUp();
  setup.device.script = () => answer('ok');
  for (const text of found) await collect(setup.service, chat([text]));
  expect(setup.cloud.bodies).toEqual([]);
  expect(found.length).toBeGreaterThan(700);
  await collect(setup.service, chat(['What is the capital of France?']));
  expect(setup.cloud.bodies).toHaveLength(1);
  await setup.close();
}, 60_000);
