import type { PrivacyFinding } from './privacy/types.ts';

/** Texts with placeholders in place of findings, and what each placeholder stands for. Never leaves the device. */
export type Redaction = {
  /** One for each text that was given, in order. */
  texts: string[];
  /** Placeholder (`⟦PHONE_1⟧`) to the original characters. */
  values: ReadonlyMap<string, string>;
};

const opening = '⟦';
const closing = '⟧';

/** Two ways to write one value (138 0013 8000, 13800138000) are one value. */
const valueKey = (type: string, value: string): string =>
  `${type}:${value
    .normalize('NFKC')
    .replace(/[\s\-.()·_]/g, '')
    .toLowerCase()}`;

/**
 * Replaces every finding by a placeholder; the same value gets the same placeholder in all texts. Overlapping findings
 * become one. Placeholders that the texts already hold are not used again, so restoring is exact.
 */
export function redact(texts: readonly string[], findings: readonly PrivacyFinding[]): Redaction {
  const taken = new Set(texts.flatMap((text) => text.match(/⟦[A-Z_]+_\d+⟧/g) ?? []));
  const counters = new Map<string, number>();
  const placeholders = new Map<string, string>();
  const values = new Map<string, string>();
  const placeholderFor = (type: string, value: string): string => {
    const key = valueKey(type, value);
    const known = placeholders.get(key);
    if (known !== undefined) return known;
    const name = type.replaceAll('-', '_').toUpperCase();
    let placeholder: string;
    do {
      const count = (counters.get(name) ?? 0) + 1;
      counters.set(name, count);
      placeholder = `${opening}${name}_${count}${closing}`;
    } while (taken.has(placeholder));
    placeholders.set(key, placeholder);
    values.set(placeholder, value);
    return placeholder;
  };
  const redacted = texts.map((text, segment) => {
    const own = findings
      .filter((finding) => finding.segment === segment)
      .sort((a, b) => a.start - b.start || b.end - a.end);
    let result = '';
    let position = 0;
    own.forEach((finding, index) => {
      if (finding.start < position) return;
      // Findings that overlap this one go with it.
      let { end } = finding;
      for (const other of own.slice(index + 1)) if (other.start < end) end = Math.max(end, other.end);
      result += text.slice(position, finding.start) + placeholderFor(finding.type, text.slice(finding.start, end));
      position = end;
    });
    return result + text.slice(position);
  });
  return { texts: redacted, values };
}

export type Restorer = {
  /** Takes a chunk of the answer and gives what can be shown. Keeps back what may be the beginning of a placeholder. */
  push(chunk: string): string;
  /** The rest, when the answer is over. */
  end(): string;
};

/**
 * Puts the original values back into a streamed answer, wherever the chunks break. `encode` changes a value for its place:
 * inside JSON text (tool arguments) pass `(value) => JSON.stringify(value).slice(1, -1)`. Unknown placeholders stay.
 */
export function makeRestorer(
  values: ReadonlyMap<string, string>,
  encode: (value: string) => string = (value) => value,
): Restorer {
  const longest = Math.max(0, ...Array.from(values.keys(), (placeholder) => placeholder.length));
  let held = '';
  const take = (final: boolean): string => {
    let result = '';
    for (;;) {
      const start = held.indexOf(opening);
      if (start < 0) {
        result += held;
        held = '';
        return result;
      }
      result += held.slice(0, start);
      held = held.slice(start);
      const end = held.indexOf(closing);
      const again = held.indexOf(opening, 1);
      const whole = end > 0 && (again < 0 || end < again) ? values.get(held.slice(0, end + 1)) : undefined;
      if (whole !== undefined) {
        result += encode(whole);
        held = held.slice(end + 1);
      } else if (end < 0 && again < 0 && held.length < longest && !final) {
        return result;
      } else {
        // Not one of ours: the bracket is ordinary text.
        result += opening;
        held = held.slice(1);
      }
    }
  };
  return {
    push: (chunk) => {
      held += chunk;
      return take(false);
    },
    end: () => take(true),
  };
}

/** Restores a whole text at once. */
export function restore(text: string, values: ReadonlyMap<string, string>): string {
  const restorer = makeRestorer(values);
  return restorer.push(text) + restorer.end();
}
