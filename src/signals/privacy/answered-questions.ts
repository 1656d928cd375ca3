import { findIdentifiers } from './identifiers/identifiers.ts';
import { normalise, originalRange } from './normalise.ts';
import type { IdentifierType, PrivacyFinding, TextSegment } from './types.ts';

/**
 * What an answer says by itself is often no more than a number; the question before it tells what it is: 您的出生日期? and
 * then 1990年5月12号. The end of what was asked is read as the label of the answer.
 */

/** An answer is short; what is longer labels its numbers itself. */
const longestAnswer = 80;
/** How much of the end of a question is looked at. */
const reach = 32;
/** Ends as a question or a request does. */
const asks =
  /(?:[?:]|请(?:问|提供|输入|告诉|填写?|说|讲|发|报|念)|是多少|是什么|哪个|[给发]我|多少号?|what|which|your|enter|provide|tell me|send me|type|go on|please)[^\n]*$/;
/** Words of a question that would stand between the label and the value. */
const politeness =
  /(?:请问?|麻烦|您好|你好|再|提供|输入|告诉我?|填写?|一下|可以|能|方便|吗|呢|吧|是多少|是什么|是哪个|多少|please|could you|can you|would you|tell me|what(?:'s| is| was)|enter|provide|type|give me|[\s?!。,.:…~]|\n)+$/i;
/** Types that a label makes; those with a form of their own were found without it. */
const labelledTypes: ReadonlySet<IdentifierType> = new Set([
  'birth-date',
  'password',
  'verification-code',
  'phone',
  'bank-account',
  'bank-card',
  'social-insurance',
  'us-ssn',
  'medical-record',
  'device-id',
  'messenger-id',
  'passport',
  'travel-permit',
  'taiwan-id',
  'hkid',
  'licence-plate',
  'resident-id',
  'person-name',
]);

/** The end of a turn as a label: without the politeness behind it. */
function labelOf(text: string): string {
  const lower = normalise(text.slice(-3 * reach)).text;
  return lower.replace(politeness, '').slice(-reach);
}

/** Findings in short answers to questions, given for the answer. */
export function findAnsweredQuestions(segments: readonly TextSegment[]): PrivacyFinding[] {
  const found: PrivacyFinding[] = [];
  for (const [segment, { role, text }] of segments.entries()) {
    const question = segments[segment - 1];
    if (role !== 'user' || question?.role !== 'assistant' || text.length > longestAnswer) continue;
    if (!asks.test(question.text.slice(-3 * reach).toLowerCase())) continue;
    // 验证码收到了 / 是多少? / 739204: the question may go back to what was said before it.
    const before = segments[segment - 2];
    const own = labelOf(question.text);
    const labels = [own];
    if (own.length < 6 && before?.role === 'user') labels.push(labelOf(before.text));
    const answer = normalise(text);
    for (const label of labels) {
      if (label === '') continue;
      const lead = `${label}: `;
      const whole = normalise(lead + answer.text);
      if (whole.text.length !== lead.length + answer.text.length) continue;
      for (const match of findIdentifiers(whole)) {
        if (!labelledTypes.has(match.type) || match.start < lead.length) continue;
        const range = originalRange(answer, match.start - lead.length, match.end - lead.length);
        const confidence = Math.min(match.confidence, 0.85);
        found.push({ ...match, ...range, confidence, rule: `${match.rule}-answered`, segment });
      }
    }
  }
  return found;
}
