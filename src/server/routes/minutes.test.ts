import { describe, expect, it } from 'vitest';
import { chunksOf, newApp, newServer, postJson } from '../../../test/support/app-client.ts';
import { makeError } from '../../core/errors.ts';
import type { Minutes, MinutesMaker, MinutesOptions, MinutesSource } from '../../core/minutes.ts';

const made: Minutes = {
  title: 'Plan | B',
  summary: 'We spoke.',
  language: 'en',
  date: '2026-11-27',
  durationSeconds: 61.239,
  speakers: [{ name: 'Speaker 1', seconds: 60 }],
  decisions: [{ text: 'Go <on>', at: 3 }],
  actions: [
    { text: 'Write it', at: 4, owner: 'Ben', due: { text: 'Monday', date: '2026-11-30' } },
    { text: 'Read it', at: 5 },
  ],
  questions: [],
  transcript: [{ start: 0, end: 2, speaker: 'Speaker 1', text: '# not *a* heading' }],
  withoutNotes: [],
  leftOut: 0,
  models: { speech: 'ears', language: 'small' },
  receipts: ['r1'],
};

class FakeMaker implements MinutesMaker {
  readonly calls: { source: MinutesSource; options: MinutesOptions }[] = [];
  act: (options: MinutesOptions) => Promise<Minutes> = (options) => {
    options.onProgress?.({ stage: 'hearing', heardSeconds: 1, totalSeconds: 2 });
    options.onLine?.({ start: 0, end: 1, text: 'hi' });
    return Promise.resolve(made);
  };
  make(source: MinutesSource, options: MinutesOptions): Promise<Minutes> {
    this.calls.push({ source, options });
    return this.act(options);
  }
}

function setUp() {
  const minutes = new FakeMaker();
  return { minutes, app: newApp(undefined, { minutes }) };
}

function form(fields: Record<string, string>, withFile = true): { method: string; body: FormData } {
  const body = new FormData();
  if (withFile) body.set('file', new File([new Uint8Array([1, 2])], 'm.wav', { type: 'audio/wav' }));
  for (const [name, value] of Object.entries(fields)) body.set(name, value);
  return { method: 'POST', body };
}

const url = 'http://localhost/v1/minutes';

describe('POST /v1/minutes', () => {
  it('takes a recording with its wishes', async () => {
    const { app, minutes } = setUp();
    const fields = { language: 'EN', date: '2026-11-27', title: 'T', prompt: 'names', resume: 'false', model: 'edge' };
    const response = await app.request(url, form(fields));
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({
      id: expect.stringMatching(/^minutes-/),
      object: 'minutes',
      title: 'Plan | B',
      duration: 61.24,
      actions: [
        { task: 'Write it', owner: 'Ben', due: { text: 'Monday', date: '2026-11-30' }, at: 4 },
        { task: 'Read it', owner: null, due: null, at: 5 },
      ],
      open_questions: [],
      transcript: [{ start: 0, end: 2, speaker: 'Speaker 1', text: '# not *a* heading' }],
    });
    const [call] = minutes.calls;
    expect(call?.source).toMatchObject({ kind: 'sound', audio: { bytes: new Uint8Array([1, 2]) } });
    expect(call?.options).toMatchObject({ ...fields, language: 'en', resume: false });
  });

  it('takes a transcript, also as verbose_json and as plain lines with names', async () => {
    const { app, minutes } = setUp();
    await postJson(app, '/v1/minutes', {
      transcript: {
        language: 'chinese',
        duration: 9,
        segments: [{ id: 0, start: 1, end: 2, text: '好', tokens: [1] }],
      },
    });
    await postJson(app, '/v1/minutes', { transcript: { text: 'Anna: Good morning\nAt 10:30 we start' } });
    expect(minutes.calls[0]?.source).toEqual({
      kind: 'transcript',
      transcript: { language: 'zh', durationSeconds: 9, lines: [{ start: 1, end: 2, text: '好' }] },
    });
    expect(minutes.calls[1]?.source).toEqual({
      kind: 'transcript',
      transcript: {
        lines: [
          { start: 0, end: 1, text: 'Good morning', speaker: 'Anna' },
          { start: 1, end: 2, text: 'At 10:30 we start' },
        ],
      },
    });
  });

  it('writes Markdown in which nothing that was said is markup', async () => {
    const { app } = setUp();
    const response = await app.request(url, form({ response_format: 'markdown' }));
    expect(response.headers.get('content-type')).toBe('text/markdown; charset=utf-8');
    const text = await response.text();
    expect(text).toContain('# Plan \\| B\n');
    expect(text).toContain('- Go \\<on\\> [00:03]');
    expect(text).toContain('| Write it | Ben | Monday (2026-11-30) | 00:04 |');
    expect(text).toContain('[00:00] **Speaker 1**: \\# not \\*a\\* heading');
  });

  it('streams progress, lines and the minutes', async () => {
    const { app } = setUp();
    const response = await app.request(url, form({ stream: 'true', response_format: 'markdown' }));
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    const events = chunksOf(await response.text());
    expect(events).toEqual([
      { type: 'minutes.progress', stage: 'hearing', done: 1, total: 2 },
      { type: 'minutes.transcript.line', line: { start: 0, end: 1, speaker: null, text: 'hi' } },
      { type: 'minutes.done', minutes: expect.objectContaining({ title: 'Plan | B' }), markdown: expect.any(String) },
    ]);
  });

  it.each([
    [form({}, false), 'file'],
    [form({ file: 'text' }, false), 'file'],
    [form({ date: 'tomorrow' }), 'date'],
    [form({ language: 'English' }), 'language'],
    [form({ response_format: 'pdf' }), 'response_format'],
    [form({ stream: 'maybe' }), 'stream'],
  ])('refuses a form with a wrong field', async (request, param) => {
    const response = await setUp().app.request(url, request);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { code: 'invalid_request', param } });
  });

  it.each([
    [{}, 'transcript'],
    [{ transcript: {} }, 'transcript'],
    [{ transcript: { segments: [{ text: ' ' }] } }, 'transcript'],
    [{ transcript: { segments: [{ text: 'x', start: -1 }] } }, 'transcript.segments[0].start'],
    [{ transcript: { text: 'x' }, date: '2026-02-31' }, 'date'],
  ])('refuses the transcript %j', async (body, param) => {
    const response = await postJson(setUp().app, '/v1/minutes', body);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { code: 'invalid_request', param } });
  });

  it('what fails first is a status, what fails later an error event', async () => {
    const { app, minutes } = setUp();
    minutes.act = () => Promise.reject(makeError('audio_invalid', { reason: 'it is empty' }));
    expect((await app.request(url, form({ stream: 'true' }))).status).toBe(400);
    expect((await app.request(url, form({}))).status).toBe(400);
    minutes.act = (options) => {
      options.onProgress?.({ stage: 'notes', done: 0, total: 2 });
      return Promise.reject(makeError('engine_crashed', { reason: 'killed' }));
    };
    const events = chunksOf(await (await app.request(url, form({ stream: 'true' }))).text());
    expect(events.at(-1)).toMatchObject({ error: { code: 'engine_crashed' } });
  });

  it('ends when the client leaves', async () => {
    const minutes = new FakeMaker();
    let reason: Error | undefined;
    const ended = new Promise<void>((resolve) => {
      minutes.act = (options) =>
        new Promise((_, reject) => {
          options.onProgress?.({ stage: 'notes', done: 0, total: 2 });
          options.signal.addEventListener('abort', () => {
            reason = options.signal.reason as Error;
            reject(reason);
            resolve();
          });
        });
    });
    const server = await newServer(undefined, { minutes });
    const abort = new AbortController();
    const response = await fetch(`${server.url}/v1/minutes`, { ...form({ stream: 'true' }), signal: abort.signal });
    await response.body?.getReader().read();
    abort.abort();
    await ended;
    expect(reason).toMatchObject({ code: 'client_closed' });
    await server.close(0);
  });
});
