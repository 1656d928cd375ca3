/** Days that a text names, in the languages that chrono knows. */
import { createRequire } from 'node:module';
import type * as chronoModule from 'chrono-node';

type Parser = {
  parse(text: string, reference?: Date, options?: { forwardDate: boolean }): chronoModule.ParsedResult[];
};

let known: { parsers: Record<string, Parser>; english: Parser } | undefined;

/** A quarter of a second to load, which no command but this should wait for. */
function parserOf(language: string): Parser {
  if (known === undefined) {
    const { de, en, es, fr, it, ja, nl, pt, ru, uk, zh } = createRequire(import.meta.url)(
      'chrono-node',
    ) as typeof chronoModule;
    known = { parsers: { de, en, es, fr, it, ja, nl, pt, ru, uk, zh: zh.hans }, english: en };
  }
  return known.parsers[language] ?? known.english;
}

/** Names of days and months that are words of the language as well, and what names no day. */
const noDay = /^(?:now|may|march|sun|sat|today at|jetzt|现在|今|second|moment)$/i;

export type SpokenDay = {
  /** The words as they stand in the text. */
  text: string;
  index: number;
  /** `2026-12-02`; absent where only the day of the meeting would tell. */
  date?: string;
};

/** @param meetingDate `2026-11-27`: a weekday is the next one after it */
export function findDays(text: string, language: string, meetingDate: string | undefined): SpokenDay[] {
  const reference = meetingDate === undefined ? new Date(2001, 0, 1, 12) : localNoon(meetingDate);
  const found = parserOf(language).parse(text, reference, { forwardDate: true });
  return found
    .filter((result) => namesDay(result) && !noDay.test(result.text))
    .map((result): SpokenDay => {
      const day = result.start;
      const isAbsolute = day.isCertain('year') && day.isCertain('month') && day.isCertain('day');
      const knowsDay = meetingDate !== undefined || (isAbsolute && /\d{4}|[一二〇零]{2,}/.test(result.text));
      const words = { text: result.text, index: result.index };
      return knowsDay ? Object.assign(words, { date: isoDay(day.date()) }) : words;
    });
}

function namesDay({ start }: chronoModule.ParsedResult): boolean {
  return start.isCertain('day') || start.isCertain('weekday') || start.isCertain('month');
}

function localNoon(date: string): Date {
  const [year = 2001, month = 1, day = 1] = date.split('-').map(Number);
  return new Date(year, month - 1, day, 12);
}

function isoDay(date: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}
