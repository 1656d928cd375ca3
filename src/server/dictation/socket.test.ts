import { request } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { newServer } from '../../../test/support/app-client.ts';
import type { AudioPart } from '../../core/chat.ts';
import { makeError } from '../../core/errors.ts';
import type { TranscribeOptions, Transcriber, Transcript, VoiceWatcher } from '../../core/perception.ts';
import type { ServerOptions } from '../options.ts';
import type { RunningServer } from '../start.ts';

type Event = Record<string, unknown> & { type: string };

/** Loud samples are speech. What is written grows with the sound: one word for each half second. */
class FakeEars implements Transcriber, VoiceWatcher {
  readonly heard: { bytes: number; language: string | undefined }[] = [];
  closed = 0;
  fail: Error | undefined;
  words = ['we', 'meet', 'on', 'Monday', 'at', 'ten'];

  watchVoice() {
    let rest: number[] = [];
    return {
      hear: (samples: Float32Array) => {
        const all = [...rest, ...samples];
        const probabilities: number[] = [];
        for (; all.length >= 512;) probabilities.push(Math.max(...all.splice(0, 512)) > 0.1 ? 0.9 : 0);
        rest = all;
        return Promise.resolve(probabilities);
      },
      close: () => {
        this.closed++;
        return Promise.resolve();
      },
    };
  }

  async transcribe({ bytes }: AudioPart, { language, signal }: TranscribeOptions): Promise<Transcript> {
    signal.throwIfAborted();
    this.heard.push({ bytes: bytes.length, language });
    await Promise.resolve();
    if (this.fail !== undefined) throw this.fail;
    const seconds = (bytes.length - 44) / 2 / 16_000;
    const text = this.words.slice(0, Math.floor(seconds * 2)).join(' ');
    return { text, language: 'en', languageProbability: 1, durationSeconds: seconds, segments: [], model: 'ears' };
  }
}

let server: RunningServer | undefined;
const sockets: WebSocket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.terminate();
  await server?.close(0);
  server = undefined;
});

async function start(options: Partial<ServerOptions> = {}): Promise<FakeEars> {
  const dictation = new FakeEars();
  server = await newServer(undefined, { dictation, options: { port: 0, ...options } });
  return dictation;
}

function open(path = '/v1/audio/dictation?rate=16000', more: { headers?: object; protocols?: string[] } = {}) {
  const socket = new WebSocket(`${server?.url.replace('http', 'ws')}${path}`, more.protocols ?? [], {
    headers: { ...more.headers },
  });
  sockets.push(socket);
  const events: Event[] = [];
  socket.on('message', (data: Buffer) => events.push(JSON.parse(data.toString()) as Event));
  const closed = new Promise<number>((resolve) => {
    socket.on('close', (code) => resolve(code));
  });
  const refused = new Promise<{ status: number; body: unknown }>((resolve) => {
    socket.on('unexpected-response', (_request, response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) }));
    });
  });
  socket.on('error', () => {});
  const until = async (type: string): Promise<Event> => {
    for (;;) {
      const found = events.find((event) => event.type.endsWith(type));
      if (found !== undefined) return found;
      await new Promise((resolve) => {
        setTimeout(resolve, 5);
      });
    }
  };
  return { socket, events, closed, refused, until };
}

/** Half a second at 16 kHz. */
function sound(loud: boolean): Buffer {
  const samples = new Int16Array(8000);
  if (loud) samples.forEach((_, index) => (samples[index] = index % 2 === 0 ? 16_000 : -16_000));
  return Buffer.from(samples.buffer);
}
function append(pcm: Buffer): string {
  return JSON.stringify({ type: 'input_audio_buffer.append', audio: pcm.toString('base64') });
}
const kinds = (events: Event[]): string[] => events.map(({ type }) => type.split('.').at(-1) ?? '');

describe('a dictation', () => {
  it('finds utterances by their silences, shows what is stable while they grow, and then writes them for good', async () => {
    const ears = await start();
    const { socket, events, until } = open('/v1/realtime?intent=transcription&rate=16000&language=en');
    await until('session.created');
    socket.send(sound(false));
    // Slowly enough that every second is tried by itself.
    for (let half = 0; half < 6; half++) {
      const known = ears.heard.length;
      socket.send(half % 2 === 0 ? sound(true) : append(sound(true)));
      if (half % 2 === 1) while (ears.heard.length === known) await new Promise((resolve) => setTimeout(resolve, 5));
    }
    socket.send(sound(false));
    socket.send(sound(false));
    const completed = await until('.completed');
    expect(completed).toMatchObject({
      transcript: 'we meet on Monday at ten',
      item_id: expect.stringMatching(/^item_/),
    });
    const deltas = events.filter(({ type }) => type.endsWith('.delta')).map(({ delta }) => delta);
    expect(deltas.join('')).toBe('we meet on Monday at ten');
    expect(deltas.length).toBeGreaterThan(1);
    const partial = events.find(({ type, stable }) => type.endsWith('.partial') && stable !== '');
    expect(`${String(partial?.['stable'])}${String(partial?.['tail'])}`).toMatch(/^we meet on/);
    expect(kinds(events).filter((kind) => !['delta', 'partial'].includes(kind))).toEqual([
      'created',
      'speech_started',
      'speech_stopped',
      'committed',
      'completed',
    ]);
    expect(ears.heard[0]?.language).toBe('en');
    socket.close();
    while (ears.closed === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  });

  it('without turn detection the client ends utterances', async () => {
    await start();
    const { socket, events, until } = open();
    socket.on('open', () => {
      socket.send(
        JSON.stringify({
          type: 'session.update',
          session: { audio: { input: { transcription: { language: 'de' }, turn_detection: null } } },
        }),
      );
      socket.send(sound(true));
      socket.send(sound(false));
      socket.send(sound(false));
      socket.send(JSON.stringify({ type: 'input_audio_buffer.commit' }));
    });
    expect(await until('.completed')).toMatchObject({ transcript: 'we meet on' });
    expect(await until('session.updated')).toMatchObject({
      session: { audio: { input: { turn_detection: null, transcription: { language: 'de' } } } },
    });
    expect(kinds(events)).not.toContain('speech_started');
  });

  it.each([
    ['not JSON', 'invalid_json'],
    ['{"type":"response.create"}', 'invalid_request'],
    ['{"type":"input_audio_buffer.append","audio":"AAAA"}', 'invalid_request'],
    ['{"type":"input_audio_buffer.commit"}', 'invalid_request'],
    ['{"type":"session.update","session":{"input_audio_format":"g711_ulaw"}}', 'invalid_request'],
    [Buffer.from([1]), 'invalid_request'],
  ])('the wrong event %s costs itself only', async (message, code) => {
    await start();
    const { socket, until } = open();
    await until('session.created');
    socket.send(message);
    expect(await until('error')).toMatchObject({ error: { code } });
    socket.send(sound(true));
    await until('speech_started');
  });
});

describe('limits and faults', () => {
  it.each([
    [{ headers: { host: 'evil.example' } }, {}, 403, 'forbidden_host'],
    [{ headers: { origin: 'https://evil.example' } }, {}, 403, 'forbidden_origin'],
    [{}, { apiKeys: ['secret'] }, 401, 'unauthorized'],
    [{}, { maxDictations: 0 }, 429, 'queue_full'],
  ])('%j with %j is refused before the upgrade', async (more, options, status, code) => {
    await start(options);
    expect(await open(undefined, more).refused).toMatchObject({ status, body: { error: { code } } });
  });

  it.each([
    ['/v1/other', 404, 'route_not_found'],
    ['/v1/realtime?intent=conversation', 400, 'invalid_request'],
    ['/v1/audio/dictation?rate=1', 400, 'invalid_request'],
  ])('%s', async (path, status, code) => {
    await start();
    expect(await open(path).refused).toMatchObject({ status, body: { error: { code } } });
  });

  it('a plain request is told what this is', async () => {
    await start();
    const response = await fetch(`${server?.url}/v1/audio/dictation`);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { message: expect.stringContaining('WebSocket') } });
  });

  it('takes the key as a header, or as browsers can send it', async () => {
    await start({ apiKeys: ['secret'] });
    await open(undefined, { headers: { authorization: 'Bearer secret' } }).until('session.created');
    const browser = open(undefined, { protocols: ['realtime', 'openai-insecure-api-key.secret'] });
    await browser.until('session.created');
    expect(browser.socket.protocol).toBe('realtime');
  });

  it('closes with 1009 for a message that is too large and with 1008 for silence on the line', async () => {
    await start({ dictationIdleMs: 100 });
    const large = open();
    await large.until('session.created');
    large.socket.send(Buffer.alloc(3 * 1024 * 1024));
    expect(await large.closed).toBe(1009);
    expect(await open().closed).toBe(1008);
  });

  it('a speech module that dies is said, and the dictation ends with 1011', async () => {
    const ears = await start();
    ears.fail = makeError('module_crashed', { module: 'speech' });
    const { socket, closed, until } = open();
    await until('session.created');
    for (const loud of [true, false, false]) socket.send(sound(loud));
    expect(await until('.failed')).toMatchObject({ error: { code: 'module_crashed' } });
    expect(await until('error')).toMatchObject({ error: { code: 'module_crashed' } });
    expect(await closed).toBe(1011);
    await expect.poll(() => ears.closed).toBe(1);
  });

  it('a server that ends tells whoever dictates', async () => {
    await start();
    const { closed, until, events } = open();
    await until('session.created');
    await server?.close(0);
    expect(await closed).toBe(1001);
    expect(events.at(-1)).toMatchObject({ type: 'error', error: { code: 'shutting_down' } });
  });

  it('a request that offers another upgrade is answered as any other', async () => {
    await start();
    const body = '{"transcript": 1}';
    const status = await new Promise((resolve, reject) => {
      const headers = {
        connection: 'Upgrade, HTTP2-Settings',
        upgrade: 'h2c',
        'http2-settings': 'AAMAAABkAAQAoAAAAAIAAAAA',
        'content-type': 'application/json',
        'content-length': body.length,
      };
      const call = request(`${server?.url}/v1/chat/completions`, { method: 'POST', headers }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      call.on('error', reject);
      call.end(body);
    });
    expect(status).toBe(400);
  });
});
