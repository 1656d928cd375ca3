/** What the privacy detector says. Nothing here ever holds the text itself, so a verdict may be logged. */

/** Groups the rules by what they find; `rule` in a finding says which of them it was. */
export type IdentifierType =
  | 'resident-id'
  | 'phone'
  | 'bank-card'
  | 'bank-account'
  | 'iban'
  | 'passport'
  | 'travel-permit'
  | 'hkid'
  | 'taiwan-id'
  | 'social-credit-code'
  | 'licence-plate'
  | 'vin'
  | 'email'
  | 'ip-address'
  | 'us-ssn'
  | 'messenger-id'
  | 'secret'
  | 'password'
  | 'verification-code'
  | 'coordinates'
  | 'person-name'
  | 'address'
  | 'birth-date'
  | 'medical-record'
  | 'social-insurance'
  | 'device-id'
  | 'word-list';

export type SensitiveTopic =
  | 'health'
  | 'finance'
  | 'children'
  | 'religion'
  | 'sexuality'
  | 'biometric'
  | 'location'
  | 'company-secret';

/** The order of the classifier's outputs; a model file is bound to it. */
export const sensitiveTopics: readonly SensitiveTopic[] = [
  'health',
  'finance',
  'children',
  'religion',
  'sexuality',
  'biometric',
  'location',
  'company-secret',
];

/** Offsets are UTF-16 code units in whatever text the producer names. */
export type IdentifierMatch = {
  type: IdentifierType;
  start: number;
  /** Exclusive. */
  end: number;
  /** 0–1. From 0.5 on, a finding makes the request private by default. */
  confidence: number;
  /** Name of the rule, for example `resident-id-18`. */
  rule: string;
};

/** `start` and `end` are UTF-16 offsets in the ORIGINAL text of segment number `segment`. */
export type PrivacyFinding = IdentifierMatch & { segment: number };

export type TextSegment = {
  role: 'system' | 'user' | 'assistant' | 'tool';
  text: string;
  /** Where the text came from: typed, read from a picture, transcribed from speech, a tool's arguments or result. */
  origin: 'text' | 'image' | 'speech' | 'tool';
};
