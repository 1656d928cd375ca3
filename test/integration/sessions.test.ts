/** A conversation that outlives its process: the whole server, killed, started again. */
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { ownHome } from '../support/own-home.ts';
import { describeWithWeights } from '../support/weights.ts';
import { DuanyunServer, isGoneWithin, runDuanyun } from './duanyun-process.ts';

const model = 'smollm2-135m';
const patience = 60_000;

type Message = { role: string; content: string };
type Answer = { text: string; promptTokens: number; cachedTokens: number };

await describeWithWeights(model, 'sessions', (_, weightsHome) => {
  const servers: DuanyunServer[] = [];
  const home = ownHome(weightsHome);
  const folder = path.join(home, 'sessions');

  async function start(args: string[] = []): Promise<{ server: DuanyunServer; url: string }> {
    const server = new DuanyunServer(['--model', model, '--threads', '1', ...args], {
      DUANYUN_HOME: home,
      DUANYUN_LOG_FORMAT: 'json',
      // Not the keyring of whoever runs the tests.
      DUANYUN_SESSION_KEY: 'file',
    });
    servers.push(server);
    return { server, url: await server.ready() };
  }
  afterEach(async () => {
    for (const server of servers.splice(0)) {
      server.child.kill('SIGKILL');
      await server.ended;
    }
  });

  const story = Array.from({ length: 8 }, (_unused, index) => `House ${index} has ${index * 3 + 2} rooms.`).join(' ');
  const opening: Message[] = [{ role: 'user', content: `${story} How many rooms has house 3?` }];

  async function saved(server: DuanyunServer): Promise<void> {
    await expect
      .poll(() => server.output.stderr + server.output.stdout, { timeout: patience })
      .toContain('session saved');
  }

  /** Kills the server without a word, and with it the engine, which notices. */
  async function kill(server: DuanyunServer): Promise<void> {
    const engine = await server.enginePid();
    server.child.kill('SIGKILL');
    await server.ended;
    expect(await isGoneWithin(engine, patience)).toBe(true);
  }

  it('go on after SIGKILL without computing the conversation again', async () => {
    const first = await start();
    const answered = await ask(first.url, opening, 'trip');
    expect(answered.cachedTokens).toBe(0);
    await saved(first.server);
    await kill(first.server);

    const second = await start();
    const next = [...opening, { role: 'assistant', content: answered.text }, { role: 'user', content: 'And house 4?' }];
    const again = await ask(second.url, next, 'trip');
    expect(again.cachedTokens).toBeGreaterThanOrEqual(answered.promptTokens);
    expect(again.promptTokens - again.cachedTokens).toBeLessThan(40);
    // Another session, or none, gets nothing of what was not in its process.
    const listed = await runDuanyun(['sessions', 'list', '--json'], { environment: { DUANYUN_HOME: home } });
    expect(JSON.parse(listed.stdout)).toMatchObject([{ readable: true, id: 'trip', model }]);
    const removed = await runDuanyun(['sessions', 'remove', 'trip'], { environment: { DUANYUN_HOME: home } });
    expect([removed.code, await readdir(folder)]).toEqual([0, []]);
    const unknown = await runDuanyun(['sessions', 'remove', 'trip'], { environment: { DUANYUN_HOME: home } });
    expect([unknown.code, unknown.stderr]).toEqual([2, expect.stringContaining('There is no session trip')]);
  }, 400_000);

  it('say the same as without, also with a budget', async () => {
    const first = await start(['--kv-budget', '160']);
    const answered = await ask(first.url, opening, 'small');
    await saved(first.server);
    const next = [...opening, { role: 'assistant', content: answered.text }, { role: 'user', content: 'And house 4?' }];
    const expected = await ask(first.url, next);
    await kill(first.server);
    const second = await start(['--kv-budget', '160']);
    const again = await ask(second.url, next, 'small');
    expect(again.cachedTokens).toBeGreaterThan(100);
    expect(again.text).toBe(expected.text);
  }, 400_000);

  it('that were changed or are of other settings are not used: the prompt is computed, the log says why', async () => {
    await rm(folder, { recursive: true, force: true });
    const first = await start();
    const answered = await ask(first.url, opening, 'trip');
    await saved(first.server);
    await kill(first.server);
    const [name = ''] = await readdir(folder);
    const file = path.join(folder, name);
    const bytes = await readFile(file);

    const other = await start(['--cache-type-k', 'q8_0']);
    expect((await ask(other.url, opening, 'trip')).cachedTokens).toBe(0);
    await expect
      .poll(() => other.server.output.stderr + other.server.output.stdout, { timeout: patience })
      .toContain('"code":"session_mismatch"');
    await kill(other.server);

    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] as number) ^ 1;
    await writeFile(file, bytes);
    const changed = await start();
    const again = await ask(changed.url, opening, 'trip');
    expect([again.cachedTokens, again.text]).toEqual([0, answered.text]);
    expect(changed.server.output.stderr + changed.server.output.stdout).toContain('"code":"session_invalid"');
  }, 400_000);

  it('are refused where they are switched off, and by a name that could be a path', async () => {
    const { url } = await start(['--sessions-mib', '0']);
    expect(await code(url, 'trip')).toBe('unsupported_feature');
    expect(await code(url, '../trip')).toBe('invalid_request');
  }, 60_000);

  const body = (messages: Message[], session?: string) =>
    JSON.stringify({
      model: 'edge',
      messages,
      max_tokens: 12,
      temperature: 0,
      ...(session === undefined ? {} : { duanyun: { session } }),
    });

  async function post(url: string, text: string): Promise<Response> {
    return fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: text,
    });
  }

  async function ask(url: string, messages: Message[], session?: string): Promise<Answer> {
    const response = await post(url, body(messages, session));
    const { choices, usage } = (await response.json()) as {
      choices: [{ message: { content: string } }];
      usage: { prompt_tokens: number; prompt_tokens_details: { cached_tokens: number } };
    };
    return {
      text: choices[0].message.content,
      promptTokens: usage.prompt_tokens,
      cachedTokens: usage.prompt_tokens_details.cached_tokens,
    };
  }

  async function code(url: string, session: string): Promise<string> {
    const response = await post(url, body(opening, session));
    return ((await response.json()) as { error: { code: string } }).error.code;
  }
});
