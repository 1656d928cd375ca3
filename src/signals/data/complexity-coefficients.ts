import type { TaskKind } from '../task/classify-task.ts';

/**
 * Logistic coefficients of the complexity estimate: how likely a small model is to fail. First set by judgement, meant to
 * be replaced by a fit on recorded answers; the features keep their names and scales.
 */
export type ComplexityCoefficients = {
  version: string;
  bias: number;
  features: Record<ComplexityFeature, number>;
  tasks: Record<TaskKind, number>;
};

export type ComplexityFeature =
  /** ln(1 + characters of the newest user text / 100). */
  | 'length'
  /** ln(1 + characters of the whole conversation / 1000). */
  | 'context'
  /** Cues for several steps, 0–4. */
  | 'steps'
  /** Constraints on the answer (at least, exactly, format), 0–4. */
  | 'constraints'
  /** Numbers in the newest text, ln(1 + count). */
  | 'numbers'
  /** Operators, brackets and formulas, ln(1 + count). */
  | 'symbols'
  /** Blocks and lines of code, ln(1 + lines). */
  | 'code'
  /** Questions after the first, 0–4. */
  | 'questions'
  /** Words of hard subjects (prove, optimise, legal, quantum …), 0–4. */
  | 'hardSubjects'
  /** Words of easy requests (greeting, thanks, joke), 0 or 1. */
  | 'easy'
  /** Share of long words in Latin text, 0–1. */
  | 'longWords'
  /** Neither mostly Chinese nor mostly English, 0 or 1. */
  | 'otherLanguage'
  /** The answer has to follow a JSON schema or call tools, 0 or 1. */
  | 'structured';

export const complexityCoefficients: ComplexityCoefficients = {
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
