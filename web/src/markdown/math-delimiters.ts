/** Models write `\(x\)` and `\[x\]`; Markdown's mathematics is written with dollars. The length stays the same. */

/** Code keeps its backslashes: fences and spans are passed over. */
const pieces = /(```[\s\S]*?(?:```|$)|~~~[\s\S]*?(?:~~~|$)|`[^`\n]*`)|\\([[\]()])/g;

export function withDollars(source: string): string {
  return source.replaceAll(pieces, (_, code: string | undefined) => code ?? '$$');
}
