import { describe, expect, it } from 'vitest';
import { collect, runBackendContract } from '../../test/contract/backend-contract.ts';
import { LlamaContextStandIn, WhisperContextStandIn } from '../../test/support/llama-rn-stand-in.ts';
import { makeWave } from '../../test/support/make-wave.ts';
import { plainRequest } from '../core/plain-request.ts';
import { LlamaBackend } from './llama-backend.ts';
import { WhisperTranscriber } from './whisper-transcriber.ts';

const newBackend = (fields: Partial<ConstructorParameters<typeof LlamaBackend>[0]> = {}): LlamaBackend =>
  new LlamaBackend({ model: 'small', contextTokens: 4096, open: async () => new LlamaContextStandIn(), ...fields });

describe('LlamaBackend over a stand-in of llama.rn', () => runBackendContract({ newBackend, model: 'small' }));
describe('LlamaBackend with embeddings', () =>
  runBackendContract({ newBackend: () => newBackend({ embeddings: true }), model: 'small' }));

describe('LlamaBackend', () => {
  it('gives raw prompts whole characters as well', async () => {
    const backend = newBackend();
    const request = plainRequest('raw', { kind: 'completion', prompt: 'abc', echo: false }, { model: 'small' });
    const texts = (await collect(backend, request)).map((event) => (event.type === 'text-delta' ? event.text : ''));
    expect(texts.join('')).toBe('你好 🦜 abc');
    expect(texts.some((text) => /\p{Surrogate}/u.test(text))).toBe(false);
    await backend.dispose();
  });

  it('says what a model that cannot be loaded is, and tries again', async () => {
    let tries = 0;
    const backend = newBackend({
      open: async () => {
        tries += 1;
        if (tries === 1) throw new Error('no such file: /data/user/0/private/path');
        return new LlamaContextStandIn();
      },
    });
    const request = plainRequest('first', 'Hi', { model: 'small' });
    const error: unknown = await collect(backend, request).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'engine_unavailable' });
    expect(String(error)).not.toContain('/data');
    expect((await collect(backend, request)).at(-1)).toMatchObject({ type: 'finish' });
    await backend.dispose();
  });

  it('releases its context when it is disposed of in mid-answer', async () => {
    const context = new LlamaContextStandIn();
    const backend = newBackend({ open: async () => context });
    const stream = backend.stream(plainRequest('long', 'Count.', { model: 'small' }), new AbortController());
    const iterator = stream[Symbol.asyncIterator]();
    await iterator.next();
    await iterator.next();
    const rest = (async () => {
      while ((await iterator.next()).done !== true);
    })();
    await backend.dispose();
    await rest;
    expect(context.isReleased).toBe(true);
  });
});

describe('WhisperTranscriber over a stand-in of whisper.rn', () => {
  const wave = { type: 'audio' as const, bytes: makeWave(new Float32Array(16_000 * 2)), format: 'wav' };
  const signal = new AbortController().signal;

  it('gives a transcript in seconds, and says how far it is', async () => {
    const context = new WhisperContextStandIn();
    const transcriber = new WhisperTranscriber({ model: 'base', open: async () => context });
    const progress: number[] = [];
    const transcript = await transcriber.transcribe(wave, {
      signal,
      language: 'en',
      fromSeconds: 1,
      onProgress: (seconds) => progress.push(seconds),
    });
    expect(transcript).toMatchObject({ text: 'Good morning.', language: 'en', durationSeconds: 2, model: 'base' });
    expect(transcript.segments).toMatchObject([
      { text: 'Good', start: 0, end: 0.5 },
      { text: 'morning.', start: 0.5, end: 1.2 },
    ]);
    expect(progress.at(-1)).toBe(2);
    expect(context.heard).toMatchObject([{ bytes: 64_000, options: { language: 'en', offset: 1000 } }]);
    await transcriber.dispose();
    expect(context.isReleased).toBe(true);
  });

  it('waits its turn, and stops when it is told to', async () => {
    const transcriber = new WhisperTranscriber({ model: 'base', open: async () => new WhisperContextStandIn() });
    const controller = new AbortController();
    const first = transcriber.transcribe(wave, { signal: controller.signal });
    const second = transcriber.transcribe(wave, { signal });
    controller.abort(new Error('enough'));
    await expect(first).rejects.toThrow('enough');
    expect((await second).text).toBe('Good morning.');
  });

  it('refuses what is no WAV of its kind before it loads anything', async () => {
    const transcriber = new WhisperTranscriber({
      model: 'base',
      maxMinutes: 0.01,
      open: () => Promise.reject(new Error('opened')),
    });
    const stereo = Uint8Array.from(wave.bytes);
    stereo[22] = 2;
    for (const bytes of [new Uint8Array(10), new TextEncoder().encode('RIFF'.repeat(20)), stereo]) {
      await expect(transcriber.transcribe({ ...wave, bytes }, { signal })).rejects.toMatchObject({
        code: 'audio_invalid',
      });
    }
    await expect(transcriber.transcribe(wave, { signal })).rejects.toMatchObject({ code: 'audio_too_long' });
  });
});
