/** The real command twice: a device with a small model, and a gateway that has it as its cloud. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export type Servers = { deviceUrl: string; cloudUrl: string; operatorKey: string; close(): Promise<void> };

const operatorKey = 'key-of-the-operator';
/** This is compiled to `.bench/bench/pictures`; the command that is built has the page beside it. */
const command = fileURLToPath(new URL('../../../bin/duanyun', import.meta.url));

export async function startServers(model: string): Promise<Servers> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'duanyun-pictures-'));
  const keyFile = path.join(folder, 'keys');
  writeFileSync(keyFile, `${operatorKey}\n`);
  const started: ChildProcess[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(started.map(end));
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const device = start(['--model', model, '--log-level', 'warn']);
    started.push(device.child);
    const deviceUrl = await device.ready(/^Ready/m);
    const gateway = start(
      ['--role', 'cloud', '--cloud-url', deviceUrl, '--api-key-file', keyFile, '--log-level', 'warn'],
      {
        DUANYUN_HOME: path.join(folder, 'home'),
      },
    );
    started.push(gateway.child);
    const cloudUrl = await gateway.ready(/listens on/);
    // It answers when it has heard from the device.
    while (!(await fetch(`${cloudUrl}/health`)).ok) await sleep(200);
    await makeKey(cloudUrl);
    return { deviceUrl, cloudUrl, operatorKey, close };
  } catch (error) {
    await close();
    throw error;
  }
}

export type Pair = { deviceUrl: string; endCloud(): Promise<void>; close(): Promise<void> };

/** A device, and a second one that is its cloud. */
export async function startPair(model: string): Promise<Pair> {
  const started: ChildProcess[] = [];
  const close = async (): Promise<void> => void (await Promise.all(started.map(end)));
  try {
    const cloud = start(['--model', model, '--log-level', 'warn']);
    started.push(cloud.child);
    const cloudUrl = await cloud.ready(/^Ready/m);
    const device = start(['--model', model, '--cloud-url', cloudUrl, '--log-level', 'warn']);
    started.push(device.child);
    const deviceUrl = await device.ready(/^Ready/m);
    return { deviceUrl, endCloud: () => end(cloud.child), close };
  } catch (error) {
    await close();
    throw error;
  }
}

function start(flags: string[], variables: Record<string, string> = {}) {
  // oxlint-disable-next-line node/no-process-env -- handed on
  const env = { ...process.env, ...variables };
  const child = spawn(process.execPath, [command, 'serve', '--port', '0', ...flags], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let out = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  const ready = async (sign: RegExp): Promise<string> => {
    for (;;) {
      const url = /listens on (http:\S+)/.exec(out)?.[1];
      if (url !== undefined && sign.test(out)) return url;
      if (child.exitCode !== null) throw new Error(`the server ended: ${out}`);
      await sleep(50);
    }
  };
  return { child, ready };
}

/** A key with a limit, and a question asked with it: what an operator's page shows. */
async function makeKey(url: string): Promise<void> {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${operatorKey}` };
  const body = JSON.stringify({ name: 'Ward 3', expires_in_days: 30, requests_per_minute: 60 });
  const response = await fetch(`${url}/v1/gateway/keys`, { method: 'POST', headers, body });
  if (!response.ok) throw new Error(`no key: ${response.status} ${await response.text()}`);
  const { secret } = (await response.json()) as { secret: string };
  const question = JSON.stringify({ model: 'auto', max_tokens: 8, messages: [{ role: 'user', content: 'Hello' }] });
  const asked = { 'content-type': 'application/json', authorization: `Bearer ${secret}` };
  const answer = await fetch(`${url}/v1/chat/completions`, { method: 'POST', headers: asked, body: question });
  if (!answer.ok) throw new Error(`no answer: ${answer.status} ${await answer.text()}`);
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const ended = new Promise((resolve) => {
    child.once('close', resolve);
  });
  child.kill('SIGINT');
  await ended;
}
