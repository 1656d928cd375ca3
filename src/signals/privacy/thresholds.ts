import type { SensitiveTopic } from './types.ts';

/** Scores from which a topic makes a request private, 0–1. Chosen by cross-validation over the hand-written
 * examples (`training/cross-validate.ts`), where it balances misses against false alarms. */
export const defaultTopicThresholds: Readonly<Record<SensitiveTopic, number>> = {
  health: 0.4,
  finance: 0.4,
  children: 0.4,
  religion: 0.4,
  sexuality: 0.4,
  biometric: 0.4,
  location: 0.4,
  'company-secret': 0.4,
};
/** Confidence from which an identifier makes a request private, 0–1. */
export const defaultIdentifierThreshold = 0.5;
