/** Grammar of JSON strings under `minLength`, `maxLength`, `pattern` and `format`, and of lists of exact values. */
import type { JsonValue } from '../../../core/chat.ts';
import type { GrammarBuilder } from './gbnf.ts';
import { alternatives, classCharacter, literal, tooComplex, unsupportedSchema } from './gbnf.ts';
import { anyString, stringCharacter } from './json-grammar.ts';
import { patternGrammar } from './pattern-grammar.ts';

export type StringBounds = { minLength?: number; maxLength?: number; pattern?: string; format?: string };

const date =
  '[0-9]{4} "-" (("0" [13578] | "1" [02]) "-" ("0" [1-9] | [12] [0-9] | "3" [01]) | ' +
  '("0" [469] | "11") "-" ("0" [1-9] | [12] [0-9] | "30") | "02-" ("0" [1-9] | [12] [0-9]))';
const clock = '([01] [0-9] | "2" [0-3]) ":" [0-5] [0-9]';
const time = `${clock} ":" [0-5] [0-9] ("." [0-9]{1,6})? ("Z" | [+\\x2d] ${clock})`;
const hex = '[0-9a-f]';
const label = '[A-Za-z0-9] ([A-Za-z0-9\\x2d]{0,30} [A-Za-z0-9])?';
const octet = '("25" [0-5] | "2" [0-4] [0-9] | "1" [0-9] [0-9] | [1-9] [0-9] | [0-9])';

/** RFC 3339 dates (29 February in any year), UUIDs, plain mail addresses. Other formats are annotations, as the standard has it. */
const formats: Record<string, string> = {
  date,
  time,
  'date-time': `${date} "T" ${time}`,
  uuid: `${hex}{8} "-" ${hex}{4} "-" [1-8] ${hex}{3} "-" [89ab] ${hex}{3} "-" ${hex}{12}`,
  email: `[A-Za-z0-9_] [A-Za-z0-9_+\\x2d]{0,30} ("." [A-Za-z0-9_+\\x2d]{1,30}){0,3} "@" ${label} ("." ${label}){0,3} "." [A-Za-z]{2,12}`,
  ipv4: `${octet} "." ${octet} "." ${octet} "." ${octet}`,
};

/**
 * A rule for the whole string with its quotes. A known `format` wins over lengths; `pattern` excludes them.
 * Errors: `unsupported_schema`, `schema_too_complex`.
 */
export function stringGrammar(grammar: GrammarBuilder, bounds: StringBounds, refuseUnsupported: boolean): string {
  const { minLength = 0, maxLength, pattern, format } = bounds;
  if (maxLength !== undefined && maxLength < minLength) {
    throw unsupportedSchema('a string has a maxLength below its minLength');
  }
  if (pattern !== undefined) {
    if (refuseUnsupported && (minLength > 0 || maxLength !== undefined)) {
      throw unsupportedSchema('pattern together with minLength or maxLength');
    }
    return grammar.rule('pattern', `"\\"" ${patternGrammar(grammar, pattern)} "\\""`);
  }
  const known = format !== undefined && Object.hasOwn(formats, format) ? formats[format] : undefined;
  if (known !== undefined) return grammar.rule(format ?? 'format', `"\\"" ${known} "\\""`);
  if (minLength === 0 && maxLength === undefined) return anyString(grammar);
  const characters = grammar.repeat(stringCharacter(grammar), minLength, maxLength);
  return grammar.rule('string', `"\\"" ${characters} "\\""`);
}

/** Exactly one of these values. Shared beginnings are written once, so that many values cost few parser states. */
export function valuesGrammar(grammar: GrammarBuilder, values: JsonValue[]): string {
  return oneOfTexts(
    grammar,
    values.map((value) => JSON.stringify(value)),
  );
}

/** Exactly one of these texts, as one rule. Errors: `schema_too_complex` for too many. */
export function oneOfTexts(grammar: GrammarBuilder, values: string[]): string {
  const limit = grammar.limits.enumValues;
  const texts = [...new Set(values)].toSorted();
  if (texts.length > limit) throw tooComplex(`an enum has more than ${limit} values`);
  const characters = texts.reduce((sum, text) => sum + text.length, 0);
  if (characters > grammar.limits.characters) throw tooComplex('the values of an enum are too long');
  if (texts.length <= 4) return grammar.rule('one-of', texts.map(literal).join(' | '));
  return grammar.rule('one-of', sharedBeginnings(texts));
}

function sharedBeginnings(texts: string[]): string {
  const [first] = texts;
  if (first === undefined) return '""';
  if (texts.length === 1) return first === '' ? '""' : literal(first);
  const prefix = commonPrefix(texts);
  const groups = new Map<string, string[]>();
  for (const text of texts) {
    const rest = text.slice(prefix.length);
    const head = rest === '' ? '' : String.fromCodePoint(rest.codePointAt(0) ?? 0);
    const group = groups.get(head);
    if (group === undefined) groups.set(head, [rest]);
    else group.push(rest);
  }
  const branches = alternatives([...groups.values()].map(sharedBeginnings));
  return prefix === '' ? branches : `${literal(prefix)} ${branches}`;
}

function commonPrefix(texts: string[]): string {
  const characters = Array.from(texts[0] ?? '');
  let prefix = '';
  for (const character of characters) {
    const longer = prefix + character;
    if (!texts.every((text) => text.startsWith(longer))) break;
    prefix = longer;
  }
  return prefix;
}

/** The text of an object key, quotes included, that is none of `names`; written without escapes. */
export function otherKey(grammar: GrammarBuilder, names: string[]): string {
  const plain = names.filter((name) => JSON.stringify(name) === `"${name}"`).map((name) => Array.from(name));
  return grammar.rule('key', `"\\"" ${notOneOf(grammar, plain)} "\\""`);
}

function notOneOf(grammar: GrammarBuilder, names: string[][]): string {
  const any = String.raw`[^"\\\x00-\x1f\x7f]`;
  if (names.length === 0) return `${any}*`;
  const children = new Map<string, string[][]>();
  for (const [head, ...rest] of names) {
    if (head === undefined) continue;
    const group = children.get(head);
    if (group === undefined) children.set(head, [rest]);
    else group.push(rest);
  }
  const excluded = [...children.keys()].map((head) => classCharacter(head.codePointAt(0) ?? 0)).join('');
  const parts = [`${any.slice(0, -1)}${excluded}] ${any}*`];
  for (const [head, group] of children) parts.push(`${literal(head)} ${grammar.rule('not', notOneOf(grammar, group))}`);
  if (!names.some((name) => name.length === 0)) parts.push('""');
  return alternatives(parts);
}
