/** What the model is asked for each part, and what it may answer. */
import { z } from 'zod';
import type { JsonSchema } from '../core/chat.ts';

export const notesSchema = z.object({
  summary: z.string(),
  decisions: z.array(z.object({ text: z.string() })),
  actions: z.array(z.object({ task: z.string(), owner: z.string(), due: z.string() })),
  questions: z.array(z.object({ text: z.string() })),
});
export type Notes = z.infer<typeof notesSchema>;

export const titleSchema = z.object({ title: z.string() });
export const summarySchema = z.object({ summary: z.string() });

/** Lengths are bounded, so that a small model that repeats itself ends all the same. */
function text(maxLength: number, minLength = 0): JsonSchema {
  return { type: 'string', minLength, maxLength };
}

function list(properties: Record<string, JsonSchema>): JsonSchema {
  return { type: 'array', maxItems: 6, items: object(properties) };
}

function object(properties: Record<string, JsonSchema>): JsonSchema {
  return { type: 'object', properties, required: Object.keys(properties), additionalProperties: false };
}

export const notesForm = object({
  summary: text(400, 2),
  decisions: list({ text: text(160, 2) }),
  actions: list({ task: text(160, 2), owner: text(40), due: text(40) }),
  questions: list({ text: text(160, 2) }),
});
export const titleForm = object({ title: text(80, 2) });
export const summaryForm = object({ summary: text(700, 2) });

/** Enough for the longest answer that the forms allow in most cases; a longer one is asked for again in halves. */
export const notesTokens = 900;
export const titleTokens = 60;
export const summaryTokens = 400;

export type Prompts = {
  system: string;
  notes(transcript: string): string;
  summary(notes: string): string;
  title(summary: string): string;
  speaker(number: number): string;
  untitled: string;
};

const chinesePrompts: Prompts = {
  system: '你是会议记录员。只写会议记录里有的内容,不要编造。',
  notes: (transcript) => `会议记录片段:

${transcript}

把这一段写成 JSON 笔记:
- "summary":用两三句话概括讨论了什么。
- "decisions":已经决定或同意的事项。
- "actions":有人答应或被要求去做的事;"owner" 是由谁做(按记录中的名字,没有就写 ""),"due" 是记录中说的时间(没有就写 "")。
- "questions":没有结论、还要确认的问题。
没有内容的列表写 []。`,
  summary: (notes) => `同一个会议的各段笔记:

${notes}

用三到五句话写出整个会议的摘要,写成 JSON。`,
  title: (summary) => `会议摘要:

${summary}

给这个会议起一个简短的标题(不超过二十个字),写成 JSON。`,
  speaker: (number) => `说话人${number}`,
  untitled: '会议纪要',
};

function englishPrompts(language: string): Prompts {
  const name =
    language === 'en' ? 'English' : (new Intl.DisplayNames(['en'], { type: 'language' }).of(language) ?? language);
  const inLanguage = language === 'en' ? '' : ` Write in ${name}.`;
  return {
    system: `You take the minutes of a meeting. Write only what the transcript says.${inLanguage}`,
    notes: (transcript) => `Part of the transcript:

${transcript}

Write notes of this part as JSON:
- "summary": two or three sentences on what was discussed.
- "decisions": what was decided or agreed.
- "actions": what somebody promised or was asked to do; "owner" is who does it (the name in the transcript, or ""), "due" the day as it was said (or "").
- "questions": what stayed open or has to be found out.
A list without entries is [].${inLanguage}`,
    summary: (notes) => `Notes of the parts of one meeting:

${notes}

Write a summary of the whole meeting in three to five sentences, as JSON.${inLanguage}`,
    title: (summary) => `Summary of a meeting:

${summary}

Give the meeting a short title of at most eight words, as JSON.${inLanguage}`,
    speaker: (number) => `Speaker ${number}`,
    untitled: 'Meeting minutes',
  };
}

export function promptsOf(language: string): Prompts {
  return language === 'zh' || language === 'yue' ? chinesePrompts : englishPrompts(language);
}
