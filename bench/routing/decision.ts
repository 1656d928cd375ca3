/**
 * Time of what routing adds to a request once its signals are known: the conversation's memory, the ruling, the decision
 * and the gate. Prints p50, p99 and the largest of each.
 */
// oxlint-disable no-restricted-imports -- measures the functions themselves, like bench/signals
import { EgressGate } from '../../src/cloud/egress-gate.ts';
import { systemClock } from '../../src/core/clock.ts';
import { ConversationTaint } from '../../src/hybrid/conversation-taint.ts';
import { decide } from '../../src/routing/decide.ts';
import { defaultPolicy } from '../../src/routing/policy.ts';
import { rulePrivacy } from '../../src/routing/privacy-rule.ts';
import type { RouteSignals, RouteState } from '../../src/routing/types.ts';
import type { ChatMessage } from '../../src/core/chat.ts';
import { percentile } from './figures.ts';

const warmUpRounds = 2000;
const rounds = 20_000;

export async function measureDecision(): Promise<void> {
  const gate = new EgressGate({ clock: systemClock });
  const taint = new ConversationTaint();
  const message = (text: string, role: 'user' | 'assistant' = 'user'): ChatMessage =>
    role === 'user'
      ? { role, content: [{ type: 'text', text }] }
      : { role, content: [{ type: 'text', text }], toolCalls: [] };
  for (let index = 0; index < 5000; index++) {
    taint.remember(
      [
        message(`private question number ${index} that somebody asked`),
        message(`and the answer ${index} to it`, 'assistant'),
      ],
      0,
    );
  }
  const text =
    'A turn of a usual conversation, with a sentence or two in it. And the second one, somewhat longer than that. ';
  const conversation = Array.from({ length: 20 }, (_, index) =>
    message(`${index} ${text}`, index % 2 === 0 ? 'user' : 'assistant'),
  );
  const parts: Record<string, () => void | Promise<void>> = {
    decide: () => void decide(signals, defaultPolicy, state),
    'gate (ruling and judgement)': async () => {
      const { handling, reasons } = rulePrivacy(signals.privacy, defaultPolicy);
      await gate.judge({}, () => ({ private: handling !== 'open', reasons }));
    },
    'conversation memory, 20 turns': () => void taint.find(conversation),
    'all of it': async () => {
      taint.find(conversation);
      const { handling, reasons } = rulePrivacy(signals.privacy, defaultPolicy);
      await gate.judge({}, () => ({ private: handling !== 'open', reasons }));
      decide(signals, defaultPolicy, state);
    },
  };
  console.log('part\tp50 ms\tp99 ms\tlargest ms');
  for (const [name, act] of Object.entries(parts)) {
    const times: number[] = [];
    for (let round = -warmUpRounds; round < rounds; round++) {
      const startedMs = performance.now();
      await act();
      if (round >= 0) times.push(performance.now() - startedMs);
    }
    const figures = [percentile(times, 0.5), percentile(times, 0.99), Math.max(...times)];
    console.log([name, ...figures.map((value) => value.toFixed(4))].join('\t'));
  }
}

const signals: RouteSignals = {
  privacy: {
    complete: true,
    identifiers: [{ type: 'phone', confidence: 0.2 }],
    topics: [{ topic: 'health', confidence: 0.1 }],
    declared: false,
    tainted: false,
  },
  task: 'question',
  complexity: 0.4,
  modalities: ['text'],
  promptTokens: 400,
  answerTokens: 200,
  needs: { tools: false, embeddings: false },
  wishes: {},
};
const model = { contextTokens: 8192, modalities: ['text' as const], tools: true, embeddings: false };
const state: RouteState = {
  device: {
    status: 'ready',
    model: { id: 'device', ...model },
    running: 1,
    queued: 0,
    queueCapacity: 64,
    load: 0.2,
    thermal: 'nominal',
    prefillTokensPerSecond: 100,
    decodeTokensPerSecond: 16,
  },
  cloud: {
    configured: true,
    reachable: true,
    models: ['a', 'b', 'c'].map((id) =>
      Object.assign({ id }, model, {
        breaker: 'closed' as const,
        firstTokenMs: 300,
        tokensPerSecond: 40,
      }),
    ),
  },
  spentToday: 0,
};
