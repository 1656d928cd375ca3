/**
 * Holds a model's notes against the transcript. What no line bears out goes; an owner must be named there and a date said
 * there; what was asked is no decision; and lines with strong words that the model passed over are added as they were said.
 */
import type { MinutesAction, MinutesItem, TranscriptLine } from '../core/minutes.ts';
import { cuesOf, type Cues } from './cues.ts';
import { findDays, type SpokenDay } from './dates.ts';
import type { Notes } from './notes.ts';
import { says, shareIn, wordsOf } from './words.ts';

/** Share of an item's words that its line, with the one before and after it, must hold. */
const leastBacking = 0.5;
const mostItemCharacters = 160;
/** How far after a question it may be said that nobody knows. Lines. */
const answerLines = 3;

export type CheckedNotes = {
  decisions: MinutesItem[];
  actions: MinutesAction[];
  questions: MinutesItem[];
  leftOut: number;
};
export type CheckOptions = { language: string; date?: string };

export function checkNotes(
  notes: Pick<Notes, 'decisions' | 'actions' | 'questions'>,
  lines: readonly TranscriptLine[],
  options: CheckOptions,
): CheckedNotes {
  return new Checker(lines, options).check(notes);
}

class Checker {
  readonly #lines: readonly TranscriptLine[];
  readonly #options: CheckOptions;
  readonly #words: Set<string>[];
  readonly #cues: Cues | undefined;
  #leftOut = 0;

  constructor(lines: readonly TranscriptLine[], options: CheckOptions) {
    this.#lines = lines;
    this.#options = options;
    this.#words = lines.map(({ text }) => wordsOf(text));
    this.#cues = cuesOf(options.language);
  }

  check(notes: Pick<Notes, 'decisions' | 'actions' | 'questions'>): CheckedNotes {
    const decisions = notes.decisions.flatMap(({ text }) => this.#decision(text));
    const actions = notes.actions.flatMap((action) => this.#action(action));
    const questions = notes.questions.flatMap(({ text }) => this.#question(text));
    for (const [index, line] of this.#lines.entries()) {
      const found = this.#spoken(index);
      const at = line.start;
      const isNew = (items: readonly MinutesItem[]): boolean => !items.some((item) => item.at === at);
      if (found.decision && isNew(decisions)) decisions.push({ text: this.#quote(index), at });
      if (found.action !== undefined && isNew(actions)) actions.push({ ...found.action, at });
      if (found.question !== undefined && isNew(questions)) questions.push(found.question);
    }
    const byTime = (first: MinutesItem, second: MinutesItem): number => first.at - second.at;
    return {
      decisions: decisions.sort(byTime),
      actions: actions.sort(byTime),
      questions: questions.sort(byTime),
      leftOut: this.#leftOut,
    };
  }

  #decision(text: string): MinutesItem[] {
    const index = this.#locate(text, (line) => this.#cues?.decision.test(line) ?? !isQuestion(line));
    const line = index === undefined ? undefined : this.#lines[index];
    if (line === undefined || isQuestion(line.text)) return this.#drop();
    if (this.#cues !== undefined && !this.#cues.decision.test(line.text)) return this.#drop();
    return [{ text: tidy(text), at: line.start }];
  }

  #action({ task, owner, due }: Notes['actions'][number]): MinutesAction[] {
    const index = this.#locate(task, (line) => this.#cues?.action.test(line) ?? !isQuestion(line));
    const line = index === undefined ? undefined : this.#lines[index];
    if (index === undefined || line === undefined) return this.#drop();
    const { action } = this.#cues ?? {};
    // "Could you …?" asks somebody to do it; any other question asks something.
    if (isQuestion(line.text) && !(action?.test(line.text) ?? false)) return this.#drop();
    if (action !== undefined && !action.test(line.text)) return this.#drop();
    return [{ text: tidy(task), at: line.start, ...this.#owner(index, owner), ...this.#due(index, due) }];
  }

  #question(text: string): MinutesItem[] {
    const index = this.#locate(text, (line) => isQuestion(line) || (this.#cues?.open.test(line) ?? false));
    const line = index === undefined ? undefined : this.#lines[index];
    if (index === undefined || line === undefined) return this.#drop();
    if (this.#cues === undefined) return [{ text: tidy(text), at: line.start }];
    const isOpen = this.#cues.open.test(line.text) || (isQuestion(line.text) && this.#staysOpen(index));
    return isOpen ? [{ text: tidy(text), at: line.start }] : this.#drop();
  }

  #drop(): never[] {
    this.#leftOut++;
    return [];
  }

  /** The line that says it: the one with most of its words, and among about equal ones the one whose words fit the kind. */
  #locate(text: string, fits: (line: string) => boolean): number | undefined {
    const wanted = wordsOf(text);
    let best: { index: number; score: number } | undefined;
    for (const [index, own] of this.#words.entries()) {
      const around = new Set([...(this.#words[index - 1] ?? []), ...own, ...(this.#words[index + 1] ?? [])]);
      const share = shareIn(wanted, own);
      if (share === 0 || shareIn(wanted, around) < leastBacking) continue;
      const score = share + (fits(this.#lines[index]?.text ?? '') ? 0.25 : 0);
      if (best === undefined || score > best.score) best = { index, score };
    }
    return best?.index;
  }

  /** The model's word where the transcript names that person, else whom the line itself names, or who speaks it. */
  #owner(index: number, given: string): { owner?: string } {
    const line = this.#lines[index];
    if (line === undefined) return {};
    if (this.#cues?.firstPerson.test(line.text) === true && line.speaker !== undefined) return { owner: line.speaker };
    for (const pattern of this.#cues?.named ?? []) {
      const name = pattern.exec(line.text)?.[1];
      if (name !== undefined && !notNames.has(name.toLowerCase())) return { owner: name };
    }
    // Who says “I” or “we” without being known is not whom the model takes him for.
    if (this.#cues?.firstPerson.test(line.text) === true || this.#cues?.jointly.test(line.text) === true) return {};
    const near = [index - 1, index].flatMap((each) => this.#lines[each] ?? []);
    const said = near.map(({ text, speaker = '' }) => `${speaker} ${text}`).join('\n');
    const name = given.trim();
    if (name.length < 2 || notNames.has(name.toLowerCase()) || !says(said, name)) return {};
    return { owner: name };
  }

  #due(index: number, given: string): { due?: NonNullable<MinutesAction['due']> } {
    const { language, date } = this.#options;
    const around = [index, index + 1, index - 1].map((each) => this.#lines[each]?.text ?? '');
    const [own = ''] = around;
    if (given.trim() !== '') {
      for (const text of around) {
        const day = says(text, given)
          ? findDays(text, language, date).find((each) => overlap(each.text, given))
          : undefined;
        if (day !== undefined) return dueOf(day);
      }
    }
    const [day] = findDays(own, language, date).slice(-1);
    return day === undefined ? {} : dueOf(day);
  }

  /** What the line says by its own words, whatever the model thinks. */
  #spoken(index: number): { decision: boolean; action?: Omit<MinutesAction, 'at'>; question?: MinutesItem } {
    const line = this.#lines[index];
    if (this.#cues === undefined || line === undefined) return { decision: false };
    const { text } = line;
    const decision = !isQuestion(text) && this.#cues.decision.test(text);
    const question = this.#spokenQuestion(index);
    if (decision || !this.#cues.action.test(text)) return { decision, ...(question === undefined ? {} : { question }) };
    const owner = this.#owner(index, '');
    const due = this.#due(index, '');
    // Who, or by when: one of both shows that it is meant.
    if (owner.owner === undefined && due.due === undefined) {
      return { decision, ...(question === undefined ? {} : { question }) };
    }
    if (isQuestion(text) && owner.owner === undefined) return { decision };
    return { decision, action: { text: this.#quote(index), ...owner, ...due } };
  }

  /** A question that is said to be open; in the words of the question where it stands right before. */
  #spokenQuestion(index: number): MinutesItem | undefined {
    const line = this.#lines[index];
    if (line === undefined || !isQuestion(line.text) || !this.#staysOpen(index)) return undefined;
    return { text: this.#quote(index), at: line.start };
  }

  #staysOpen(index: number): boolean {
    const next = this.#lines[index + 1];
    if (next !== undefined && this.#cues?.settles.test(next.text) === true) return false;
    for (let after = index + 1; after <= index + answerLines; after++) {
      const text = this.#lines[after]?.text ?? '';
      if (this.#cues?.open.test(text) === true) return true;
      if (isQuestion(text)) return false;
    }
    return false;
  }

  #quote(index: number): string {
    const text = this.#lines[index]?.text ?? '';
    return tidy(text.replace(this.#cues?.filler ?? /^$/, ''));
  }
}

const notNames = new Set(
  'i me you he she we they it this that there what who everyone everybody someone somebody the speaker team please then when if and but so 我 我们 你 他 她 大家 我会 你们 他们 一下'.split(
    ' ',
  ),
);

function dueOf({ text, date }: SpokenDay): { due: NonNullable<MinutesAction['due']> } {
  return { due: { text, ...(date === undefined ? {} : { date }) } };
}

function overlap(first: string, second: string): boolean {
  return says(first, second) || says(second, first);
}

function isQuestion(text: string): boolean {
  return /[?？]\s*$/.test(text) || /(?:吗|呢|还是不|要不要[\p{Script=Han}]*)$/u.test(text.trim());
}

function tidy(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  const shown = line.length > mostItemCharacters ? `${line.slice(0, mostItemCharacters - 1).trimEnd()}…` : line;
  return /^[a-z]/.test(shown) ? shown[0]?.toUpperCase() + shown.slice(1) : shown;
}
