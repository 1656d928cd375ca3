import { findIdentifiers } from './identifiers/identifiers.ts';
import { normalise, originalRange, type NormalisedText } from './normalise.ts';
import type { IdentifierMatch, PrivacyFinding } from './types.ts';

/** How much of the end of one turn and of the beginning of the next is looked at. */
const reach = 48;
/** A number may be given in this many turns. */
const maximumTurns = 4;

export type Turn = { segment: number; text: string };
type Piece = { segment: number; normalised: NormalisedText; start: number; end: number };

const wordsOfParts =
  /念|拼|段|分开|部分|开头|结尾|前缀|后缀|前半|后半|前面|后面|前几位|后几位|[前后][\d一二三四五六七八九十]{1,2}位|剩下|接着|还有|完整|继续|第一部分|第二部分|手机|电话|号码|卡号|身份证|first|last|rest|second half|then|continue|remaining|phone|number|digits|part|start|begin|end|half|social|text me|call me/;

/** The last digits of a turn, the first, or all of a turn that is little else. */
function digitPiece(segment: number, normalised: NormalisedText, which: 'first' | 'last' | 'only'): Piece | undefined {
  // A turn of numerals alone: 一三八, and in the next one 零零一三.
  const spoken = /^\s*[\d〇零一二三四五六七八九幺两洞拐]{2,12}(?=[\s,.。,;]*$)/.exec(normalised.text);
  if (spoken !== null) return { segment, normalised, start: 0, end: spoken[0].length };
  const groups: { start: number; end: number }[] = [];
  const run = /\+?\d(?:[\s._-]{0,2}\d)*[xX]?/g;
  for (const match of normalised.digits.matchAll(run))
    groups.push({ start: match.index, end: match.index + match[0].length });
  const group = which === 'last' ? groups.at(-1) : groups[0];
  if (group === undefined || (which === 'only' && groups.length !== 1)) return undefined;
  if (which === 'last' && normalised.text.length - group.end > 12) return undefined;
  if (which !== 'last' && group.start > 20) return undefined;
  return { segment, normalised, ...group };
}

/** Words before the first piece that tell what it is: `my social is three parts, first 536`. */
function withLabel(piece: Piece): Piece {
  return { ...piece, start: Math.max(0, piece.start - 46) };
}

/** `我邮箱前面是 name2044`, and in the next turn `@host.com`: the halves of an e-mail address. */
function splitEmail(one: Piece, two: Piece): PrivacyFinding[] {
  const local = /(?<![a-z0-9._%+-])[a-z0-9][a-z0-9._%+-]{1,40}$/.exec(
    one.normalised.lower.trimEnd().replace(/[.,。,;!?]+$/, ''),
  );
  const host = /^[^\n@]{0,12}?(?<![a-z0-9._-])@\s?[a-z0-9-]{2,40}(?:\.[a-z0-9-]{2,20}){0,2}\.[a-z]{2,10}/.exec(
    two.normalised.lower,
  );
  if (local === null || host === null) return [];
  const at = host[0].indexOf('@');
  const match: IdentifierMatch = { type: 'email', start: 0, end: 0, confidence: 0.85, rule: 'email-split' };
  return [
    { ...match, ...originalRange(one.normalised, local.index, local.index + local[0].length), segment: one.segment },
    { ...match, ...originalRange(two.normalised, at, host[0].length), segment: two.segment },
  ];
}

/** Findings over joined pieces, given back as one finding for each turn that holds a part. */
function joined(pieces: Piece[], between: string, accept: (match: IdentifierMatch) => boolean): PrivacyFinding[] {
  let text = '';
  const offsets: number[] = [];
  for (const [index, piece] of pieces.entries()) {
    if (index > 0) text += between;
    offsets.push(text.length);
    text += piece.normalised.text.slice(piece.start, piece.end);
  }
  const found: PrivacyFinding[] = [];
  const whole = normalise(text);
  // The joined text is normalised already, so its offsets are those of `whole` unless an escape appeared at a seam.
  if (whole.text.length !== text.length) return found;
  for (const match of findIdentifiers(whole)) {
    const parts = pieces.flatMap((piece, index) => {
      const offset = offsets[index] ?? 0;
      const start = Math.max(match.start, offset);
      const end = Math.min(match.end, offset + piece.end - piece.start);
      return start < end ? [{ piece, start: start - offset + piece.start, end: end - offset + piece.start }] : [];
    });
    if (parts.length < 2 || !accept(match)) continue;
    for (const { piece, start, end } of parts) {
      found.push({
        ...match,
        ...originalRange(piece.normalised, start, end),
        confidence: Math.min(match.confidence, 0.9),
        rule: `${match.rule}-split`,
        segment: piece.segment,
      });
    }
  }
  return found;
}

/** Types whose form alone is proof enough to be believed across a seam. */
const checked = new Set([
  'resident-id',
  'bank-card',
  'iban',
  'social-credit-code',
  'email',
  'secret',
  'licence-plate',
  'hkid',
  'taiwan-id',
  'vin',
]);

/**
 * Identifiers that a person gives in pieces over consecutive turns: `11010519491231` and then `002X`. Reads the seam
 * between neighbours as text, and the digits at the seams as one number.
 */
export function findSplitIdentifiers(turns: readonly Turn[]): PrivacyFinding[] {
  const found: PrivacyFinding[] = [];
  const normalised = turns.map(({ text }) =>
    normalise(text.length > 4 * reach ? text.slice(0, 2 * reach) + text.slice(-2 * reach) : text),
  );
  const shift = (index: number): number => {
    const length = turns[index]?.text.length ?? 0;
    return length > 4 * reach ? length - 4 * reach : 0;
  };
  for (let first = 0; first + 1 < turns.length; first++) {
    const one = normalised[first];
    const two = normalised[first + 1];
    const turn = turns[first];
    const next = turns[first + 1];
    if (one === undefined || two === undefined || turn === undefined || next === undefined) continue;
    const cue = wordsOfParts.test(one.lower.slice(-reach)) || wordsOfParts.test(two.lower.slice(0, reach));
    const seam = [
      { segment: first, normalised: one, start: Math.max(0, one.text.length - reach), end: one.text.trimEnd().length },
      {
        segment: first + 1,
        normalised: two,
        start: two.text.length - two.text.trimStart().length,
        end: Math.min(reach, two.text.length),
      },
    ];
    const [tail, head] = seam;
    if (tail !== undefined && head !== undefined) found.push(...splitEmail(tail, head));
    if (seam.every(({ start, end }) => start < end)) found.push(...joined(seam, '', ({ type }) => checked.has(type)));
    const pieces: Piece[] = [];
    for (let last = first; last < Math.min(turns.length, first + maximumTurns); last++) {
      const text = normalised[last];
      if (text === undefined) break;
      const piece = digitPiece(last, text, last === first ? 'last' : 'first');
      // Up to two turns about something else may stand between the parts.
      if (piece === undefined && last > first && last - first - pieces.length < 2) continue;
      if (piece === undefined) break;
      pieces.push(piece);
      if (pieces.length < 2) continue;
      const mostlyDigits = pieces.every(
        ({ normalised: whole, start, end }) => end - start >= whole.text.trim().length * 0.6,
      );
      const told = pieces.some(({ normalised: whole }) => wordsOfParts.test(whole.lower.slice(0, reach)));
      const [firstPiece, ...others] = pieces;
      if (firstPiece === undefined) continue;
      found.push(
        ...joined(
          [withLabel(firstPiece), ...others],
          ' ',
          ({ type }) => checked.has(type) || cue || told || mostlyDigits,
        ),
      );
      if (digitPiece(last, text, 'only') === undefined) break;
    }
  }
  // Long turns were read without their middle: offsets behind the cut move by what was left out.
  for (const finding of found) {
    const moved = finding.start >= 2 * reach ? shift(finding.segment) : 0;
    finding.start += moved;
    finding.end += moved;
    finding.segment = turns[finding.segment]?.segment ?? 0;
  }
  return found;
}
