/** A request for a model that sees or hears less than the request holds: what was read takes the place of the part. Pure. */
import type { Modality } from '../core/backend.ts';
import type { ChatMessage, ContentPart, GenerationRequest } from '../core/chat.ts';
import type { ReadContent } from '../core/events.ts';
import { hasText, type Perceived, readContentOf } from './perception.ts';
import type { Receipt } from './receipts.ts';

/** Kinds of parts that can all be given as text. */
export function readableModalities(perceived: Perceived): Modality[] {
  const { pictures, recordings, request } = perceived;
  const readable: Modality[] = [];
  const hasPictures = pictures.length > 0 && pictures.length === countParts(request, 'image');
  // One empty page among written ones may be; where nothing was read there is nothing to answer from.
  if (hasPictures && pictures.some(({ reading }) => hasText(reading)) && !asksForSight(perceived))
    readable.push('image');
  if (recordings.length > 0 && recordings.length === countParts(request, 'audio')) readable.push('audio');
  return readable;
}

/** What a model with these senses was given of what was read; `undefined` where nothing was. */
export function readBy(perceived: Perceived, modalities: readonly Modality[]): ReadContent | undefined {
  if (perceived.pictures.length + perceived.recordings.length === 0) return undefined;
  return readContentOf(perceived, {
    pictures: modalities.includes('image') ? 'picture' : 'text',
    recordings: modalities.includes('audio') ? 'sound' : 'text',
  });
}

/** For the receipt: counts, no content. */
export function readCounts({ request, pictures, recordings }: Perceived): Pick<Receipt, 'read'> {
  const counts = {
    pictures: countParts(request, 'image'),
    picturesRead: pictures.length,
    recordings: countParts(request, 'audio'),
    recordingsHeard: recordings.length,
  };
  return counts.pictures + counts.recordings === 0 ? {} : { read: counts };
}

function countParts({ input }: GenerationRequest, type: ContentPart['type']): number {
  if (input.kind === 'completion') return 0;
  return input.messages.reduce((sum, { content }) => sum + content.filter((part) => part.type === type).length, 0);
}

export function withReadings(perceived: Perceived, modalities: readonly Modality[]): GenerationRequest {
  const { request, pictures, recordings } = perceived;
  const { input } = request;
  if (input.kind === 'completion') return request;
  const isChinese = /\p{Script=Han}/u.test(newestText(perceived));
  const messages = input.messages.map((message, index): ChatMessage => {
    const content = message.content.map((part, position): ContentPart => {
      const isHere = (each: { message: number; part: number }): boolean =>
        each.message === index && each.part === position;
      if (part.type === 'image' && !modalities.includes('image')) {
        const at = pictures.findIndex(isHere);
        const picture = pictures[at];
        if (picture === undefined) return part;
        return { type: 'text', text: pictureAsText(picture.reading.text, pictures.length > 1 ? at + 1 : 0, isChinese) };
      }
      if (part.type === 'audio' && !modalities.includes('audio')) {
        const recording = recordings.find(isHere);
        if (recording !== undefined) return { type: 'text', text: recording.reading.text };
      }
      return part;
    });
    return { ...message, content };
  });
  return { ...request, input: { ...input, messages } };
}

/** The model has to know that it sees text and no picture, and where the text ends. */
function pictureAsText(text: string, number: number, isChinese: boolean): string {
  if (isChinese) {
    const name = number === 0 ? '图片' : `第${number}张图片`;
    if (text === '') return `（${name}里没有文字。）`;
    return `${name}里的文字（由 OCR 识别，看不到画面本身）：\n"""\n${text}\n"""`;
  }
  const name = number === 0 ? 'The picture' : `Picture ${number}`;
  if (text === '') return `(${name} holds no text.)`;
  return `${name} contains this text (read by OCR; the picture itself cannot be seen):\n"""\n${text}\n"""`;
}

/**
 * Questions about what a picture shows: who, which colour, how many people, what is to be seen. Text cannot answer them, and
 * a model that is given text all the same makes something up.
 */
const sight = [
  /什么颜色|哪种颜色|颜色是|几个人|多少人|有没有人|长什么样|长相|表情|穿着|衣服|背景|风景|构图|拍的是|是谁|哪个(?:明星|动物|植物)|什么(?:动物|植物|花|鸟|车|地方|建筑)|(?:描述|形容)(?:一下)?(?:这张|这幅|图|照片|画)|图(?:里|中|上)(?:画|拍)/u,
  /\b(?:what|which) colou?rs?\b|\bhow many (?:people|persons|faces|animals|cars)\b|\bwho is (?:this|that|in)\b|\bdescribe (?:this|the) (?:picture|image|photo|scene)\b|\bwhat (?:animal|plant|flower|bird|car|place|building)\b|\b(?:facial expression|wearing|background|scenery)\b/i,
];

/** With this many signs it is a page, and "the background" is one that stands on it. */
const pageSigns = 80;

function asksForSight(perceived: Perceived): boolean {
  const signs = perceived.pictures.reduce((sum, { reading }) => sum + reading.text.length, 0);
  if (signs >= pageSigns) return false;
  const text = newestText(perceived).slice(0, 2000);
  return sight.some((pattern) => pattern.test(text));
}

function newestText({ request, recordings }: Perceived): string {
  const { input } = request;
  if (input.kind === 'completion') return '';
  const newest = input.messages.findLastIndex(({ role }) => role === 'user');
  const typed = input.messages[newest]?.content.flatMap((part) => (part.type === 'text' ? [part.text] : [])) ?? [];
  const spoken = recordings.flatMap(({ message, reading }) => (message === newest ? [reading.text] : []));
  return [...typed, ...spoken].join('\n');
}
