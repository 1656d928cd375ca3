/** Room for the model's thoughts before an answer that a grammar forces. */
import type { GrammarBuilder } from './gbnf.ts';

/**
 * - `none`: the answer starts at once.
 * - `optional`: the model may write one `<think>` block first.
 * - `open`: the prompt already ends with `<think>`, so the model finishes its thoughts first.
 */
export type ReasoningPrefix = 'none' | 'optional' | 'open';

/** The body of a rule: reasoning, then `answer` (a rule name). */
export function withReasoning(grammar: GrammarBuilder, reasoning: ReasoningPrefix, answer: string): string {
  if (reasoning === 'none') return answer;
  // Text without "</think" in it, as far as a grammar need know: no "</" followed by t.
  const thought = grammar.rule('thought', '[^<] | "<"+ [^</] | "<"+ "/" [^t<]');
  const thoughts = `${thought}* "</think>" [ \\t\\n]{0,4} "<answer>"? "\\n"?`;
  return reasoning === 'open' ? `${thoughts} ${answer}` : `("<think>" ${thoughts})? ${answer}`;
}
