/**
 * Words by which people decide, promise and leave open. A small model overlooks such lines and takes others for them; where
 * the language is known here, what it wrote is held against these, and lines with strong words are noted without it.
 */

type Cues = {
  decision: RegExp;
  /** Somebody takes something on, or is asked to. */
  action: RegExp;
  /** The speaker of the line is the one who does it. */
  firstPerson: RegExp;
  /** All of them are to do it: nobody in particular. */
  jointly: RegExp;
  /** Somebody is named right before what that one is to do: the first group is the name. */
  named: readonly RegExp[];
  open: RegExp;
  /** An answer that settles the question before it. */
  settles: RegExp;
  /** Words at the start of a line that add nothing. */
  filler: RegExp;
};

const english: Cues = {
  decision:
    /\b(?:we(?:'ve| have)? (?:all )?(?:decided?|agreed?)(?! with)|(?:then|so) we(?:'ll| will) (?:go with|take|use|move|postpone|keep|skip|drop)|let's (?:go with|postpone|move|keep|skip|drop|take)|(?:is|are|was|been) (?:approved|accepted|postponed|cancell?ed|rejected|decided|settled)|(?:the|our|my) decision is|moves? (?:from \S+ )?to (?:next )?(?:mon|tues|wednes|thurs|fri|satur|sun)day)\b/i,
  action:
    /\b(?:i(?:'ll| will|'m going to| am going to| can (?:take|do|look|write|check|send|ask|call|prepare|fix|talk|try|handle))(?! (?:not|never|be|see|say|think)\b)|please|(?:could|can|would|will) you|i need you to|you(?:'ll| will| should| need to| have to)|[A-Z][a-z]+,? (?:will|is going to|has to|needs to|should|takes|take care)|(?:we|somebody|someone) (?:have|has|need|needs) to|action item|by (?:tomorrow|next week|the end of|monday|tuesday|wednesday|thursday|friday))\b/i,
  firstPerson: /\b(?:i(?:'ll| will|'m going to| am going to| can)|my task)\b/i,
  jointly: /\bwe (?:have to|need to|should|must|will)\b/i,
  named: [
    /\b([A-Z][a-z]+),? (?:please|can you|could you|would you|will you)\b/,
    /\b([A-Z][a-z]+) (?:will|is going to|has to|needs to|takes care|should)\b/,
    /\bplease,? ([A-Z][a-z]+)\b/,
  ],
  open: /\b(?:don't know|do not know|not (?:yet )?(?:clear|decided|sure|known)|unclear|open question|(?:have|need) to (?:ask|find out|clarify)|still open|to be (?:decided|clarified)|no idea)\b/i,
  settles: /^(?:yes|yeah|yep|no|nope|sure|of course|agreed|right|exactly|absolutely|definitely|because)\b/i,
  filler:
    /^(?:(?:ok(?:ay)?|great|good|well|so|then|yes|yeah|right|and|but|all right|alright|wonderful|fine|agreed|perfect)[,.!]?\s+)+(?=\S+\s)/i,
};

const chinese: Cues = {
  decision:
    /决定|定下来|就这么定|定了|一致同意|都同意|通过了|推迟到|提前到|改到|改成|延期到|批下来|批准|敲定|确定为|确定用|不再/,
  action:
    /(?:来|去|会)?负责|之前(?:要|把|给|完成|修|发|提交|做|交)|(?:我|我们)(?:来|会|去|明天|今天|下周|这周|周[一二三四五六日天])|请[\p{Script=Han}]{1,4}(?:在|把|给|去|来|负责|准备|帮)|麻烦[\p{Script=Han}]{1,4}|你(?:来|去|把)|需要[\p{Script=Han}]{0,6}(?:跟进|完成|提交|准备)|要[\p{Script=Han}]{0,2}问一下|(?:发|写|准备|整理|联系|通知|提交|安排)一?[份封下个]/u,
  firstPerson: /我(?:来|会|去|负责|明天|今天|下周|这周|周[一二三四五六日天]|之前)|由我/,
  jointly: /我们(?:要|得|需要|应该|会)/,
  named: [
    /(?:请|让|由|麻烦)([\p{Script=Han}]{2,3}?)(?=在|把|给|去|来|负责|准备|帮|明天|今天|下周|周)/u,
    /^(?:[\p{Script=Han}]{1,3}[,，、。 ])?([小老阿][\p{Script=Han}])(?=明天|今天|下周|周|来|去|负责|你|把|给)/u,
  ],
  open: /不清楚|不知道|不确定|还没(?:有)?(?:定|决定|确定|结论|想好)|待(?:定|确认)|要问一下|再讨论|再确认|以后再|下次再/,
  settles: /^(?:要的|是的?|对|好的?|没问题|可以|行|同意|不用|不是|当然|因为)(?:[,，。!！]|$|\s)/,
  filler: /^(?:(?:好的?|那么?|嗯|对|行|很好|另外|然后|要的|同意|没问题|是的)[,，。、!！\s]+)*(?:那(?=我们|就|我))?/,
};

const byLanguage: Record<string, Cues> = { en: english, zh: chinese };

/** `undefined` for a language whose words are not listed here: then the model is taken at its word, as far as it is borne out. */
export function cuesOf(language: string): Cues | undefined {
  return byLanguage[language];
}

export type { Cues };
