/** The parts of JSON itself, as grammar rules: white space, strings, plain numbers, and any value to a bounded depth. */
import type { GrammarBuilder } from './gbnf.ts';
import { literal } from './gbnf.ts';

/** Optional and short, so that a small model cannot loop on blanks: nothing, one space, or one line break with its indent. */
export function whiteSpace(grammar: GrammarBuilder): string {
  return grammar.rule('ws', String.raw`(" " | "\n" [ \t]{0,24})?`);
}

/** One character of a JSON string: any Unicode but control characters, or an escape. A surrogate escape comes as a pair only. */
export function stringCharacter(grammar: GrammarBuilder): string {
  const hex = '[0-9a-fA-F]';
  const pair = String.raw`"u" [dD] [89abAB] ${hex} ${hex} "\\u" [dD] [c-fC-F] ${hex} ${hex}`;
  const plain = `"u" ([0-9a-ce-fA-CE-F] ${hex} | [dD] [0-7]) ${hex} ${hex}`;
  const escape = grammar.rule('escape', String.raw`"\\" (["\\/bfnrt] | ${plain} | ${pair})`);
  return grammar.rule('char', String.raw`[^"\\\x00-\x1f\x7f] | ${escape}`);
}

export function anyString(grammar: GrammarBuilder): string {
  return grammar.rule('string', String.raw`"\"" ${stringCharacter(grammar)}* "\""`);
}

/** `"key": value`, with or without the space. */
export function member(grammar: GrammarBuilder, key: string, value: string): string {
  return grammar.rule(`${key}-kv`, `${literal(`${JSON.stringify(key)}:`)} " "? ${value}`);
}

/** A scalar, or objects and arrays nested at most `depth` levels. */
export function anyValue(grammar: GrammarBuilder, depth: number): string {
  const number = String.raw`"-"? ("0" | [1-9] [0-9]{0,14}) ("." [0-9]{1,15})? ([eE] [-+]? [0-9]{1,2})?`;
  const scalar = grammar.rule(
    'scalar',
    `${anyString(grammar)} | ${grammar.rule('number', number)} | "true" | "false" | "null"`,
  );
  let value = scalar;
  for (let level = 0; level < depth; level++) {
    value = grammar.rule('value', `${scalar} | ${objectOf(grammar, value)} | ${arrayOf(grammar, value)}`);
  }
  return value;
}

/** Any object whose values are nested at most `depth` levels below it. */
export function anyObject(grammar: GrammarBuilder, depth: number): string {
  return objectOf(grammar, anyValue(grammar, Math.max(0, depth - 1)));
}

function objectOf(grammar: GrammarBuilder, value: string): string {
  const ws = whiteSpace(grammar);
  const pair = grammar.rule('pair', `${anyString(grammar)} ":" " "? ${value}`);
  return grammar.rule('object', `"{" ${ws} (${pair} ("," ${ws} ${pair})* ${ws})? "}"`);
}

function arrayOf(grammar: GrammarBuilder, value: string): string {
  const ws = whiteSpace(grammar);
  return grammar.rule('array', `"[" ${ws} (${value} ("," ${ws} ${value})* ${ws})? "]"`);
}
