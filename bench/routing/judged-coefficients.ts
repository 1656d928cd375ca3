/** Set by judgement before anything was recorded; the fit is drawn towards them. */
// oxlint-disable no-restricted-imports -- the product's own type
import type { ComplexityCoefficients } from '../../src/signals/complexity/complexity-types.ts';

export const judgedCoefficients: ComplexityCoefficients = {
  version: '0-judgement',
  bias: -2.4,
  features: {
    length: 0.55,
    context: 0.35,
    steps: 0.5,
    constraints: 0.4,
    numbers: 0.3,
    symbols: 0.2,
    code: 0.35,
    questions: 0.35,
    hardSubjects: 0.55,
    easy: -1.5,
    longWords: 0.9,
    otherLanguage: 0.7,
    structured: 0.4,
    digits: 0.1,
    arithmetic: 0.2,
    relations: 0.2,
    bareAnswer: 0,
    latin: 0,
    lines: 0,
  },
  tasks: {
    chat: -0.8,
    question: 0,
    summary: 0.1,
    translation: -0.1,
    code: 1,
    mathematics: 1.2,
    reasoning: 1.1,
    extraction: 0,
    'image-question': 0.5,
    speech: -0.2,
    minutes: 0.5,
  },
};
