/** Whether an answer is right, by program alone. */
import { isDeepStrictEqual } from 'node:util';
import { createContext, runInContext } from 'node:vm';
import type { Check } from './questions.ts';

/** Reasoning is not part of the answer. */
export function checkAnswer(check: Check, raw: string): boolean {
  const answer = raw.replaceAll(/<think>[\s\S]*?<\/think>/g, '').trim();
  switch (check.kind) {
    case 'words':
      if (answer.length > (check.maxCharacters ?? Number.POSITIVE_INFINITY)) return false;
      return check.groups.every((group) => group.some((word) => holds(answer, word)));
    case 'last-line': {
      const line = answer.split('\n').findLast((each) => /[\p{L}\p{N}]/u.test(each)) ?? '';
      return check.groups.every((group) => group.some((word) => holds(line, word)));
    }
    case 'number': {
      const numbers = answer.replaceAll(/(?<=\d)[,，](?=\d{3}\b)/g, '').match(/-?\d+(?:\.\d+)?/g) ?? [];
      return Math.abs(Number(numbers.at(-1) ?? Number.NaN) - check.value) < 1e-6;
    }
    case 'pattern':
      return new RegExp(check.pattern, 'iu').test(answer);
    case 'json':
      return hasFields(answer, check.fields);
    case 'javascript':
      return passes(answer, check.name, check.cases);
  }
}

/** A short Latin word must stand alone ("au" is not in "because"; a number may be an ordinal), and 是 must not be 不是. */
function holds(text: string, word: string): boolean {
  const [where, what] = [text.toLowerCase(), word.toLowerCase()];
  if (what === '是') return /(?<![不否])是/.test(where);
  if (!/^[\x20-\x7e]+$/.test(what) || what.length > 4) return where.includes(what);
  const escaped = what.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const ordinal = /\d$/.test(what) ? '(?:st|nd|rd|th)?' : '';
  return new RegExp(`(?<![a-z0-9])${escaped}${ordinal}(?![a-z0-9])`).test(where);
}

function hasFields(answer: string, fields: Record<string, string | number>): boolean {
  const text = /\{[\s\S]*\}/.exec(answer)?.[0];
  if (text === undefined) return false;
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch {
    return false;
  }
  if (typeof found !== 'object' || found === null) return false;
  const given = found as Record<string, unknown>;
  return Object.entries(fields).every(([key, wanted]) =>
    typeof wanted === 'number'
      ? Number(given[key]) === wanted
      : textOf(given[key]).trim().toLowerCase() === wanted.toLowerCase(),
  );
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** Runs what the model wrote in a bare context with a time limit. For models that one runs oneself: no wall, only a fence. */
function passes(answer: string, name: string, cases: [unknown[], unknown][]): boolean {
  const code = /```(?:\w+)?\n([\s\S]*?)```/.exec(answer)?.[1] ?? answer;
  const script = code.replaceAll(/^\s*(?:export\s+(?:default\s+)?|module\.exports\s*=.*$)/gm, '');
  return cases.every(([values, wanted]) => {
    try {
      const context = createContext(Object.create(null) as object);
      const call = `JSON.stringify(${name}(...JSON.parse(${JSON.stringify(JSON.stringify(values))})))`;
      const result: unknown = runInContext(`${script}\n;${call}`, context, { timeout: 300 });
      return typeof result === 'string' && isDeepStrictEqual(JSON.parse(result), wanted);
    } catch {
      return false;
    }
  });
}
