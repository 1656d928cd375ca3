import { readFile } from 'node:fs/promises';
import { makeError } from '../../../../core/errors.ts';

const wordStart = '▁';

/** The pieces of SentencePiece by their numbers: a line `piece number` each. */
export class TokenTable {
  readonly #pieces: readonly string[];

  constructor(text: string, size: number) {
    const pieces: string[] = [];
    for (const line of text.split('\n')) {
      const [, piece, number] = /^(.*) (\d+)\r?$/.exec(line) ?? [];
      if (piece !== undefined) pieces[Number(number)] = piece;
    }
    if (pieces.length !== size || pieces.includes(undefined as unknown as string)) {
      throw makeError('model_file_invalid', {
        file: 'tokens.txt',
        reason: `it names ${pieces.length} tokens where the model has ${size}`,
      });
    }
    this.#pieces = pieces;
  }

  static async read(path: string, size: number): Promise<TokenTable> {
    return new TokenTable(await readFile(path, 'utf8'), size);
  }

  /** What a mark such as `<|zh|>` says; `undefined` for text. */
  mark(token: number): string | undefined {
    return /^<\|(.*)\|>$/.exec(this.#pieces[token] ?? '')?.[1];
  }

  startsWord(token: number): boolean {
    return this.#pieces[token]?.startsWith(wordStart) ?? false;
  }

  /** With the space that begins a word. Bytes that make no whole character become U+FFFD; marks and unknown tokens are left out. */
  decode(tokens: readonly number[]): string {
    const parts = tokens.map((token) => {
      const piece = this.#pieces[token] ?? '';
      const byte = /^<0x([0-9A-F]{2})>$/i.exec(piece)?.[1];
      if (byte !== undefined) return Buffer.from(byte, 'hex');
      return Buffer.from(/^<.+>$/.test(piece) ? '' : piece.replaceAll(wordStart, ' '), 'utf8');
    });
    return Buffer.concat(parts).toString('utf8');
  }
}
