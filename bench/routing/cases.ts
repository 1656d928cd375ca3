/** The questions with the recorded answers of both sides, judged, with the signals that the router sees. */
// oxlint-disable no-restricted-imports -- measures the pure functions themselves, like bench/signals
import { plainRequest } from '../../src/core/plain-request.ts';
import { routeSignals, signalOptions } from '../../src/routing/request-signals.ts';
import { defaultPolicy } from '../../src/routing/policy.ts';
import type { RouteSignals, RouteState } from '../../src/routing/types.ts';
import { computeSignals } from '../../src/signals/signals.ts';
import { checkAnswer } from './check-answer.ts';
import type { Example } from './fit.ts';
import { loadQuestions, loadRecorded, type Question, type Recorded, type Side } from './questions.ts';
import type { Speeds } from './speeds.ts';

export type Case = {
  question: Question;
  answers: Record<Side, Recorded>;
  right: Record<Side, boolean>;
  signals: RouteSignals;
  example: Example;
};

export function loadCases(): Case[] {
  const answers = new Map<string, Partial<Record<Side, Recorded>>>();
  for (const each of loadRecorded()) answers.set(each.id, { [each.side]: each, ...answers.get(each.id) });
  return loadQuestions().flatMap((question) => {
    const { device, cloud } = answers.get(question.id) ?? {};
    if (device === undefined || cloud === undefined) return [];
    const right = {
      device: checkAnswer(question.check, device.answer),
      cloud: checkAnswer(question.check, cloud.answer),
    };
    return [{ question, answers: { device, cloud }, right, ...signalsOf(question, right.device) }];
  });
}

/** Examples of everything the device was asked, also where the cloud's answer is not recorded. */
export function loadExamples(): Example[] {
  const questions = new Map(loadQuestions().map((question) => [question.id, question]));
  const seen = new Set<string>();
  return loadRecorded().flatMap(({ id, side, answer }) => {
    const question = questions.get(id);
    if (side !== 'device' || question === undefined || seen.has(id)) return [];
    seen.add(id);
    return [signalsOf(question, checkAnswer(question.check, answer)).example];
  });
}

function signalsOf(question: Question, isRight: boolean): { signals: RouteSignals; example: Example } {
  const request = plainRequest(question.id, question.prompt);
  const facts = { wishes: {}, tainted: false, isEmbedding: false, hasTools: false };
  const computed = computeSignals(request, signalOptions(defaultPolicy));
  return {
    signals: routeSignals(computed, defaultPolicy, facts),
    example: {
      family: question.family,
      task: computed.task.kind,
      features: computed.complexity.features,
      failed: !isRight,
    },
  };
}

/** What a router would have observed of the two servers. */
export function observedState({ sides: { device, cloud } }: Speeds): RouteState {
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
      prefillTokensPerSecond: device.prefillTokensPerSecond,
      decodeTokensPerSecond: device.decodeTokensPerSecond,
    },
    cloud: {
      configured: true,
      reachable: true,
      models: [
        {
          id: 'cloud',
          ...model,
          breaker: 'closed',
          firstTokenMs: cloud.shortFirstTokenMs,
          tokensPerSecond: cloud.decodeTokensPerSecond,
        },
      ],
    },
    spentToday: 0,
  };
}
