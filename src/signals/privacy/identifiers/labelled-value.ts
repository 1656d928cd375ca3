import type { IdentifierMatch, IdentifierType } from '../types.ts';
import { holds, matchesIn, type RuleInput } from './rule-input.ts';

/** A value that only its label makes personal: a form's key, a variable, or words of a sentence. Patterns are regular
 * expression sources over lower-case, simplified text, without capturing groups. */
export type LabelledValue = {
  type: IdentifierType;
  rule: string;
  /** 0–1, with the label in front of the value. */
  confidence: number;
  /** A quick test: without a match no label can be there. */
  hint: RegExp;
  label: string;
  value: string;
  /** What may stand between label and value. Default `link`. */
  between?: string;
  /** Whether `value 是我的 label` and `value (label)` count too. Default false. */
  behind?: boolean;
  /** A last look at a candidate. */
  accept?: (value: string, input: RuleInput, start: number, end: number) => boolean;
};

/** Rest of the label (号, number), then signs, quotes and the words that lead to a value in forms, code and sentences. */
export const link =
  "(?:[ _-]?(?:号码?|码|编号|number|num|nr|no\\.?|id|#))?(?:[\\s\"'`:=()\\[\\]{}【】「」<>|#,.>~→*/-]|[是为係系叫填到在成写着]|就是|还是|应该是|好像是|改成了|换成了|改为|换为|变更为|更新为|如下|以下|给你|我念|念一下|报一下|我报|我说|写的|填的|多少[?]|(?<![a-z])(?:is|was|are|as|of|my|the|this|mine|it's|number|no|id)(?![a-z])){0,9}";
const behindLink =
  '["\'`]?\\s?(?:\\((?:这?是|即)?|[,:]?\\s?(?:这个|这串|那个|这|就|也)?(?:是|为|即)|\\s(?:is|was|as)\\s)\\s?(?:[我他她你您](?:们|的)?|本人|公司|客户|患者|病人|孩子|老公|老婆|爸|妈|my|his|her|our|the|a|your)?(?:的|家的?|公司的?)?\\s?[^\\n,。;\\d]{0,6}?';

type Compiled = { source: LabelledValue; forward: RegExp; backward: RegExp | undefined };

function compile(source: LabelledValue): Compiled {
  const { label, value, between = link } = source;
  return {
    source,
    forward: new RegExp(`(?:${label})${between}(${value})`, 'g'),
    backward: source.behind === true ? new RegExp(`(?<![a-z\\d-])(${value})${behindLink}(?:${label})`, 'g') : undefined,
  };
}

/** A rule that finds the values of all these labels. */
export function labelledValues(sources: readonly LabelledValue[]): (input: RuleInput) => IdentifierMatch[] {
  const compiled = sources.map(compile);
  return (input) => {
    const found: IdentifierMatch[] = [];
    // Every value holds a letter or a digit.
    if (!holds(input, /[a-z\d]/)) return found;
    for (const { source, forward, backward } of compiled) {
      if (!holds(input, source.hint)) continue;
      const { type, rule, confidence, accept } = source;
      const add = (value: string, start: number, sure: number): void => {
        const end = start + value.length;
        if (accept === undefined || accept(value, input, start, end))
          found.push({ type, start, end, confidence: sure, rule });
      };
      for (const match of matchesIn(input, forward)) {
        const value = match[1] ?? '';
        add(value, match.index + match[0].length - value.length, confidence);
      }
      if (backward === undefined) continue;
      for (const match of matchesIn(input, backward)) add(match[1] ?? '', match.index, Math.min(confidence, 0.8));
    }
    return found;
  };
}

/** How many digits a value holds. */
export const digitCount = (value: string): number => value.match(/\d/g)?.length ?? 0;
