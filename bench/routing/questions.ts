/** The labelled requests and the recorded answers to them. */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { JsonValue } from '../../src/core/chat.ts';

export type Check =
  /** Every group must be met by at least one of its words, in any case. */
  | { kind: 'words'; groups: string[][]; maxCharacters?: number }
  /** The same, in the last line that says something. */
  | { kind: 'last-line'; groups: string[][] }
  /** The last number of the answer. */
  | { kind: 'number'; value: number }
  | { kind: 'pattern'; pattern: string }
  | { kind: 'json'; fields: Record<string, string | number> }
  | { kind: 'javascript'; name: string; cases: [JsonValue[], JsonValue][] };

export type Question = {
  id: string;
  task: string;
  language: 'zh' | 'en';
  /** The pattern it was made from, the same in both languages. A split for training keeps families whole. */
  family: string;
  prompt: string;
  check: Check;
};

export type Side = 'device' | 'cloud';
export type Recorded = {
  id: string;
  side: Side;
  model: string;
  answer: string;
  finish: string;
  promptTokens: number;
  completionTokens: number;
};

// Compiled, this file lies in `.bench/bench/routing`; the fixtures stay where they are in the clone.
export const fixtures = path.resolve('test/fixtures/routing');
export const recordedFile = path.join(fixtures, 'recorded.jsonl');

export function loadQuestions(): Question[] {
  return readLines<Question>(path.join(fixtures, 'questions.jsonl'));
}

export function loadRecorded(file = recordedFile): Recorded[] {
  return existsSync(file) ? readLines<Recorded>(file) : [];
}

export function addRecorded(recorded: Recorded, file = recordedFile): void {
  appendFileSync(file, `${JSON.stringify(recorded)}\n`);
}

function readLines<Line>(file: string): Line[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line);
}
