/** A real server with a language model: what a spoken question costs, and what unloading speech gives back. */
import { spawn, type ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { residentBytes } from '../engine/memory.ts';

/** Milliseconds: the transcription alone, the first token of its text, the first token of the spoken question. */
export type Asked = { transcription: number; text: number; spoken: number };
export type Stage = { stage: string; bytes: number };

/** Compiled to `.bench/bench/speech`. */
const root = fileURLToPath(new URL('../../../', import.meta.url));

export async function measureServer(
  model: string,
  file: string,
  threads: number,
  rounds: number,
): Promise<{ asked: Asked[]; unloading: Stage[] }> {
  const flags = ['--model', model, '--port', '0', '--threads', String(threads), '--module-idle-seconds', '600'];
  const child = spawn(process.execPath, [path.join(root, '.bench/src/main.js'), 'serve', ...flags], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  try {
    const url = await ready(child);
    const unloading: Stage[] = [];
    const mark = async (stage: string): Promise<void> => {
      await sleep(2_000);
      unloading.push({ stage, bytes: treeBytes(child.pid) });
    };
    const audio = readFileSync(file);
    for (let round = 0; round < 4; round++) await firstToken(url, `${round}: 用一句话说说春天。`);
    await mark('speech never loaded');
    const { text } = await transcribe(url, audio);
    const asked: Asked[] = [];
    for (let round = 0; round < rounds; round++) {
      const transcription = (await transcribe(url, varied(audio, 3 * round))).ms;
      const asText = await firstToken(url, text);
      // Other bytes each time: what was heard once is not heard again.
      const spoken = await firstToken(url, undefined, varied(audio, 3 * round + 1));
      asked.push({ transcription, text: asText, spoken });
    }
    await mark('speech loaded and used');
    await fetch(`${url}/v1/modules/speech/unload`, { method: 'POST' });
    await mark('speech unloaded');
    await transcribe(url, varied(audio, 1_000));
    await mark('speech loaded again');
    return { asked, unloading };
  } finally {
    const ended = new Promise((resolve) => {
      child.once('close', resolve);
    });
    child.kill('SIGINT');
    await ended;
  }
}

async function ready(child: ChildProcess): Promise<string> {
  let out = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (out += text));
  for (;;) {
    const found = /listens on (http:\S+)/.exec(out)?.[1];
    if (found !== undefined && /^Ready/m.test(out)) return found;
    if (child.exitCode !== null) throw new Error(`the server ended: ${out}`);
    await sleep(50);
  }
}

/** The same sound in another file: bytes after the sound are not listened to. */
function varied(audio: Buffer, number: number): Buffer {
  const tail = Buffer.alloc(12);
  tail.write('note', 0);
  tail.writeUInt32LE(4, 4);
  tail.writeUInt32LE(number, 8);
  return Buffer.concat([audio, tail]);
}

async function transcribe(url: string, audio: Buffer): Promise<{ text: string; ms: number }> {
  const form = new FormData();
  form.set('file', new Blob([new Uint8Array(audio)]), 'question.wav');
  form.set('model', 'whisper-1');
  const startedMs = performance.now();
  const response = await fetch(`${url}/v1/audio/transcriptions`, { method: 'POST', body: form });
  const { text } = (await response.json()) as { text: string };
  if (!response.ok) throw new Error(`status ${response.status}`);
  return { text, ms: performance.now() - startedMs };
}

/** Milliseconds to the first token of an answer from the device. */
async function firstToken(url: string, text?: string, audio?: Buffer): Promise<number> {
  const part =
    audio === undefined
      ? { type: 'text', text }
      : { type: 'input_audio', input_audio: { data: audio.toString('base64'), format: 'wav' } };
  const body = JSON.stringify({
    model: 'edge',
    stream: true,
    max_tokens: 8,
    messages: [{ role: 'user', content: [part] }],
  });
  const startedMs = performance.now();
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(`${url}/v1/chat/completions`, { method: 'POST', headers, body });
  if (!response.ok || response.body === null) throw new Error(`status ${response.status}: ${await response.text()}`);
  let [seen, firstMs] = ['', Number.NaN];
  for await (const piece of response.body.pipeThrough(new TextDecoderStream())) {
    seen += piece;
    // The opening chunk has no content yet.
    if (Number.isNaN(firstMs) && /"content":"[^"]/.test(seen)) firstMs = performance.now() - startedMs;
  }
  if (!seen.includes('[DONE]')) throw new Error(`a broken answer: ${seen.slice(-300)}`);
  return firstMs;
}

/** Of a process and all that it started; Linux only. */
function treeBytes(pid: number | undefined): number {
  if (pid === undefined || process.platform !== 'linux') return Number.NaN;
  const children = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && parentOf(name) === pid);
  return residentBytes(pid) + children.reduce((sum, child) => sum + treeBytes(Number(child)), 0);
}

function parentOf(pid: string): number {
  try {
    // The name in brackets may hold anything.
    return Number(/\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1]);
  } catch {
    return Number.NaN;
  }
}
