/** What the signals and the router say of a draft. The same code as in the server; pure. */
import type { RoutePreference } from '../../../src/core/chat.ts';
import { plainChat, plainRequest } from '../../../src/core/plain-request.ts';
import { decide } from '../../../src/routing/decide.ts';
import { parsePolicy, type Policy } from '../../../src/routing/policy.ts';
import { routeSignals, signalOptions } from '../../../src/routing/request-signals.ts';
import type { RouteState } from '../../../src/routing/types.ts';
import type { IdentifierType, SensitiveTopic } from '../../../src/signals/privacy/types.ts';
import { computeSignals } from '../../../src/signals/signals.ts';

export type Mark = { start: number; end: number; type: IdentifierType };

export type Draft = {
  text: string;
  model: string;
  preference: RoutePreference | undefined;
  /** Something earlier in the conversation was private. */
  isTainted: boolean;
  /** Of the conversation before it, estimated. */
  earlierTokens: number;
  hasAttachments: boolean;
};

export type DraftVerdict = {
  marks: Mark[];
  topics: SensitiveTopic[];
  isPrivate: boolean;
  /** Where it would run now; absent where the server does not say what it decides from. */
  route?: { target: 'device' | 'cloud' | 'refused'; model?: string; reasons: string[] };
  /** The page cannot read pictures and speech; the server does that on the device before it decides. */
  isProvisional: boolean;
};

/** What a decision is made from: the server's, or that of a model inside the page. */
export type DecisionBase = { policy: Policy; state: RouteState };

export function inspectDraft(draft: Draft, situation: DecisionBase | undefined): DraftVerdict {
  const policy = situation?.policy ?? parsePolicy({});
  const wishes = draft.preference === undefined ? {} : { preference: draft.preference };
  const signals = computeSignals(plainRequest('draft', plainChat(draft.text)), signalOptions(policy));
  const { findings, topics, level } = signals.privacy;
  const verdict: DraftVerdict = {
    marks: merged(findings.map(({ start, end, type }) => ({ start, end, type }))),
    topics: topics.map(({ topic }) => topic),
    isPrivate: level === 'private',
    isProvisional: draft.hasAttachments,
  };
  if (situation === undefined) return verdict;
  const forced =
    draft.model === 'edge' ? 'device' : draft.model === 'cloud' ? 'cloud' : sideOf(draft.model, situation.state);
  const facts = routeSignals(signals, policy, {
    wishes,
    tainted: draft.isTainted,
    isEmbedding: false,
    hasTools: false,
    ...(forced === undefined ? {} : { forced }),
  });
  const decision = decide(
    { ...facts, promptTokens: facts.promptTokens + draft.earlierTokens },
    policy,
    situation.state,
  );
  return {
    ...verdict,
    route:
      decision.kind === 'refusal'
        ? { target: 'refused', reasons: decision.reasons }
        : {
            target: decision.target,
            reasons: decision.reasons,
            ...(decision.model === undefined ? {} : { model: decision.model }),
          },
  };
}

/** Names that leave the choice to the server. */
const hybridNames = new Set(['auto', 'autoglm-phone-9b']);

/** A model's own id goes to the side that serves it. */
function sideOf(model: string, { device, cloud }: RouteState): 'device' | 'cloud' | undefined {
  // A cloud that is a Duanyun itself lists these names too.
  if (hybridNames.has(model)) return undefined;
  if (device.model?.id === model) return 'device';
  return cloud.models.some(({ id }) => id === model) ? 'cloud' : undefined;
}

/** In order and without overlap: the first of two that share characters keeps its type. */
function merged(marks: Mark[]): Mark[] {
  const result: Mark[] = [];
  for (const mark of marks.toSorted((a, b) => a.start - b.start || b.end - a.end)) {
    const last = result.at(-1);
    if (last !== undefined && mark.start < last.end) last.end = Math.max(last.end, mark.end);
    else result.push({ ...mark });
  }
  return result;
}
