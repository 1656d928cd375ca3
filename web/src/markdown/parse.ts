/** Markdown to its tree (CommonMark, GFM, mathematics). What cannot be parsed is shown as it is. */
import type { Nodes, Parents, Root, RootContent } from 'mdast';
import { fromMarkdown } from 'mdast-util-from-markdown';
import { gfmFromMarkdown } from 'mdast-util-gfm';
import { mathFromMarkdown } from 'mdast-util-math';
import { gfm } from 'micromark-extension-gfm';
import { math } from 'micromark-extension-math';
import { withDollars } from './math-delimiters.ts';

export type Block = RootContent;
/** Link targets that were defined apart: `[1]: https://…`. */
export type Definitions = ReadonlyMap<string, string>;

/**
 * Longest text that is parsed at once, characters. A text without a single blank line may be made to take long; beyond
 * this it is shown unformatted.
 */
export const longestParsed = 20_000;

/** Never throws: hostile text may meet a limit of the parser. */
export function parseMarkdown(source: string): Block[] {
  if (source.length > longestParsed && !source.includes('\n\n')) return [plain(source)];
  try {
    const tree: Root = fromMarkdown(withDollars(source), {
      extensions: [gfm(), math()],
      mdastExtensions: [gfmFromMarkdown(), mathFromMarkdown()],
    });
    return tree.children;
  } catch {
    return [plain(source)];
  }
}

export function definitionsOf(blocks: readonly Block[]): Definitions {
  const definitions = new Map<string, string>();
  for (const block of blocks) if (block.type === 'definition') definitions.set(block.identifier, block.url);
  return definitions;
}

export function plain(source: string): Block {
  return {
    type: 'html',
    value: source,
    position: { start: { line: 1, column: 1, offset: 0 }, end: { line: 1, column: 1, offset: source.length } },
  };
}

/** Whether the dollars around it are prices: "from $5 to $10". Pandoc's rule. */
export function isPrice(value: string, after: string): boolean {
  return /^\s|\s$/.test(value) || /^\d/.test(after);
}

export type { Nodes, Parents };
