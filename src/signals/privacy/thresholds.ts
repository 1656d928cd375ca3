import type { SensitiveTopic } from './types.ts';

/** Scores from which a topic makes a request private, 0–1. Chosen on the training data, not on a held-out set. */
export const defaultTopicThresholds: Readonly<Record<SensitiveTopic, number>> = {
  health: 0.5,
  finance: 0.5,
  children: 0.5,
  religion: 0.5,
  sexuality: 0.5,
  biometric: 0.5,
  location: 0.5,
  'company-secret': 0.5,
};
/** Confidence from which an identifier makes a request private, 0–1. */
export const defaultIdentifierThreshold = 0.5;
