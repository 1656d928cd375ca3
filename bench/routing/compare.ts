/**
 * Compares ways to choose a side on the recorded answers: no model runs. The device's and the cloud's speed are the recorded
 * ones; a price of 1 for a thousand tokens stands for the cloud's cost.
 */
// oxlint-disable no-restricted-imports -- measures the pure functions themselves, like bench/signals
import type { GenerationRequest } from '../../src/core/chat.ts';
import { routeSignals, signalOptions } from '../../src/hybrid/request-signals.ts';
import { decide } from '../../src/routing/decide.ts';
import { defaultPolicy } from '../../src/routing/policy.ts';
import type { RouteState } from '../../src/routing/types.ts';
import { computeSignals } from '../../src/signals/signals.ts';
import { checkAnswer } from './check-answer.ts';
import { auroc, bootstrap, type Interval, mean, percentile, seeded } from './figures.ts';
import { loadQuestions, loadRecorded, type Question, type Recorded, type Side } from './questions.ts';

type Case = {
  question: Question;
  answers: Record<Side, Recorded>;
  right: Record<Side, boolean>;
  complexity: number;
  ours: Side;
};

type Strategy = { name: string; choose: (each: Case, index: number) => Side };

export function compare(): void {
  const cases = loadCases();
  if (cases.length === 0) {
    console.log('There are no recorded answers. Record them first:');
    console.log(
      '  npm run bench:routing -- record --device http://127.0.0.1:8131 MODEL --cloud http://127.0.0.1:8132 MODEL',
    );
    return;
  }
  const random = seeded(1);
  const shareOut = mean(cases.map(({ ours }) => (ours === 'cloud' ? 1 : 0)));
  const lengths = cases.map(({ question }) => question.prompt.length);
  const limit = shareOut === 0 ? Number.POSITIVE_INFINITY : percentile(lengths, 1 - shareOut);
  const draws = cases.map(() => random());
  const strategies: Strategy[] = [
    { name: 'always device', choose: () => 'device' },
    { name: 'always cloud', choose: () => 'cloud' },
    { name: 'random, our share', choose: (_, index) => ((draws[index] ?? 0) < shareOut ? 'cloud' : 'device') },
    {
      name: 'longest prompts, our share',
      choose: ({ question }) => (question.prompt.length >= limit ? 'cloud' : 'device'),
    },
    { name: 'oracle', choose: ({ right }) => (right.cloud && !right.device ? 'cloud' : 'device') },
    { name: 'ours', choose: ({ ours }) => ours },
  ];
  console.log(`${cases.length} requests with answers of both sides`);
  console.log('strategy\tquality [95 %]\tsent out\tlatency ms\tcost\tregret');
  const best = cases.map(({ right }) => (right.device || right.cloud ? 1 : 0));
  for (const { name, choose } of strategies) {
    const sides = cases.map(choose);
    const quality = bootstrap(
      cases.length,
      (indices) => mean(indices.map((index) => rightAt(cases, sides, index))),
      seeded(2),
    );
    const out = mean(sides.map((side) => (side === 'cloud' ? 1 : 0)));
    const latency = mean(cases.map(({ answers }, index) => answers[sides[index] ?? 'device'].totalMs));
    const cost = mean(
      cases.map(({ answers }, index) => (sides[index] === 'cloud' ? tokensOf(answers.cloud) / 1000 : 0)),
    );
    const regret = mean(best) - quality.value;
    console.log([name, shown(quality), percent(out), latency.toFixed(0), cost.toFixed(3), percent(regret)].join('\t'));
  }
  const failed = cases.map(({ right }) => !right.device);
  const only = cases.map(({ right }) => !right.device && right.cloud);
  console.log('\nAUROC [95 %]\tdevice fails\tcloud is right where the device fails');
  for (const [name, scores] of [
    ['complexity', cases.map(({ complexity }) => complexity)],
    ['length', lengths],
  ] as const) {
    const area = (positives: boolean[]): Interval =>
      bootstrap(
        cases.length,
        (indices) =>
          auroc(
            indices.map((i) => scores[i] ?? 0),
            indices.map((i) => positives[i] ?? false),
          ),
        seeded(3),
      );
    console.log([name, shown(area(failed), 3), shown(area(only), 3)].join('\t'));
  }
  console.log('\ntask\trequests\tdevice right\tcloud right\tours right\tsent out');
  for (const group of new Set(cases.map(({ question }) => `${question.task}-${question.language}`))) {
    const own = cases.filter(({ question }) => `${question.task}-${question.language}` === group);
    const share = (test: (each: Case) => boolean): string => percent(mean(own.map((each) => (test(each) ? 1 : 0))));
    console.log(
      [
        group,
        own.length,
        share(({ right }) => right.device),
        share(({ right }) => right.cloud),
        share(({ right, ours }) => right[ours]),
        share(({ ours }) => ours === 'cloud'),
      ].join('\t'),
    );
  }
}

function loadCases(): Case[] {
  const answers = new Map<string, Partial<Record<Side, Recorded>>>();
  for (const each of loadRecorded()) answers.set(each.id, { ...answers.get(each.id), [each.side]: each });
  const complete = loadQuestions().flatMap((question) => {
    const { device, cloud } = answers.get(question.id) ?? {};
    return device === undefined || cloud === undefined ? [] : [{ question, answers: { device, cloud } }];
  });
  const state = observedState(complete.map((each) => each.answers));
  return complete.map(({ question, answers: both }) => {
    const { complexity, side } = route(question, state);
    return {
      question,
      answers: both,
      right: {
        device: checkAnswer(question.check, both.device.answer),
        cloud: checkAnswer(question.check, both.cloud.answer),
      },
      complexity,
      ours: side,
    };
  });
}

function route(question: Question, state: RouteState): { complexity: number; side: Side } {
  const request: GenerationRequest = {
    id: question.id,
    model: 'auto',
    input: {
      kind: 'chat',
      messages: [{ role: 'user', content: [{ type: 'text', text: question.prompt }] }],
      tools: [],
      toolChoice: { type: 'none' },
      parallelToolCalls: true,
    },
    sampling: {},
    stop: [],
    responseFormat: { type: 'text' },
    reasoning: { return: true },
    truncate: 'error',
    priority: 0,
  };
  const facts = { wishes: {}, tainted: false, isEmbedding: false, hasTools: false };
  const signals = routeSignals(computeSignals(request, signalOptions(defaultPolicy)), defaultPolicy, facts);
  const decision = decide(signals, defaultPolicy, state);
  return { complexity: signals.complexity, side: decision.kind === 'route' ? decision.target : 'device' };
}

/** What a router would have observed of the two. */
function observedState(answers: Record<Side, Recorded>[]): RouteState {
  const speed = (side: Side): number =>
    mean(
      answers.map(({ [side]: each }) => (each.completionTokens / Math.max(1, each.totalMs - each.firstTokenMs)) * 1000),
    );
  const prefill = mean(answers.map(({ device }) => (device.promptTokens / Math.max(1, device.firstTokenMs)) * 1000));
  const model = { contextTokens: 8192, modalities: ['text' as const], tools: true, embeddings: false };
  return {
    device: {
      status: 'ready',
      model: { id: 'device', ...model },
      running: 0,
      queued: 0,
      queueCapacity: 64,
      load: 0,
      thermal: 'nominal',
      prefillTokensPerSecond: prefill,
      decodeTokensPerSecond: speed('device'),
    },
    cloud: {
      configured: true,
      reachable: true,
      models: [
        {
          id: 'cloud',
          ...model,
          breaker: 'closed',
          firstTokenMs: mean(answers.map(({ cloud }) => cloud.firstTokenMs)),
          tokensPerSecond: speed('cloud'),
        },
      ],
    },
    spentToday: 0,
  };
}

function rightAt(cases: Case[], sides: Side[], index: number): number {
  return cases[index]?.right[sides[index] ?? 'device'] === true ? 1 : 0;
}

function tokensOf({ promptTokens, completionTokens }: Recorded): number {
  return promptTokens + completionTokens;
}

function percent(value: number): string {
  return `${(value * 100).toFixed(1)} %`;
}

function shown({ value, low, high }: Interval, digits?: number): string {
  const text = (each: number): string => (digits === undefined ? percent(each) : each.toFixed(digits));
  return `${text(value)} [${text(low)}–${text(high)}]`;
}
