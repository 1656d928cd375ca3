import { clockText } from '../core/clock-text.ts';
import type { Minutes, MinutesAction, MinutesItem } from '../core/minutes.ts';

type Words = Record<
  | 'date'
  | 'duration'
  | 'speakers'
  | 'summary'
  | 'decisions'
  | 'actions'
  | 'task'
  | 'owner'
  | 'due'
  | 'at'
  | 'questions'
  | 'transcript'
  | 'none'
  | 'noSpeakers'
  | 'colon',
  string
> & { made: (minutes: Minutes) => string; withoutNotes: (parts: string) => string };

const english: Words = {
  date: 'Date',
  duration: 'Duration',
  speakers: 'Speakers',
  summary: 'Summary',
  decisions: 'Decisions',
  actions: 'Actions',
  task: 'What',
  owner: 'Who',
  due: 'When',
  at: 'At',
  questions: 'Open questions',
  transcript: 'Transcript',
  none: 'None.',
  noSpeakers: 'not told apart',
  colon: ': ',
  made: ({ models }) => `Written by ${models.language} on the device; check it before you rely on it.`,
  withoutNotes: (parts) => `The model could not take notes of ${parts}; see the transcript.`,
};
const chinese: Words = {
  date: '日期',
  duration: '时长',
  speakers: '发言人',
  summary: '摘要',
  decisions: '决定',
  actions: '待办事项',
  task: '事项',
  owner: '负责人',
  due: '时间',
  at: '位置',
  questions: '待定问题',
  transcript: '会议记录',
  none: '无。',
  noSpeakers: '未区分',
  colon: '：',
  made: ({ models }) => `由设备上的 ${models.language} 生成，使用前请核对。`,
  withoutNotes: (parts) => `模型未能为 ${parts} 做笔记，请看会议记录。`,
};

/** Whoever spoke could have said anything: nothing of it becomes markup. */
export function minutesMarkdown(minutes: Minutes): string {
  const words = minutes.language === 'zh' || minutes.language === 'yue' ? chinese : english;
  const { colon } = words;
  const speakers = minutes.speakers.map(({ name, seconds }) => `${plain(name)} (${clockText(seconds)})`).join(', ');
  const item = ({ text, at }: MinutesItem): string => `- ${plain(text)} [${clockText(at)}]`;
  const list = (items: readonly MinutesItem[]): string =>
    items.length === 0 ? words.none : items.map(item).join('\n');
  const unread = minutes.withoutNotes.map(({ start, end }) => `${clockText(start)}–${clockText(end)}`).join(', ');
  const sections = [
    `# ${plain(minutes.title)}`,
    [
      ...(minutes.date === undefined ? [] : [`- ${words.date}${colon}${minutes.date}`]),
      `- ${words.duration}${colon}${clockText(minutes.durationSeconds)}`,
      `- ${words.speakers}${colon}${speakers === '' ? words.noSpeakers : speakers}`,
    ].join('\n'),
    `*${plain(words.made(minutes))}*`,
    `## ${words.summary}\n\n${minutes.summary === '' ? words.none : plain(minutes.summary)}`,
    ...(unread === '' ? [] : [words.withoutNotes(unread)]),
    `## ${words.decisions}\n\n${list(minutes.decisions)}`,
    `## ${words.actions}\n\n${actionTable(minutes.actions, words)}`,
    `## ${words.questions}\n\n${list(minutes.questions)}`,
    `## ${words.transcript}\n\n${minutes.transcript
      .map(({ start, speaker, text }) => {
        const name = speaker === undefined ? '' : `**${plain(speaker)}**${colon}`;
        return `[${clockText(start)}] ${name}${plain(text)}`;
      })
      .join('\n\n')}`,
  ];
  return `${sections.join('\n\n')}\n`;
}

function actionTable(actions: readonly MinutesAction[], words: Words): string {
  if (actions.length === 0) return words.none;
  const rows = actions.map(({ text, owner, due, at }) => {
    const when = due === undefined ? '–' : due.date === undefined ? due.text : `${due.text} (${due.date})`;
    return `| ${plain(text)} | ${plain(owner ?? '–')} | ${plain(when)} | ${clockText(at)} |`;
  });
  return `| ${words.task} | ${words.owner} | ${words.due} | ${words.at} |\n|---|---|---|---|\n${rows.join('\n')}`;
}

function plain(text: string): string {
  return text
    .replaceAll(/\s+/g, ' ')
    .trim()
    .replaceAll(/[\\`*_[\]<>|~]|^(?:#+|[-+>]|\d+\.)(?=\s)/g, String.raw`\$&`);
}
