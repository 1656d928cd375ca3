import { mkdtempSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Terminal } from '../terminal.ts';
import { ChatClient, type ChatPart, type ChatTurn } from './chat-client.ts';
import { Conversation } from './conversation.ts';
import { chatAtKeyboard } from './interactive.ts';
import { joinLines } from './read-question.ts';

/** A server that repeats the last question, except: `hang` never ends, `cut` breaks off, `full` is refused. */
let server: Server;
let asked: ChatTurn[][] = [];
let url = '';
beforeEach(async () => {
  asked = [];
  server = createServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const { messages } = JSON.parse(Buffer.concat(chunks).toString()) as { messages: ChatTurn[] };
      asked.push(messages);
      const last = messages.at(-1)?.content ?? '';
      const text = (part: ChatPart): string => (part.type === 'text' ? part.text : part.type);
      const question = typeof last === 'string' ? last : last.map(text).join('+');
      if (question === 'full') {
        response.writeHead(429, { 'content-type': 'application/json' });
        response.end('{"error":{"message":"The queue is full (9 waiting).","code":"queue_full"}}');
        return;
      }
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(`data: ${JSON.stringify({ choices: [{ delta: { content: `<${question}>` } }] })}\n\n`);
      if (question.includes('input_audio')) {
        const recordings = [{ message: messages.length - 1, part: 0, text: 'what  was said' }];
        response.write(`data: ${JSON.stringify({ choices: [], duanyun: { recordings } })}\n\n`);
      }
      if (question === 'hang') return;
      if (question === 'cut') response.end();
      else response.end('data: {"choices":[],"usage":{"completion_tokens":7}}\n\ndata: [DONE]\n\n');
    })();
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve());
  });
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

function open() {
  const input = new PassThrough();
  const screen = { text: '' };
  const terminal: Terminal = {
    out: (text) => void (screen.text += text),
    note: (text) => void (screen.text += text),
    outIsTerminal: true,
    noteIsTerminal: false,
    columns: () => 80,
    input,
  };
  const conversation = new Conversation({ client: new ChatClient(url, undefined), terminal, model: 'auto' });
  const abort = new AbortController();
  const ended = chatAtKeyboard(conversation, terminal, abort.signal, new PassThrough());
  const shows = async (text: string): Promise<void> => {
    while (!screen.text.includes(text)) {
      await new Promise((resolve) => {
        setTimeout(resolve, 5);
      });
    }
  };
  return { input, screen, ended, shows, abort };
}

const wave = path.join(mkdtempSync(path.join(os.tmpdir(), 'duanyun-chat-')), 'question.WAV');
writeFileSync(wave, 'RIFF');

const ctrlC = '\u0003';
const ctrlD = '\u0004';

describe('a conversation at the keyboard', () => {
  it('answers with figures and remembers what was said', async () => {
    const { input, screen, ended, shows } = open();
    input.write('你好\n');
    await shows('<你好>\n[7 tokens');
    input.write('再说一遍\n');
    await shows('<再说一遍>\n[7 tokens');
    input.write('/clear\n');
    input.write('new\n');
    await shows('<new>');
    input.write('/exit\n');
    expect(await ended).toBe(0);
    expect(asked.map((messages) => messages.map(({ content }) => content))).toEqual([
      ['你好'],
      ['你好', '<你好>', '再说一遍'],
      ['new'],
    ]);
    expect(screen.text).toContain('first token after');
  });

  it('Ctrl-C stops the answer, then the programme', async () => {
    const { input, ended, shows } = open();
    input.write('hang\n');
    await shows('<hang>');
    input.write(ctrlC);
    await shows('[stopped]');
    input.write('still here\n');
    await shows('<still here>');
    expect(asked.at(-1)?.map(({ content }) => content)).toEqual(['hang', '<hang>', 'still here']);
    await shows('tokens');
    input.write(ctrlC);
    expect(await ended).toBe(130);
  });

  it('Ctrl-D ends it', async () => {
    const { input, ended, shows } = open();
    await shows('/help');
    input.write(ctrlD);
    expect(await ended).toBe(0);
  });

  it('ends when the process is asked to end, also in the middle of an answer', async () => {
    const { input, ended, shows, abort } = open();
    input.write('hang\n');
    await shows('<hang>');
    abort.abort(new Error('asked to end'));
    await expect(ended).rejects.toThrow('asked to end');
  });

  it('a refused question and a cut answer end that answer only', async () => {
    const { input, screen, ended, shows } = open();
    input.write('full\n');
    await shows('error [queue_full]: The queue is full (9 waiting).');
    input.write('cut\n');
    await shows('error [stream_broken]');
    input.write('fine\n');
    await shows('<fine>');
    input.write('/exit\n');
    await ended;
    expect(screen.text.match(/tokens/g)).toHaveLength(1);
    expect(asked.at(-1)?.map(({ content }) => content)).not.toContain('full');
  });

  it('a recording and a picture go with the next question, and only that', async () => {
    const { input, screen, ended, shows } = open();
    input.write(`/audio ${wave}\n`);
    await shows('goes with the next question');
    input.write('/image /nowhere.png\n');
    await shows('error [not_found]: The file /nowhere.png was not found.');
    input.write('\n');
    await shows('<input_audio>');
    await shows('heard: what was said');
    await shows('7 tokens');
    input.write('and now\n');
    await shows('<and now>');
    input.write('/exit\n');
    expect(await ended).toBe(0);
    expect(asked[0]?.[0]?.content).toEqual([
      { type: 'input_audio', input_audio: { data: Buffer.from('RIFF').toString('base64'), format: 'wav' } },
    ]);
    expect(asked[1]?.map(({ role }) => role)).toEqual(['user', 'assistant', 'user']);
    expect(screen.text).not.toContain('internal');
  });

  it('takes pasted lines, fenced lines and continued lines as one question', async () => {
    const { input, ended, shows } = open();
    input.write('one\ntwo\nthree\n');
    await shows('<one\ntwo\nthree>');
    input.write('"""\na\n');
    await new Promise((resolve) => {
      setTimeout(resolve, 60);
    });
    input.write('\nb"""\n');
    await shows('<a\n\nb>');
    input.write('first \\\n');
    await new Promise((resolve) => {
      setTimeout(resolve, 60);
    });
    input.write('second\n');
    await shows('<first \nsecond>');
    input.write('/exit\n');
    expect(await ended).toBe(0);
  });
});

describe('the lines of a question', () => {
  it.each([
    [['plain'], 'plain'],
    [['"""one line"""'], 'one line'],
    [['"""', 'x', '"""'], 'x'],
    [['a\\', 'b'], 'a\nb'],
    [['ends with \\'], 'ends with \\'],
  ])('%j', (lines, question) => {
    expect(joinLines(lines)).toBe(question);
  });
});
