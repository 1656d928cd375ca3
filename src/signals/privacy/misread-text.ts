import { convertNumeralRuns } from './chinese-numerals.ts';
import { misreadings as allMisreadings } from './misread-clusters.ts';
import { comparable, type NormalisedText } from './normalise.ts';
import type { IdentifierMatch, TextSegment } from './types.ts';

/**
 * Text that a program read from a picture or heard in speech holds the same identifiers with typical faults: 0 read as O,
 * a number broken over two lines, a form's keys run together, "um" in the middle of a telephone number. Each view of
 * a text undoes some of them; what the rules find there counts beside what they find in the text as it is.
 */
export type TextView = {
  normalised: NormalisedText;
  /** Which findings in this view are believed. */
  accepts(match: IdentifierMatch): boolean;
};

/** Those that a code of letters and digits never holds itself (GB 32100 and plates leave I and O out, GB 32100 also S and Z). */
const safeMisreadings: Record<string, string> = { O: '0', o: '0', I: '1', l: '1', '|': '1', S: '5', Z: '2' };
const token = /[0-9A-Za-z|!]{2,40}/g;
/** Types whose form, checksum or label holds up against a letter that became a digit. */
const verified = new Set<IdentifierMatch['type']>([
  'resident-id', 'bank-card', 'bank-account', 'iban', 'social-credit-code', 'hkid', 'taiwan-id', 'passport', 'travel-permit', 'licence-plate',
  'medical-record', 'social-insurance', 'device-id', 'birth-date',
]); // prettier-ignore

/** Writes digits for the letters in tokens that are mostly digits. Keeps the length. Undefined where nothing changes. */
function withDigits(text: string, misreadings: Record<string, string>): string | undefined {
  let changed = false;
  const repaired = text.replace(token, (word) => {
    const digits = word.match(/\d/g)?.length ?? 0;
    const misread = Array.from(word).filter((character) => character in misreadings).length;
    if (misread === 0 || digits === 0 || digits + misread < word.length * 0.8) return word;
    // O and l are read for 0 and 1 wherever these stand, the others now and then.
    if (digits < misread && !/^[0-9OoIl|]+$/.test(word)) return word;
    changed = true;
    return Array.from(word, (character) => misreadings[character] ?? character).join('');
  });
  return changed ? repaired : undefined;
}

function viewOf(normalised: NormalisedText, text: string): NormalisedText {
  return { ...normalised, text, lower: comparable(text), digits: convertNumeralRuns(text) };
}

/** A view without the stretches that `pattern` matches; the way back to the original stays. */
function without(normalised: NormalisedText, pattern: RegExp): NormalisedText | undefined {
  const kept: number[] = [];
  let from = 0;
  for (const match of normalised.text.matchAll(pattern)) {
    for (let index = from; index < match.index; index++) kept.push(index);
    from = match.index + match[0].length;
  }
  if (from === 0) return undefined;
  for (let index = from; index < normalised.text.length; index++) kept.push(index);
  const text = kept.map((index) => normalised.text[index]).join('');
  return {
    text,
    lower: comparable(text),
    digits: convertNumeralRuns(text),
    starts: Uint32Array.from(kept, (index) => normalised.starts[index] ?? 0),
    ends: Uint32Array.from(kept, (index) => normalised.ends[index] ?? 0),
  };
}

/** Blanks and line breaks that a reader of pictures puts between ideographs, and between them and digits. */
const blanks = /(?<=[\u4e00-\u9fa5])\s{1,3}(?=[\u4e00-\u9fa50-9])|(?<=\d)\s{1,3}(?=[\u4e00-\u9fa5])/g;
const numeral = '0-9〇零一二三四五六七八九十幺两洞拐勾';
/** What people say between the digits of a number, and the commas that a transcript puts there. */
const fillers = new RegExp(
  `(?<=[${numeral}])(?:[\\s,。.、…-]{0,3}(?:嗯+|呃+|额|啊+|哦|唔|哎|那个|这个|就是|然后|接着|再|杠|um+|uh+|er+|ehm|and then|dash)[\\s,。.、…-]{0,3}|[\\s,。、…-]{1,3}){1,3}(?=[${numeral}])|(?<![a-z])(?:um+|uh+|erm?|ehm)(?![a-z]),?\\s?`,
  'g',
);

/** The views in which a text of this origin is examined as well. */
export function misreadViews(normalised: NormalisedText, origin: TextSegment['origin']): TextView[] {
  const views: TextView[] = [];
  if (origin === 'image') {
    for (const misreadings of [allMisreadings, safeMisreadings]) {
      const text = withDigits(normalised.text, misreadings);
      if (text === undefined) continue;
      views.push({
        normalised: viewOf(normalised, text),
        accepts: ({ type, confidence }) => verified.has(type) || (type === 'phone' && confidence >= 0.85),
      });
    }
    const joined = without(normalised, blanks);
    if (joined !== undefined) {
      views.push({
        normalised: joined,
        accepts: ({ type, confidence }) =>
          type === 'person-name' || type === 'address' || type === 'birth-date' || confidence >= 0.9,
      });
    }
  } else if (origin === 'speech') {
    const fluent = without(normalised, fillers);
    if (fluent !== undefined) views.push({ normalised: fluent, accepts: () => true });
  }
  return views;
}
