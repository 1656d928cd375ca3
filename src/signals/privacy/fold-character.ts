/**
 * Folds one code point to the plain form that the rules are written for. Sources: Unicode NFKC, the confusables that
 * matter in addresses and tokens (UTS 39), and the decimal digit blocks of the scripts in common use.
 */

/** Letters of other scripts that look like Latin ones. Only used for matching; the text itself is never changed. */
const lookalikes: Record<string, string> = {
  а: 'a', в: 'b', с: 'c', ԁ: 'd', е: 'e', һ: 'h', і: 'i', ј: 'j', к: 'k', ӏ: 'l', м: 'm', о: 'o', р: 'p', ԛ: 'q',
  ѕ: 's', т: 't', ѵ: 'v', ԝ: 'w', х: 'x', у: 'y', А: 'A', В: 'B', С: 'C', Е: 'E', Н: 'H', І: 'I', Ј: 'J', К: 'K',
  М: 'M', О: 'O', Р: 'P', Ѕ: 'S', Т: 'T', Х: 'X', У: 'Y', α: 'a', ι: 'i', κ: 'k', ν: 'v', ο: 'o', ρ: 'p', τ: 't',
  υ: 'u', χ: 'x', Α: 'A', Β: 'B', Ε: 'E', Ζ: 'Z', Η: 'H', Ι: 'I', Κ: 'K', Μ: 'M', Ν: 'N', Ο: 'O', Ρ: 'P', Τ: 'T',
  Υ: 'Y', Χ: 'X', ı: 'i', ɑ: 'a', ɡ: 'g', '×': 'x', '–': '-', '—': '-', '‐': '-', '‑': '-', '‒': '-', '―': '-',
  '−': '-', '•': '·', '・': '·', '‧': '·', '∙': '·', '⋅': '·', '\u2028': '\n', '\u2029': '\n', '“': '"', '”': '"',
  '‘': "'", '’': "'",
}; // prettier-ignore

/** First code point of each block of ten decimal digits outside ASCII that NFKC leaves alone. */
const digitZeros = [
  0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xe50, 0xed0, 0xf20, 0x1040,
  0x17e0, 0x1810,
];
/** Circled digits that NFKC leaves alone: code point of the one, nine in a row. */
const circledOnes = [0x2776, 0x2780, 0x278a, 0x24f5];

/** Characters that print nothing: zero width, bidi controls, variation selectors, tags, combining marks, keycaps. */
function isInvisible(codePoint: number): boolean {
  return (
    codePoint === 0xad ||
    (codePoint >= 0x300 && codePoint <= 0x36f) ||
    codePoint === 0x61c ||
    codePoint === 0x180e ||
    (codePoint >= 0x200b && codePoint <= 0x200f) ||
    (codePoint >= 0x202a && codePoint <= 0x202e) ||
    (codePoint >= 0x2060 && codePoint <= 0x206f) ||
    codePoint === 0x20e3 ||
    codePoint === 0x3164 ||
    (codePoint >= 0xfe00 && codePoint <= 0xfe0f) ||
    codePoint === 0xfeff ||
    (codePoint >= 0xe0000 && codePoint <= 0xe0fff)
  );
}

function compute(codePoint: number): string {
  if (isInvisible(codePoint)) return '';
  const character = String.fromCodePoint(codePoint);
  const lookalike = lookalikes[character];
  if (lookalike !== undefined) return lookalike;
  for (const zero of digitZeros) if (codePoint >= zero && codePoint < zero + 10) return String(codePoint - zero);
  for (const one of circledOnes) if (codePoint >= one && codePoint < one + 9) return String(codePoint - one + 1);
  const folded = character.normalize('NFKC');
  if (/^\s+$/u.test(folded)) return ' ';
  return lookalikes[folded] ?? folded;
}

const cache = new Map<number, string>();
/** Bounds the memory that hostile input can claim; the common characters are in by then. */
const cacheLimit = 4096;

/** The folded form of a code point above 0x7F; empty when it prints nothing. */
export function foldCharacter(codePoint: number): string {
  // Ideographs and kana stand for themselves: the common case in Chinese text, answered without a look-up.
  if (codePoint >= 0x3041 && codePoint <= 0x9fff && (codePoint < 0x3131 || codePoint > 0x33ff)) {
    return String.fromCharCode(codePoint);
  }
  if (codePoint >= 0xff01 && codePoint <= 0xff5e) return String.fromCharCode(codePoint - 0xfee0);
  const known = cache.get(codePoint);
  if (known !== undefined) return known;
  const folded = compute(codePoint);
  if (cache.size < cacheLimit) cache.set(codePoint, folded);
  return folded;
}
