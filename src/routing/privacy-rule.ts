/** The policy's word on what the detectors found. */
import { defaultTopicThresholds } from '../signals/privacy/thresholds.ts';
import type { Policy } from './policy.ts';
import type { PrivacyHandling, PrivacySignal } from './types.ts';

export type PrivacyRuling = { handling: PrivacyHandling; reasons: string[] };

/**
 * The strictest of all that applies. Whatever is missing, malformed or not a number counts as found: the comparisons are
 * written so that only a clean signal comes out as `open`.
 */
export function rulePrivacy(signal: PrivacySignal, policy: Policy): PrivacyRuling {
  const reasons: string[] = [];
  let isHeld = false;
  let isFound = false;
  const hold = (reason: string): void => {
    isHeld = true;
    reasons.push(reason);
  };
  if (!is(true, signal.complete)) hold(signal.incompleteReason ?? 'detector-incomplete');
  if (!is(false, signal.declared)) hold('declared-private');
  if (!is(false, signal.tainted)) hold('conversation-private');
  const { privacy, thresholds } = policy;
  const found = (kind: 'identifier' | 'topic', name: string, handling: 'device' | 'redact' | undefined): void => {
    isFound = true;
    if ((handling ?? privacy.default) !== 'redact') isHeld = true;
    const reason = `${kind}:${name}`;
    if (!reasons.includes(reason)) reasons.push(reason);
  };
  for (const { type, confidence } of signal.identifiers) {
    if (!(confidence < thresholds.identifier_confidence)) found('identifier', type, privacy.identifiers[type]);
  }
  for (const { topic, confidence } of signal.topics) {
    if (!(confidence < (thresholds.topic_confidence ?? defaultTopicThresholds[topic])))
      found('topic', topic, privacy.topics[topic]);
  }
  if (isHeld) return { handling: 'device', reasons };
  if (!isFound) return { handling: 'open', reasons };
  // Until the redacted form was checked itself, there is nothing that may leave.
  if (!is(true, signal.redactedClean)) return { handling: 'device', reasons: [...reasons, 'not-redacted'] };
  return { handling: 'redact', reasons };
}

/** Exactly that, whatever the types promise: a detector of another build must not open the gate with an `undefined`. */
function is(wanted: boolean, value: unknown): boolean {
  return value === wanted;
}
