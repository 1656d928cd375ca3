import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import type { AudioPart, ChatMessage, ContentPart, ImagePart } from '../core/chat.ts';
import { systemClock } from '../core/clock.ts';
import { makeError } from '../core/errors.ts';
import { silentLog } from '../core/log.ts';
import type { PictureGuard, PictureText, Transcript } from '../core/perception.ts';
import { Perception, type PerceptionOptions } from './perception.ts';
import { chat, collect, setUp, textOf, type Setup, type SetupOptions } from './testing/setup.ts';

const idCard = '姓名 王小明 性别 男\n公民身份号码 11010519491231002X';
const notice = '城市图书馆自三月一日起调整开放时间,周二至周五上午九点开放。';

const picture = (name: string): ImagePart => ({
  type: 'image',
  source: { kind: 'bytes', bytes: Buffer.from(`GPS ${name}`), mediaType: 'image/png' },
  detail: 'auto',
  field: 'messages[0].content[1].image_url.url',
});
const address = (url: string): ImagePart => ({
  type: 'image',
  source: { kind: 'url', url },
  detail: 'auto',
  field: 'here',
});
const sound = (name: string): AudioPart => ({ type: 'audio', bytes: Buffer.from(name), format: 'wav', field: 'there' });
const says = (...content: (ContentPart | string)[]): ChatMessage => ({
  role: 'user',
  content: content.map((part) => (typeof part === 'string' ? { type: 'text', text: part } : part)),
});
const read = (text: string, fields: Partial<PictureText> = {}): PictureText => ({
  text,
  lines: [],
  width: 10,
  height: 10,
  unreadLines: 0,
  model: 'ocr-1',
  ...fields,
});
const heard = (text: string): Transcript => ({
  text,
  language: 'zh',
  languageProbability: 1,
  durationSeconds: 3,
  segments: [],
  model: 'ears-1',
});
const guard: PictureGuard = {
  check(bytes) {
    if (String(bytes).includes('broken')) throw makeError('image_invalid', { reason: 'it is damaged' });
  },
  withoutMetadata: async (bytes) => ({
    bytes: Buffer.from(String(bytes).replace('GPS', 'clean')),
    mediaType: 'image/jpeg',
  }),
};

let running: Setup | undefined;
afterEach(() => running?.close());

/** Reads of a picture what stands behind the `=` in its name. */
async function start(perception: Partial<PerceptionOptions> = {}, options: SetupOptions = {}): Promise<Setup> {
  running = await setUp({
    modalities: { device: ['text'], cloud: ['text', 'image'] },
    ...options,
    hybrid: {
      ...options.hybrid,
      perception: new Perception({
        guard,
        reader: { read: async (bytes) => read(String(bytes).split('=')[1] ?? '') },
        transcriber: { transcribe: async ({ bytes }) => heard(String(bytes)) },
        clock: systemClock,
        log: silentLog,
        ...perception,
      }),
    },
  });
  return running;
}
const target = ({ receipts }: Setup) => receipts.at(-1)?.target;

describe('a picture of an identity card', () => {
  const faults: [string, Partial<PerceptionOptions>][] = [
    ['nothing is wrong', {}],
    ['OCR crashes', { reader: { read: () => Promise.reject(makeError('module_crashed', { module: 'ocr' })) } }],
    ['OCR throws', { reader: { read: () => Promise.reject(new Error('bug')) } }],
    ['OCR never answers', { readTimeoutMs: 20, reader: { read: () => new Promise(() => {}) } }],
    ['OCR answers too late', { readTimeoutMs: 20, reader: { read: () => sleep(60).then(() => read('')) } }],
    ['OCR reads nothing', { reader: { read: async () => read('') } }],
    ['OCR reads half of it', { reader: { read: async () => read('示例银行示例银行示例', { unreadLines: 1 }) } }],
    [
      'OCR does not fit',
      {
        reader: {
          read: () =>
            Promise.reject(makeError('model_too_large', { model: 'o', neededMiB: 1, availableMiB: 0, advice: '' })),
        },
      },
    ],
  ];
  it.each(faults)('never reaches the cloud while %s', async (_name, perception) => {
    for (const device of [['text'], ['text', 'image']] as const) {
      const setup = await start(perception, { modalities: { device: [...device], cloud: ['text', 'image'] } });
      await collect(setup.service, chat([says('这是什么?', picture(`card=${idCard}`))])).catch(() => {});
      const turns = [says('这是什么?', picture(`card=${idCard}`)), says('再看一遍')];
      await collect(setup.service, chat(turns)).catch(() => {});
      expect(setup.cloud.bodies).toEqual([]);
      expect(setup.receipts.every(({ bytesLeft, target: side }) => bytesLeft === 0 && side !== 'cloud')).toBe(true);
      await setup.close();
    }
  });

  it.each([
    ['one wrong digit', '公民身份号码 11010519491231003X'],
    ['no words beside it', '11010519491231003X 请妥善保管此页'],
    ['a bank card', '示例银行借记卡\n6222 0212 3456 7890 129'],
    ['a certificate', '示例医院门诊证明:建议休息三天'],
  ])('stays where OCR misread it: %s', async (_name, text) => {
    const setup = await start();
    await collect(setup.service, chat([says('这是什么?', picture(`card=${text}`))]));
    expect(target(setup)).toBe('device');
    expect(setup.cloud.bodies).toEqual([]);
  });

  it('is not read by a server without OCR, and stays', async () => {
    running = await setUp({ modalities: { cloud: ['text', 'image'] } });
    await collect(running.service, chat([says('这是什么?', picture('card'))]));
    expect(target(running)).toBe('device');
    expect(running.cloud.bodies).toEqual([]);
  });

  it('keeps the whole conversation on the device', async () => {
    const setup = await start();
    const first = [says('请记住这张证件', picture(`card=${idCard}`))];
    const events = await collect(setup.service, chat(first));
    const answered: ChatMessage = {
      role: 'assistant',
      content: [{ type: 'text', text: textOf(events) }],
      toolCalls: [],
    };
    await collect(setup.service, chat([...first, answered, says('谢谢,那么长城有多长?')]));
    expect(setup.receipts.map(({ target: side }) => side)).toEqual(['device', 'device']);
  });
});

describe('a picture that says nothing private', () => {
  it('leaves with its pixels only, and the receipt counts its bytes and what was read', async () => {
    const setup = await start();
    await collect(setup.service, chat([says('总结一下', picture(`page=${notice}`))]));
    expect(target(setup)).toBe('cloud');
    const [body = ''] = setup.cloud.bodies;
    expect(body).toContain(Buffer.from(`clean page=${notice}`).toString('base64'));
    expect(body).not.toContain(Buffer.from('GPS').toString('base64'));
    expect(setup.receipts[0]).toMatchObject({
      bytesLeft: Buffer.byteLength(body),
      read: { pictures: 1, picturesRead: 1, recordings: 0, recordingsHeard: 0 },
    });
    expect(JSON.stringify(setup.receipts)).not.toContain('图书馆');
  });

  it('does not leave where its metadata cannot be taken out', async () => {
    const setup = await start({
      guard: { ...guard, withoutMetadata: () => Promise.reject(makeError('module_crashed', { module: 'pictures' })) },
    });
    await collect(setup.service, chat([says('总结一下', picture(`page=${notice}`))]));
    expect(target(setup)).toBe('device');
    expect(setup.cloud.bodies).toEqual([]);
  });

  it('is given as text to a model that does not see, and the answer says so', async () => {
    const setup = await start({}, { policy: { preference: 'only_on_device' } });
    const events = await collect(setup.service, chat([says('总结一下', picture(`page=${notice}`))]));
    const [request] = setup.device.requests;
    expect(request?.input).toMatchObject({
      messages: [
        { content: [{ text: '总结一下' }, { type: 'text', text: expect.stringContaining(notice) as string }] },
      ],
    });
    expect(events[0]).toMatchObject({
      read: { pictures: [{ message: 0, part: 1, text: notice, model: 'ocr-1', given: 'text' }], recordings: [] },
    });
  });

  it('is given as it is to a model that sees, unread where nothing can leave', async () => {
    let reads = 0;
    const setup = await start(
      { reader: { read: async () => (reads++, read(notice)) } },
      { modalities: { device: ['text', 'image'], cloud: ['text'] }, policy: { preference: 'only_on_device' } },
    );
    await collect(setup.service, chat([says('这是什么?', picture('page'))]));
    expect(setup.device.requests[0]?.input).toMatchObject({
      messages: [{ content: [{ type: 'text' }, { type: 'image' }] }],
    });
    expect(reads).toBe(0);
  });

  it('is read once, however often and by how many it is asked about', async () => {
    let reads = 0;
    const setup = await start({ reader: { read: () => (reads++, sleep(20).then(() => read(notice))) } });
    const ask = () => collect(setup.service, chat([says('总结一下', picture('page'))]));
    await Promise.all([ask(), ask()]);
    await ask();
    expect(reads).toBe(1);
  });

  it('of which nothing was read stays, unless the policy lets it leave', async () => {
    const setup = await start({}, { modalities: { device: ['text', 'image'], cloud: ['text', 'image'] } });
    await collect(setup.service, chat([says('这是什么?', picture('face='))]));
    expect(target(setup)).toBe('device');
    expect(setup.receipts[0]?.reasons).toContain('picture-without-text');
    await setup.close();
    const open = {
      preference: 'prefer_in_cloud',
      privacy: { pictures_without_text: 'open' },
      thresholds: { preference_margin: 10 },
    };
    const other = await start({}, { policy: open });
    await collect(other.service, chat([says('这是什么?', picture('hills='))]));
    expect(target(other)).toBe('cloud');
  });
});

describe('a question that needs eyes', () => {
  it.each([
    ['no text in the picture', '这是什么?', 'hills='],
    ['the question is about what it shows', '图里的车是什么颜色?', 'car=京A示例车行二手车出售'],
    ['the same in English', 'What colour is the car in the picture?', 'car=USED CARS FOR SALE'],
  ])('is refused with what to pull: %s', async (_name, question, name) => {
    const setup = await start({}, { policy: { preference: 'only_on_device' } });
    await expect(collect(setup.service, chat([says(question, picture(name))]))).rejects.toMatchObject({
      code: 'unsupported_modality',
      status: 400,
      message: expect.stringContaining('duanyun pull qwen3-vl') as string,
    });
  });

  it('tells what was in the way where OCR could not read', async () => {
    const reader = { read: () => Promise.reject(makeError('module_crashed', { module: 'ocr' })) };
    const setup = await start({ reader }, { policy: { preference: 'only_on_device' } });
    await expect(collect(setup.service, chat([says('读一下', picture('page'))]))).rejects.toMatchObject({
      code: 'module_crashed',
    });
  });
});

describe('speech', () => {
  it('becomes text in one request with a picture, and its words count as the question', async () => {
    const setup = await start({}, { policy: { preference: 'only_on_device' } });
    const events = await collect(setup.service, chat([says(picture(`page=${notice}`), sound('图书馆几点开门?'))]));
    expect(setup.device.requests[0]?.input).toMatchObject({
      messages: [{ content: [{ text: expect.stringContaining(notice) as string }, { text: '图书馆几点开门?' }] }],
    });
    expect(events[0]).toMatchObject({
      read: { recordings: [{ text: '图书馆几点开门?', model: 'ears-1', language: 'zh', durationSeconds: 3 }] },
    });
  });

  it('that says something private stays; that does not may leave, as text', async () => {
    const setup = await start();
    await collect(setup.service, chat([says(sound('我的手机号是13800138000,请记下来'))]));
    expect(target(setup)).toBe('device');
    await collect(setup.service, chat([says(sound('长城有多长?'))]));
    expect(target(setup)).toBe('cloud');
    expect(setup.cloud.received).toContain('长城有多长');
    expect(setup.cloud.received).not.toContain('input_audio');
  });

  it('that was not heard stays, and the reason is told', async () => {
    const setup = await start({
      transcriber: { transcribe: () => Promise.reject(makeError('module_crashed', { module: 'speech' })) },
    });
    await expect(collect(setup.service, chat([says(sound('x'))]))).rejects.toMatchObject({ code: 'module_crashed' });
    expect(setup.cloud.bodies).toEqual([]);
  });
});

describe('what the client sent wrongly', () => {
  it('is told with the field it stands in, before anything is read', async () => {
    let reads = 0;
    const setup = await start({ maxPictures: 2, reader: { read: async () => (reads++, read('')) } });
    const ask = (...parts: ContentPart[]) => collect(setup.service, chat([says('?', ...parts)]));
    await expect(ask(picture('fine'), picture('broken'))).rejects.toMatchObject({
      code: 'image_invalid',
      param: 'messages[0].content[1].image_url.url',
    });
    await expect(ask(picture('1'), picture('2'), picture('3'))).rejects.toMatchObject({ code: 'image_too_large' });
    await expect(ask(address('https://example.com/a.png'))).rejects.toMatchObject({
      code: 'image_url_refused',
      param: 'here',
      message: expect.stringContaining('--image-url-host') as string,
    });
    expect(reads).toBe(0);
  });
});

describe('a picture by address', () => {
  const fetched: string[] = [];
  const fetcher = {
    fetchPicture: async (url: string) => {
      fetched.push(url);
      return Buffer.from(`GPS page=${notice}`);
    },
  };

  it('is fetched where nothing private is said, and judged by what it holds', async () => {
    const setup = await start({ fetcher });
    await collect(setup.service, chat([says('总结一下', address('https://example.com/a.png'))]));
    expect(target(setup)).toBe('cloud');
    expect(setup.cloud.received).not.toContain('example.com');
    expect(setup.cloud.received).toContain('image_url');
  });

  it.each([
    ['declared', '总结一下', { route: { privacy: 'private' as const } }],
    ['only on the device', '总结一下', { route: { preference: 'only_on_device' as const } }],
    ['by its text', '我的手机号是13800138000', {}],
  ])('is not fetched for a private request: %s', async (_name, text, fields) => {
    fetched.length = 0;
    const setup = await start({ fetcher });
    const request = chat([says(text, address('https://example.com/a.png'))], fields);
    await expect(collect(setup.service, request)).rejects.toMatchObject({ code: 'image_url_refused' });
    expect(fetched).toEqual([]);
    expect(setup.cloud.bodies).toEqual([]);
  });
});
