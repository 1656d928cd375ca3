/** Speech as its users meet it: the real command, the official OpenAI package, recordings of people, and everything that goes wrong. */
import { execFile } from 'node:child_process';
import { createReadStream, existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import OpenAI, { APIError, toFile } from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeAudio } from '../../src/engine/modules/speech/audio/decode-audio.ts';
import { DuanyunServer, environmentWith, projectRoot } from '../integration/duanyun-process.ts';
import { characterErrorRate } from '../support/character-errors.ts';
import { findChild } from '../support/child-processes.ts';
import { makeWave } from '../support/make-wave.ts';
import { pythonMinutes, pythonWithClients } from '../support/python-clients.ts';
import { describeWithWeights, obtainWeights } from '../support/weights.ts';

const folder = path.join(projectRoot, 'test', 'fixtures', 'audio');
const sentence = path.join(folder, 'librivox-0880.ogg');
const said = /^He was not an ill.disposed young man\.?$/;
const patience = 120_000;
await obtainWeights('smollm2-135m');

await describeWithWeights('whisper-base', 'speech over HTTP', (_, home) => {
  let server: DuanyunServer;
  let url = '';
  let openai: OpenAI;
  /** Twelve minutes, a sentence in each half minute: more than any machine hears before it is interrupted. */
  let long: Buffer;
  beforeAll(async () => {
    server = new DuanyunServer(['--model', 'smollm2-135m', '--max-audio-minutes', '15'], { DUANYUN_HOME: home });
    url = await server.ready();
    openai = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'EMPTY', maxRetries: 0 });
    const { samples } = await decodeAudio(readFileSync(path.join(folder, 'librivox-0870.ogg')), { mostSeconds: 60 });
    const parts: Float32Array[] = [];
    for await (const part of samples) parts.push(part);
    const once = Float32Array.from(parts.flatMap((part) => Array.from(part)));
    const halfMinute = 30 * 16_000;
    long = makeWave(Float32Array.from({ length: 24 * halfMinute }, (_unused, index) => once[index % halfMinute] ?? 0));
  }, patience);
  afterAll(async () => {
    await server.stop();
  });

  const upload = () => createReadStream(sentence);
  const transcribe = (file: Buffer, name = 'sound.wav') =>
    toFile(file, name).then((given) => openai.audio.transcriptions.create({ file: given, model: 'whisper-1' }));
  const failure = (call: PromiseLike<unknown>): Promise<APIError> =>
    Promise.resolve(call).then(
      () => Promise.reject(new Error('it was answered')),
      (error: unknown) => (error instanceof APIError ? error : Promise.reject(error as Error)),
    );
  const question = (audio: Buffer) => ({
    model: 'edge',
    max_tokens: 8,
    messages: [
      {
        role: 'user' as const,
        content: [
          { type: 'text' as const, text: 'Answer.' },
          { type: 'input_audio' as const, input_audio: { data: audio.toString('base64'), format: 'wav' as const } },
        ],
      },
    ],
  });

  describe('the openai package', () => {
    it('gets a transcript', async () => {
      const answer = await openai.audio.transcriptions.create({ file: upload(), model: 'whisper-1' });
      expect(answer.text).toMatch(said);
      expect(answer.usage).toEqual({ type: 'duration', seconds: 3 });
    }, 120_000);

    it('gets text, srt and vtt', async () => {
      const ask = async (form: 'text' | 'srt' | 'vtt'): Promise<string> =>
        await openai.audio.transcriptions.create({
          file: upload(),
          model: 'whisper-1',
          response_format: form,
        });
      expect((await ask('text')).trim()).toMatch(said);
      expect(await ask('srt')).toMatch(/^1\n00:00:0\d,\d{3} --> 00:00:0\d,\d{3}\nHe was not/);
      expect(await ask('vtt')).toMatch(/^WEBVTT\n\n00:00:0\d\.\d{3} --> 00:00:0\d\.\d{3}\nHe was not/);
    }, 120_000);

    it('gets segments and words with their times', async () => {
      const answer = await openai.audio.transcriptions.create({
        file: upload(),
        model: 'whisper-1',
        response_format: 'verbose_json',
        timestamp_granularities: ['word', 'segment'],
      });
      expect(answer).toMatchObject({ language: 'english', task: 'transcribe' });
      expect(answer.duration).toBeCloseTo(3, 0);
      expect(answer.segments).toHaveLength(1);
      const words = answer.words ?? [];
      expect(words.map(({ word }) => word).join(' ')).toMatch(said);
      words.forEach(({ start, end }, index) => {
        expect(end).toBeGreaterThanOrEqual(start);
        expect(start).toBeGreaterThanOrEqual(words[index - 1]?.start ?? 0);
      });
      expect(words.at(-1)?.end).toBeLessThanOrEqual(3.2);
    }, 120_000);

    it('gets it in parts', async () => {
      const stream = await openai.audio.transcriptions.create({ file: upload(), model: 'whisper-1', stream: true });
      const [deltas, done]: [string[], string[]] = [[], []];
      for await (const event of stream) {
        if (event.type === 'transcript.text.delta') deltas.push(event.delta);
        if (event.type === 'transcript.text.done') done.push(event.text);
      }
      expect(deltas.join('')).toMatch(said);
      expect(done).toEqual([deltas.join('')]);
    }, 120_000);

    it('gets a translation', async () => {
      const answer = await openai.audio.translations.create({ file: upload(), model: 'whisper-1' });
      expect(answer.text).toMatch(/young man/);
    }, 120_000);

    it('asks by voice, and sees what was understood', async () => {
      const answer = await openai.chat.completions.create(question(readFileSync(sentence)));
      expect(answer.choices[0]?.message.content).toMatch(/\w/);
      const { recordings } = (answer as unknown as { duanyun: { recordings: { text: string }[] } }).duanyun;
      expect(recordings).toHaveLength(1);
      expect(recordings[0]).toMatchObject({ text: expect.stringMatching(said) as string, language: 'en' });
    }, 120_000);
  });

  it(
    'the openai package for Python gets every form, a stream, a translation and an answer to a spoken question',
    async ({ skip }) => {
      const python = await pythonWithClients(home);
      if ('missing' in python) return skip(python.missing);
      const example = path.join(projectRoot, 'examples', 'openai-python-audio.py');
      const env = environmentWith({ DUANYUN_BASE_URL: `${url}/v1`, PYTHONIOENCODING: 'utf-8' });
      const { stdout } = await promisify(execFile)(python.path, [example], { env, timeout: patience });
      const asked = String.raw`How many hours of sun do tomatoes need\?`;
      expect(stdout).toMatch(new RegExp(`^json: ${asked}$`, 'm'));
      expect(stdout).toMatch(new RegExp(String.raw`^srt: 1\n00:00:0\d,\d{3} --> 00:00:0\d,\d{3}\n${asked}$`, 'm'));
      expect(stdout).toMatch(/^verbose: english, \d\.\d s, [1-9] segments, [1-9]\d* words$/m);
      expect(stdout).toMatch(/^words: \S+@\d\.\d\d \S+@\d/m);
      expect(stdout).toMatch(new RegExp(`^stream: (${asked})\\s+done: \\1$`, 'm'));
      expect(stdout).toMatch(new RegExp(`^translation: ${asked}$`, 'm'));
      expect(stdout).toMatch(new RegExp(`^understood: ${asked}$`, 'm'));
      expect(stdout).toMatch(/^answer: \S/m);
      expect(stdout).toMatch(/^refused: 400 audio_invalid$/m);
    },
    pythonMinutes * 60_000,
  );

  it('a person who speaks Mandarin: at most one wrong character', async ({ skip }) => {
    const file = path.join(projectRoot, '..', 'shared', 'audio', 'zh-human-3s.wav');
    if (!existsSync(file)) skip('../shared/audio/zh-human-3s.wav is not there');
    const { text } = await transcribe(readFileSync(file));
    const expected = '希望你以后能够做的比我还好呦';
    expect(characterErrorRate(text.replaceAll(/[\p{P}\s]/gu, ''), expected) * expected.length).toBeLessThanOrEqual(
      1.01,
    );
  }, 120_000);

  describe('what is no sound', () => {
    const numbers = new Float32Array(1_600).fill(Number.NaN);
    const notNumbers = Buffer.concat([makeWave(new Float32Array(0)), Buffer.from(numbers.buffer)]);
    notNumbers.writeUInt16LE(3, 20);
    notNumbers.writeUInt16LE(4, 32);
    notNumbers.writeUInt16LE(32, 34);
    notNumbers.writeUInt32LE(6_400, 40);
    const ogg = readFileSync(sentence);
    const cases: [string, Buffer, string][] = [
      ['0 samples', makeWave(new Float32Array(0)), 'audio_invalid'],
      ['0 bytes', Buffer.alloc(0), 'audio_invalid'],
      ['1 Hz', makeWave(new Float32Array(20), 1), 'audio_invalid'],
      ['samples that are no numbers', notNumbers, 'audio_invalid'],
      ['a text', Buffer.from('Dear Sir or Madam, this is a letter.'), 'audio_invalid'],
      ['a broken container', Buffer.concat([ogg.subarray(0, 40), Buffer.alloc(2_000, 1)]), 'audio_invalid'],
    ];
    it.each(cases)(
      '%s: refused, streamed, plain and in a chat',
      async (_name, bytes, code) => {
        expect(await failure(transcribe(bytes))).toMatchObject({ status: 400, code });
        const given = await toFile(bytes, 'sound.wav');
        const streamed = openai.audio.transcriptions.create({ file: given, model: 'whisper-1', stream: true });
        expect(await failure(streamed)).toMatchObject({ status: 400, code });
        const asked = await failure(openai.chat.completions.create(question(bytes)));
        expect(asked).toMatchObject({ status: 400, param: 'messages[0].content[1].input_audio.data' });
      },
      120_000,
    );

    it('base64 with errors: refused by name', async () => {
      for (const data of ['%%%not base64%%%', `${ogg.toString('base64').slice(0, -7)}!!`, '']) {
        const body = question(ogg);
        const audio = body.messages[0]?.content[1];
        if (audio?.type === 'input_audio') audio.input_audio.data = data;
        expect(await failure(openai.chat.completions.create(body))).toMatchObject({
          status: 400,
          param: 'messages[0].content[1].input_audio.data',
        });
      }
    }, 120_000);

    it('silence is an empty transcript', async () => {
      expect((await transcribe(makeWave(new Float32Array(32_000)))).text).toBe('');
    }, 120_000);
  });

  describe('a speech process that is killed in mid-transcript', () => {
    const killed = async (): Promise<void> => {
      await expect
        .poll(() => findChild(server.child.pid, 'speech-worker'), { timeout: 60_000 })
        .toEqual(expect.any(Number));
      // Loaded it is already; what was sent is with it after a moment.
      await new Promise((resolve) => {
        setTimeout(resolve, 1_500);
      });
      process.kill(findChild(server.child.pid, 'speech-worker') as number, 'SIGKILL');
    };
    const goesOn = async (): Promise<void> => {
      expect((await transcribe(readFileSync(sentence), 'sound.ogg')).text).toMatch(said);
    };

    it('plain: module_crashed, and the next request is answered', async () => {
      await goesOn();
      const [error] = await Promise.all([failure(transcribe(long)), killed()]);
      expect(error).toMatchObject({ status: 503, code: 'module_crashed' });
      await goesOn();
    }, 240_000);

    it('streamed: an error event after what was heard, never a clean end', async () => {
      await goesOn();
      const given = await toFile(long, 'long.wav');
      const stream = await openai.audio.transcriptions.create({ file: given, model: 'whisper-1', stream: true });
      const types: string[] = [];
      const listen = async (): Promise<void> => {
        for await (const event of stream) {
          types.push(event.type);
          if (types.length === 1) await killed();
        }
      };
      expect(await failure(listen())).toMatchObject({ code: 'module_crashed' });
      expect(types[0]).toBe('transcript.text.delta');
      expect(types).not.toContain('transcript.text.done');
      await goesOn();
    }, 240_000);

    it('in a chat: a clear error, and the next question is answered', async () => {
      await goesOn();
      const [error] = await Promise.all([failure(openai.chat.completions.create(question(long))), killed()]);
      expect(error).toMatchObject({ status: 503, code: 'module_crashed' });
      const answer = await openai.chat.completions.create(question(readFileSync(sentence)));
      expect(answer.choices[0]?.message.content).toMatch(/\w/);
    }, 240_000);
  });
});
