/** Looks at a request before anything is decided: detectors, conversation, redaction; each inside the gate's judgement. */
import type { EgressVerdicts } from '../cloud/egress-verdicts.ts';
import type { ChatMessage, GenerationRequest } from '../core/chat.ts';
import type { Policy } from '../routing/policy.ts';
import { rulePrivacy } from '../routing/privacy-rule.ts';
import type { PrivacySignal, RouteSignals } from '../routing/types.ts';
import type { ReadText } from '../signals/request-segments.ts';
import type { Signals } from '../signals/signals.ts';
import type { ConversationTaint } from './conversation-taint.ts';
import { redactRequest, type RedactedRequest } from './redact-request.ts';
import {
  blindSignals,
  type ComputeSignals,
  type RequestFacts,
  routeSignals,
  signalOptions,
} from '../routing/request-signals.ts';

export type ExaminerParts = {
  gate: EgressVerdicts;
  taint: ConversationTaint;
  /** `undefined`: no detector, so everything is private. */
  compute: ComputeSignals | undefined;
};

export type Examined = {
  signals: RouteSignals;
  /** What may leave if the decision says so: the judged request itself, or its redacted form. */
  outgoing: object;
  redacted?: RedactedRequest;
  detectors: Record<string, string>;
  /** First message of the conversation that is private; −1 where none is. */
  privateFrom: number;
};

/** More than any context holds. Checking it would hold up all other requests, so it counts as unchecked. */
const maxCharacters = 400_000;

export class Examiner {
  readonly #parts: ExaminerParts;

  constructor(parts: ExaminerParts) {
    this.#parts = parts;
  }

  /**
   * Never throws for what a detector does: the failure makes the request private.
   *
   * @param request as the detectors read it
   * @param subject the object that would be sent: the request itself, or the embedding it stands for
   */
  async examine(
    request: GenerationRequest,
    policy: Policy,
    facts: Omit<RequestFacts, 'tainted'>,
    subject: object = request,
  ): Promise<Examined> {
    const { gate, compute } = this.#parts;
    const messages = messagesOf(request);
    let taintedFrom = -1;
    let raw: Signals | undefined;
    let signals: RouteSignals | undefined;
    const detect = (detector: ComputeSignals) => () => {
      taintedFrom = this.#parts.taint.find(messages);
      if (charactersOf(request, facts.readTexts) > maxCharacters) throw new Error('too long to be checked');
      raw = detector(request, signalOptions(policy, facts.readTexts));
      signals = routeSignals(raw, policy, { ...facts, tainted: taintedFrom >= 0 });
      const { handling, reasons } = rulePrivacy(signals.privacy, policy);
      return { private: handling !== 'open', reasons };
    };
    const verdict = await gate.judge(subject, compute === undefined ? undefined : detect(compute));
    if (verdict.failure !== undefined || signals === undefined || raw === undefined) {
      const blind = blindSignals(request, verdict.failure ?? 'detector-failed', {
        ...facts,
        tainted: taintedFrom >= 0,
      });
      return { signals: blind, outgoing: subject, detectors: {}, privateFrom: 0 };
    }
    const detectors = { ...raw.privacy.detectorVersions, complexity: raw.complexity.version };
    if (!verdict.private) return { signals, outgoing: subject, detectors, privateFrom: -1 };
    const redacted = await this.#redact(request, raw, signals, policy, facts);
    if (redacted !== undefined) {
      const privacy: PrivacySignal = { ...signals.privacy, redactedClean: true };
      return { signals: { ...signals, privacy }, outgoing: redacted.request, redacted, detectors, privateFrom: -1 };
    }
    const privateFrom = this.#firstPrivate(request, policy, signals.privacy, taintedFrom, facts.readTexts);
    return { signals, outgoing: subject, detectors, privateFrom };
  }

  /** Whether what can be read of it without opening its pictures and recordings is private. A failure is. */
  async isPrivateWithout(
    request: GenerationRequest,
    policy: Policy,
    facts: Omit<RequestFacts, 'tainted'>,
  ): Promise<boolean> {
    const { compute } = this.#parts;
    if (compute === undefined) return true;
    try {
      if (charactersOf(request) > maxCharacters || this.#parts.taint.find(messagesOf(request)) >= 0) return true;
      const open: Policy = { ...policy, privacy: { ...policy.privacy, unchecked: 'open' } };
      const raw = compute(request, signalOptions(open));
      return rulePrivacy(routeSignals(raw, open, { ...facts, tainted: false }).privacy, open).handling !== 'open';
    } catch {
      return true;
    }
  }

  /** The redacted form, where the policy wants one and a second look at it finds nothing that must stay. */
  async #redact(
    request: GenerationRequest,
    raw: Signals,
    signals: RouteSignals,
    policy: Policy,
    facts: Omit<RequestFacts, 'tainted'>,
  ): Promise<RedactedRequest | undefined> {
    const { gate, compute } = this.#parts;
    // Nothing can be blotted out in a picture or in sound.
    if (compute === undefined || facts.isEmbedding || (facts.readTexts?.length ?? 0) > 0) return undefined;
    if (rulePrivacy({ ...signals.privacy, redactedClean: true }, policy).handling !== 'redact') return undefined;
    const redacted = redactRequest(request, raw.privacy.findings);
    if (redacted === undefined) return undefined;
    const verdict = await gate.judge(redacted.request, () => {
      const again = routeSignals(compute(redacted.request, signalOptions(policy)), policy, {
        ...facts,
        tainted: false,
      });
      const ruling = rulePrivacy({ ...again.privacy, redactedClean: true }, policy);
      return { private: ruling.handling === 'device' || again.privacy.identifiers.length > 0, reasons: ruling.reasons };
    });
    return verdict.private ? undefined : redacted;
  }

  /** Each message looked at alone; where only several together are private, all of them count. */
  #firstPrivate(
    request: GenerationRequest,
    policy: Policy,
    privacy: PrivacySignal,
    taintedFrom: number,
    readTexts: readonly ReadText[] = [],
  ): number {
    const { compute } = this.#parts;
    if (privacy.declared || request.input.kind === 'completion' || compute === undefined) return 0;
    const { input } = request;
    const facts: RequestFacts = { wishes: {}, tainted: false, isEmbedding: false, hasTools: false };
    const isPrivate = (message: ChatMessage, index: number): boolean => {
      try {
        const alone = { ...request, input: { ...input, messages: [message], tools: [] } };
        const own = readTexts.flatMap((read) =>
          read.message === index ? [Object.assign({}, read, { message: 0 })] : [],
        );
        const { privacy: found } = routeSignals(compute(alone, signalOptions(policy, own)), policy, facts);
        return rulePrivacy(found, policy).handling !== 'open';
      } catch {
        return true;
      }
    };
    const limit = taintedFrom >= 0 ? taintedFrom : input.messages.length;
    const first = input.messages.slice(0, limit).findIndex(isPrivate);
    if (first >= 0) return first;
    return Math.max(0, taintedFrom);
  }
}

/** A raw prompt counts as one user message. */
export function messagesOf({ input }: GenerationRequest): ChatMessage[] {
  if (input.kind === 'chat') return input.messages;
  const text = typeof input.prompt === 'string' ? input.prompt : input.prompt.join(' ');
  return [{ role: 'user', content: [{ type: 'text', text }] }];
}

function charactersOf({ input }: GenerationRequest, readTexts: readonly ReadText[] = []): number {
  if (input.kind === 'completion') return input.prompt.length;
  let characters = readTexts.reduce((sum, { text }) => sum + text.length, 0);
  for (const message of input.messages) {
    for (const part of message.content) if (part.type === 'text') characters += part.text.length;
    if (message.role === 'assistant') for (const call of message.toolCalls) characters += call.arguments.length;
  }
  return characters;
}
