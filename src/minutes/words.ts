/** Words of a text for comparing what a model wrote with what was said: words, and pairs of characters where none are written. */

const pieces = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]+|[\p{L}\p{N}]+/gu;
const withoutSpaces = /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/u;
/** Too common to show that two texts are about the same. */
const common = new Set(
  'a an and are as at be been but by can do does for from had has have he her him his how i if in is it its let me my no not of ok okay on or our out she so that the their them then there they this to up was we were what when where which who why will with would yes you your'.split(
    ' ',
  ),
);

export function wordsOf(text: string): Set<string> {
  const words = new Set<string>();
  for (const [piece] of text.toLowerCase().matchAll(pieces)) {
    if (withoutSpaces.test(piece)) {
      const characters = Array.from(piece);
      if (characters.length === 1) words.add(piece);
      for (let at = 0; at + 1 < characters.length; at++) words.add(`${characters[at]}${characters[at + 1]}`);
    } else if (!common.has(piece)) words.add(stem(piece));
  }
  return words;
}

/** Share of `part` that `whole` holds too; 0 where `part` has no words. */
export function shareIn(part: ReadonlySet<string>, whole: ReadonlySet<string>): number {
  if (part.size === 0) return 0;
  let found = 0;
  for (const word of part) if (whole.has(word)) found++;
  return found / part.size;
}

/** English endings only: enough for `move` and `moves`, `fixed` and `fix`. */
function stem(word: string): string {
  return word.length > 4 ? word.replace(/(?:ing|ed|es|s|e)$/, '') : word;
}

/** Lower case, single spaces, no marks: for finding a name or a date in what was said. */
export function plain(text: string): string {
  return text
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();
}

/** Whether the words of `needle` stand in `text` in this order; whole words where the script has spaces. */
export function says(text: string, needle: string): boolean {
  const wanted = plain(needle);
  if (wanted === '') return false;
  if (withoutSpaces.test(wanted)) return plain(text).replaceAll(' ', '').includes(wanted.replaceAll(' ', ''));
  return ` ${plain(text)} `.includes(` ${wanted} `);
}
