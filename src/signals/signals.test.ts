import { describe, expect, it } from 'vitest';
import type { ContentPart, GenerationRequest } from '../core/chat.ts';
import { plainChat, plainRequest } from '../core/plain-request.ts';
import { computeSignals } from './signals.ts';

const request = (content: ContentPart[] | string, more: Partial<GenerationRequest> = {}): GenerationRequest =>
  plainRequest(
    'r1',
    typeof content === 'string' ? content : plainChat('', { messages: [{ role: 'user', content }] }),
    more,
  );
const task = (text: string): string => computeSignals(request(text)).task.kind;
const complexity = (text: string): number => computeSignals(request(text)).complexity.score;
const image: ContentPart = {
  type: 'image',
  detail: 'auto',
  source: { kind: 'bytes', bytes: new Uint8Array(10), mediaType: 'image/png' },
};

describe('task', () => {
  it.each([
    ['chat', '你好呀,今天心情不错'],
    ['question', '长城有多长?'],
    ['question', 'who invented the telephone'],
    ['translation', '把这句话翻译成英文:今天天气很好'],
    ['translation', 'Translate the following into French: good morning'],
    ['summary', '请总结下面这篇文章的要点:……'],
    ['summary', 'Summarize this article for me'],
    ['code', '用python写一个快速排序'],
    ['code', 'Why does this function throw a TypeError?\n```js\nfoo()\n```'],
    ['mathematics', '解方程 x^2+3x-4=0'],
    ['mathematics', 'Solve 2x + 5 = 17'],
    ['extraction', '从下面的文字中提取所有日期和金额,以json返回'],
    ['extraction', 'Extract all names from the text as JSON'],
    ['minutes', '根据下面的会议录音整理会议纪要'],
    ['minutes', 'Write meeting minutes with action items'],
    ['reasoning', '这是一道逻辑题,一步步推理:谁说了真话?'],
  ])('is %s for "%s"', (kind, text) => {
    expect(task(text)).toBe(kind);
  });

  it('knows pictures and speech by their parts', () => {
    expect(computeSignals(request([image, { type: 'text', text: '这是什么' }])).task.kind).toBe('image-question');
    expect(computeSignals(request([{ type: 'audio', bytes: new Uint8Array(4), format: 'wav' }])).task.kind).toBe(
      'speech',
    );
  });
});

describe('complexity', () => {
  it('puts harder requests above easier ones', () => {
    expect(complexity('你好')).toBeLessThan(complexity('长城有多长?'));
    expect(complexity('长城有多长?')).toBeLessThan(complexity('证明根号2是无理数,并给出另外两种证法,比较它们的优劣'));
    expect(complexity('hi')).toBeLessThan(
      complexity(
        'Design a distributed lock with leases. First state the invariants, then prove safety, finally give Go code.',
      ),
    );
  });
});

describe('computeSignals', () => {
  it('measures size and modality', () => {
    const { size } = computeSignals(request([image, { type: 'text', text: '这是什么' }], { maxTokens: 100 }));
    expect(size).toMatchObject({
      modalities: ['text', 'image'],
      images: 1,
      audioParts: 0,
      maximumAnswerTokens: 100,
      characters: 4,
    });
    expect(size.estimatedPromptTokens).toBeGreaterThan(256);
  });

  it('treats what nobody could read as private, and believes the text that was read', () => {
    expect(computeSignals(request([image])).privacy).toMatchObject({
      level: 'private',
      unchecked: [{ kind: 'image', message: 0, part: 0 }],
    });
    const read = (text: string): string =>
      computeSignals(request([image]), { readTexts: [{ message: 0, part: 0, text, origin: 'image' }] }).privacy.level;
    expect(read('')).toBe('public');
    expect(read('姓名:王小明 身份证11010519491231002X')).toBe('private');
    expect(computeSignals(request([image]), { uncheckedIsPrivate: false }).privacy.level).toBe('public');
    expect(
      computeSignals(request('', { input: { kind: 'completion', prompt: [1, 2, 3], echo: false } })).privacy.level,
    ).toBe('private');
  });

  it('looks into every text that would leave: tool calls, tool definitions, names, stop strings', () => {
    const phone = '13800138000';
    const base = request('你好');
    const level = (changed: GenerationRequest): string => computeSignals(changed).privacy.level;
    expect(level(base)).toBe('public');
    expect(level({ ...base, stop: [phone] })).toBe('private');
    const { input } = base;
    if (input.kind !== 'chat') throw new Error('unreachable');
    expect(
      level({ ...base, input: { ...input, tools: [{ name: 'call', description: `Calls ${phone}`, strict: false }] } }),
    ).toBe('private');
    expect(
      level({
        ...base,
        input: { ...input, messages: [{ role: 'user', name: phone, content: [{ type: 'text', text: '你好' }] }] },
      }),
    ).toBe('private');
    expect(
      level({
        ...base,
        input: {
          ...input,
          messages: [
            ...input.messages,
            { role: 'assistant', content: [], toolCalls: [{ id: '1', name: 'call', arguments: `{"to":"${phone}"}` }] },
          ],
        },
      }),
    ).toBe('private');
  });

  it('holds no content', () => {
    expect(JSON.stringify(computeSignals(request('手机13800138000,我确诊了糖尿病')))).not.toMatch(/13800138000|糖尿病/);
  });
});
