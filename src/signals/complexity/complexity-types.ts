import type { TaskKind } from '../task/classify-task.ts';

/**
 * Logistic coefficients of the complexity estimate: how likely a small model is to fail. Written by a fit on recorded
 * answers (`npm run bench:routing -- train`).
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
  | 'structured'
  /** Digits of the longest number, 0–6. */
  | 'digits'
  /** Operations of arithmetic beyond plus and minus, in signs and words, 0–4. */
  | 'arithmetic'
  /** Comparisons and sequences (taller than, next, days after), 0–4. */
  | 'relations'
  /** Only the answer is wanted, without the way to it, 0 or 1. */
  | 'bareAnswer'
  /** Mostly Latin letters, 0 or 1. */
  | 'latin'
  /** Lines of the newest text after the first, ln(1 + count). */
  | 'lines';
