/** The labelled requests and the recorded answers to them. */
import { appendFileSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
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
export const recordedFile = path.join(fixtures, 'recorded.jsonl.gz');

export function loadQuestions(): Question[] {
  return linesOf<Question>(gunzipSync(readFileSync(path.join(fixtures, 'questions.jsonl.gz'))).toString());
}

export function loadRecorded(file = recordedFile): Recorded[] {
  return existsSync(file) ? linesOf<Recorded>(gunzipSync(readFileSync(file)).toString()) : [];
}

/** Adds an answer as a gzip member of its own, so that a recording that is killed keeps what it has. */
export function addRecorded(recorded: Recorded, file = recordedFile): void {
  appendFileSync(file, gzipSync(`${JSON.stringify(recorded)}\n`));
}

/** Writes the answers again as one gzip member, a tenth of the size. */
export function packRecorded(file = recordedFile): void {
  if (!existsSync(file)) return;
  writeFileSync(`${file}.new`, gzipSync(gunzipSync(readFileSync(file)), { level: 9 }));
  renameSync(`${file}.new`, file);
}

function linesOf<Line>(text: string): Line[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line);
}
