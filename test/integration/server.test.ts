/** The whole server with a real model: answers, Ctrl-C, and processes that are killed. */
import { spawn } from 'node:child_process';
import { afterEach, expect, it } from 'vitest';
import { describeWithWeights } from '../support/weights.ts';
import {
  DuanyunServer,
  environmentWith,
  isAlive,
  isGoneWithin,
  pause,
  projectRoot,
  runDuanyun,
} from './duanyun-process.ts';

const model = 'smollm2-135m';

await describeWithWeights(model, 'the server with a real model', (_, home) => {
  const servers: DuanyunServer[] = [];
  function start(args: string[] = []): DuanyunServer {
    const server = new DuanyunServer(['--model', model, ...args], { DUANYUN_HOME: home });
    servers.push(server);
    return server;
  }
  afterEach(async () => {
    for (const server of servers.splice(0)) {
      server.child.kill('SIGKILL');
      await server.ended;
    }
  });

  it('says what runs, answers, and leaves no process behind after Ctrl-C', async () => {
    const server = start();
    const url = await server.ready();
    expect(server.output.stdout).toContain(`Model: ${model} (SmolLM2-135M-Instruct, Apache-2.0)`);
    expect(server.output.stdout).toContain(`curl -N ${url}/v1/chat/completions`);
    expect(await (await fetch(`${url}/health`)).json()).toEqual({ status: 'ok' });
    const answer = await ask(url, 'What is the capital of France? One word.');
    expect(answer.headers.get('x-duanyun-target')).toBe('device');
    expect(await readText(answer)).toContain('Paris');

    const engine = await server.enginePid();
    expect(isAlive(engine)).toBe(true);
    expect(await server.stop('SIGINT')).toBe(130);
    expect(await isGoneWithin(engine, 2_000)).toBe(true);
  }, 60_000);

  it('lets a running answer end after Ctrl-C, and refuses new ones', async () => {
    const server = start();
    const url = await server.ready();
    const body = (await ask(url, 'Write a long story about a ship.', 60)).body;
    const reader = body?.pipeThrough(new TextDecoderStream()).getReader();
    const first = await reader?.read();
    server.child.kill('SIGINT');
    let text = first?.value ?? '';
    for (;;) {
      const part = await reader?.read();
      if (part === undefined || part.done) break;
      text += part.value;
    }
    expect(text).toContain('data: [DONE]');
    expect(await server.ended).toBe(130);
    await expect(fetch(`${url}/health`)).rejects.toThrow();
  }, 60_000);

  it('ends with 0 when a service manager asks', async () => {
    const server = start();
    await server.ready();
    expect(await server.stop('SIGTERM')).toBe(0);
  }, 60_000);

  it('ends when the npm that started it is told to end', async () => {
    const environment = environmentWith({ DUANYUN_HOME: home, DUANYUN_LOG_FORMAT: 'json' });
    const args = ['start', '--silent', '--', '--port', '0', '--model', model];
    const npm = spawn('npm', args, { cwd: projectRoot, env: environment, shell: process.platform === 'win32' });
    let output = '';
    npm.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    npm.stderr.setEncoding('utf8').on('data', (text: string) => (output += text));
    while (!/^Ready/m.test(output) && npm.exitCode === null) await pause(50);
    const engine = Number(/"pid":(\d+)/.exec(output)?.[1]);
    expect(isAlive(engine)).toBe(true);
    npm.kill('SIGTERM');
    expect(await isGoneWithin(engine, 5_000)).toBe(true);
  }, 60_000);

  it('ends at once at the second Ctrl-C', async () => {
    const server = start();
    const url = await server.ready();
    const engine = await server.enginePid();
    const response = await ask(url, 'Count from one to one thousand, in words.', 4_000);
    await response.body?.getReader().read();
    server.child.kill('SIGINT');
    await server.find(/(Stopping)/, 'stdout');
    await pause(700);
    server.child.kill('SIGINT');
    expect(await server.ended).toBe(130);
    expect(await isGoneWithin(engine, 2_000)).toBe(true);
  }, 60_000);

  it('killed outright, it takes its engine along', async () => {
    const server = start();
    await server.ready();
    const engine = await server.enginePid();
    expect(await server.stop('SIGKILL')).toBe('SIGKILL');
    expect(await isGoneWithin(engine, 5_000)).toBe(true);
  }, 60_000);

  it('an engine killed in a stream gives an error event, and the next question an answer', async () => {
    const server = start();
    const url = await server.ready();
    const response = await ask(url, 'Count from one to one thousand, in words.', 2_000);
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    let text = (await reader?.read())?.value ?? '';
    process.kill(await server.enginePid(), 'SIGKILL');
    for (;;) {
      const part = await reader?.read();
      if (part === undefined || part.done) break;
      text += part.value;
    }
    expect(text).toContain('"code":"engine_crashed"');
    expect(text).not.toContain('[DONE]');
    expect(await readText(await ask(url, 'What is the capital of France? One word.'))).toContain('Paris');
  }, 60_000);

  it('the terminal chat asks a running server, or brings its own engine', async () => {
    const server = start();
    const url = await server.ready();
    const remote = await runDuanyun(['chat', '--url', url, '--temperature', '0', 'What is the capital of France?']);
    expect(remote).toMatchObject({ code: 0, stdout: expect.stringContaining('Paris') as string });
    expect(remote.stderr).toMatch(/\[\d+ tokens, [\d.]+ tokens\/s, first token after [\d.]+ s\]/);

    // A port where nothing listens: the command has to bring its own engine.
    const environment = { DUANYUN_HOME: home, DUANYUN_PORT: '9', DUANYUN_MODEL: model };
    const own = await runDuanyun(['chat', '--json', '--temperature', '0', 'Answer this:'], {
      environment,
      input: 'What is the capital of France?\n',
    });
    expect(own.code).toBe(0);
    const answer = JSON.parse(own.stdout) as { text: string; figures: { completionTokens: number } };
    expect(answer.text).toContain('Paris');
    expect(answer.figures.completionTokens).toBeGreaterThan(1);
  }, 60_000);

  it('refuses a context that no memory holds, before anything is loaded', async () => {
    const server = start(['--cells', '4194304', '--parallel', '1']);
    expect(await server.ended).toBe(1);
    expect(server.output.stderr).toContain('error [model_too_large]: smollm2-135m needs about');
    expect(server.output.stderr).not.toContain('engine ready');
  }, 60_000);

  it('the metrics show the engine', async () => {
    const server = start();
    const url = await server.ready();
    await readText(await ask(url, 'Hello'));
    // The engine reports once a second.
    let text = '';
    for (let tries = 0; tries < 50 && !/duanyun_engine_decode_tokens_total [1-9]/.test(text); tries++) {
      await pause(200);
      text = await (await fetch(`${url}/metrics`)).text();
    }
    expect(text).toMatch(/duanyun_engine_decode_tokens_total [1-9]/);
    expect(text).toMatch(/duanyun_engine_resident_bytes [1-9]/);
  }, 60_000);
});

function ask(url: string, content: string, maxTokens = 20): Promise<Response> {
  return fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      model: 'auto',
      stream: true,
      temperature: 0,
      max_tokens: maxTokens,
      messages: [{ role: 'user', content }],
    }),
  });
}

async function readText(response: Response): Promise<string> {
  expect(response.status).toBe(200);
  const events = (await response.text()).split('\n').filter((line) => line.startsWith('data: {'));
  return events
    .map((line) => (JSON.parse(line.slice(6)) as { choices?: { delta?: { content?: string } }[] }).choices?.[0]?.delta)
    .map((delta) => delta?.content ?? '')
    .join('');
}
