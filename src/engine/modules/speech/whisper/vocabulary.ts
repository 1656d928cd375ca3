import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { makeError } from '../../../../core/errors.ts';
import { firstLanguage, firstSpecialToken, languageCount } from '../../../../models/whisper/whisper-tokens.ts';

/** What is read of a `tokenizer.json`: byte-level pair encoding as in GPT-2. */
const tokenizerSchema = z.object({
  added_tokens: z.array(z.object({ id: z.int(), content: z.string() })),
  model: z.object({
    vocab: z.record(z.string(), z.int()),
    merges: z.array(z.union([z.string(), z.array(z.string())])),
  }),
});

/** GPT-2's way of cutting text before pairs are merged. */
const pieces = /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu;

/** Text ⇄ tokens. */
export class Vocabulary {
  readonly #bytesByToken: Uint8Array[] = [];
  readonly #tokens: Map<string, number>;
  readonly #ranks = new Map<string, number>();
  /** ISO 639-1 (or Whisper's own code) by language token − `firstLanguage`. */
  readonly languages: string[] = [];

  constructor(source: unknown) {
    const parsed = tokenizerSchema.safeParse(source);
    if (!parsed.success) throw makeError('model_file_invalid', { file: 'tokenizer.json', reason: 'not a tokenizer' });
    const { model, added_tokens: added } = parsed.data;
    this.#tokens = new Map(Object.entries(model.vocab));
    const bytes = new Map(byteCharacters().map((character, byte) => [character, byte]));
    for (const [text, token] of this.#tokens) {
      if (token < firstSpecialToken) {
        this.#bytesByToken[token] = Uint8Array.from(text, (character) => bytes.get(character) ?? 0x3f);
      }
    }
    model.merges.forEach((merge, rank) => this.#ranks.set(typeof merge === 'string' ? merge : merge.join(' '), rank));
    for (const { id, content } of added) {
      const index = id - firstLanguage;
      if (index >= 0 && index < languageCount) this.languages[index] = content.slice(2, -2);
    }
  }

  static async read(path: string): Promise<Vocabulary> {
    return new Vocabulary(JSON.parse(await readFile(path, 'utf8')));
  }

  /** Special tokens are left out; incomplete characters become U+FFFD. */
  decode(tokens: readonly number[]): string {
    return Buffer.concat(tokens.map((token) => this.#bytesByToken[token] ?? new Uint8Array(0))).toString('utf8');
  }

  encode(text: string): number[] {
    const characters = byteCharacters();
    return Array.from(text.matchAll(pieces)).flatMap(([piece]) => {
      const symbols = Array.from(Buffer.from(piece, 'utf8'), (byte) => characters[byte] as string);
      return this.#merge(symbols).map((symbol) => this.#tokens.get(symbol) ?? 0);
    });
  }

  /** The token that stands for a language; `undefined` where Whisper does not know it. */
  languageToken(language: string): number | undefined {
    const index = this.languages.indexOf(language);
    return index < 0 ? undefined : firstLanguage + index;
  }

  #merge(symbols: string[]): string[] {
    for (;;) {
      let best = Number.POSITIVE_INFINITY;
      let place = -1;
      for (let index = 0; index + 1 < symbols.length; index++) {
        const rank = this.#ranks.get(`${symbols[index]} ${symbols[index + 1]}`);
        if (rank !== undefined && rank < best) [best, place] = [rank, index];
      }
      if (place < 0) return symbols;
      symbols.splice(place, 2, `${symbols[place]}${symbols[place + 1]}`);
    }
  }
}

let cachedCharacters: string[] | undefined;
/** The printable character that stands for each byte in a byte-level vocabulary. */
function byteCharacters(): string[] {
  if (cachedCharacters !== undefined) return cachedCharacters;
  const printable = (byte: number): boolean =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff);
  let next = 256;
  cachedCharacters = Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(printable(byte) ? byte : next++));
  return cachedCharacters;
}
