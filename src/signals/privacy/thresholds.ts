import type { SensitiveTopic } from './types.ts';

/** Scores from which a topic makes a request private, 0–1. Chosen by cross-validation over the hand-written
 * examples (`training/cross-validate.ts`), where it balances misses against false alarms. */
export const defaultTopicThresholds: Readonly<Record<SensitiveTopic, number>> = {
  health: 0.35,
  finance: 0.35,
  children: 0.35,
  religion: 0.35,
  sexuality: 0.35,
  biometric: 0.35,
  location: 0.35,
  'company-secret': 0.35,
};
/** Confidence from which an identifier makes a request private, 0–1. */
export const defaultIdentifierThreshold = 0.5;
