/** The whole cloud side with a real vLLM, started as a person would. One story: each test goes on where the one before ended. */
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { processIsGone, freePort, Launch } from '../deploy/launch-script.ts';
import { DuanyunServer, environmentWith, pause, projectRoot } from '../integration/duanyun-process.ts';
import { execute } from '../support/deploy-tools.ts';
import { ownHome } from '../support/own-home.ts';
import { askAtOnce, unfairness } from './users.ts';

const variable = (name: string): string => {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set: run npm run test:cloud`);
  return value;
};
const folder = mkdtempSync(path.join(os.tmpdir(), 'duanyun-cloud-'));
const users = 50;
const tokensPerAnswer = 8;

let launch: Launch;
let port = 0;
let url = '';

beforeAll(async () => {
  port = await freePort();
  url = `http://127.0.0.1:${port}`;
  const args = [
    '--device',
    'cpu',
    '--model',
    variable('DUANYUN_TEST_VLLM_MODEL'),
    '--port',
    String(port),
    '--start-seconds',
    '3600',
  ];
  launch = new Launch(path.join(projectRoot, 'deploy', 'run_autoglm_server.sh'), args, {
    ...environmentWith(),
    AUTOGLM_VLLM: variable('AUTOGLM_VLLM'),
    DUANYUN_HOME: path.join(folder, 'gateway'),
    // A processor is slow and may have other work.
    DUANYUN_CLOUD_FIRST_TOKEN_SECONDS: '3000',
    DUANYUN_CLOUD_SILENCE_SECONDS: '600',
  });
  launch.onText((text) => process.stdout.write(text));
});
afterAll(async () => {
  await launch.stop('SIGTERM');
  rmSync(folder, { recursive: true, force: true });
});

it('the script says [SUCCESS], and /health says ok', async () => {
  await launch.says(/^\[SUCCESS\] Model service is ready!$/m);
  expect(launch.output).toContain(`[INFO] FastAPI server running at ${url}\n`);
  expect(await (await fetch(`${url}/health`)).json()).toEqual({ status: 'ok' });
});

it("the reference document's client prints an answer", async () => {
  const { stdout } = await execute(
    variable('DUANYUN_TEST_CLIENTS'),
    [path.join(projectRoot, 'examples', 'langchain-client.py')],
    {
      env: { ...environmentWith(), DUANYUN_BASE_URL: `${url}/v1`, PYTHONIOENCODING: 'utf-8' },
    },
  );
  process.stdout.write(`client: ${stdout}`);
  expect(stdout.trim().length).toBeGreaterThan(2);
});

it('a private request stays on the device, a public one goes to vLLM, and the receipts say so', async () => {
  const device = new DuanyunServer(
    ['--model', 'qwen2.5-coder-0.5b', '--cloud-url', url, '--cloud-model', 'autoglm-phone-9b'],
    {
      DUANYUN_CLOUD_FIRST_TOKEN_SECONDS: '600',
      DUANYUN_CLOUD_SILENCE_SECONDS: '600',
      DUANYUN_HOME: ownHome(process.env['DUANYUN_HOME'] ?? path.join(os.homedir(), '.duanyun')),
    },
  );
  try {
    const address = await device.ready();
    const secret = await answer(address, '我的身份证号是11010519491231002X,帮我记住。');
    expect(secret).toMatchObject({ target: 'device', receipt: { target: 'device', bytesLeft: 0 } });
    const open = await answer(address, 'What is the capital of France?', { preference: 'only_in_cloud' });
    expect(open).toMatchObject({ target: 'cloud', model: 'autoglm-phone-9b' });
    expect(open.receipt.bytesLeft).toBeGreaterThan(0);
  } finally {
    await device.stop();
  }
});

it(`${users} users at once are all answered, and fairly`, async () => {
  const results = await askAtOnce(url, users, tokensPerAnswer);
  const failed = results.filter(({ isWhole, text }) => !isWhole || text === '');
  const seconds = results.map(({ totalMs }) => totalMs / 1000).toSorted((a, b) => a - b);
  const ratio = unfairness(results);
  process.stdout.write(
    `${users} users: ${failed.length} failed, slowest ${seconds.at(-1)?.toFixed(1)} s, fastest ${seconds[0]?.toFixed(1)} s, ratio ${ratio.toFixed(2)}\n`,
  );
  expect(failed).toEqual([]);
  expect(ratio).toBeLessThan(2);
});

it('vLLM killed under load: nobody is told that a cut answer is whole, and it comes back by itself', async () => {
  const pid = Number([...launch.output.matchAll(/APIServer pid=(\d+)/g)].at(-1)?.[1]);
  const readyBefore = launch.output.split('[SUCCESS]').length;
  const running = askAtOnce(url, 10, 200);
  await until(() => /Running: (?:[5-9]|10) reqs/.test(launch.output.slice(-20_000)));
  process.kill(pid, 'SIGKILL');
  for (const result of await running) {
    expect(result.isWhole).toBe(false);
    expect(result.error).toBeTruthy();
  }
  await until(async () => (await fetch(`${url}/health`)).status === 503);
  await launch.says(/^\[ERROR\] vLLM ended \(exit code 137\); it is started again in 1 s/m);
  await until(() => launch.output.split('[SUCCESS]').length > readyBefore);
  expect(await (await fetch(`${url}/health`)).json()).toEqual({ status: 'ok' });
  const [after] = await askAtOnce(url, 1, 4);
  expect(after).toMatchObject({ status: 200, isWhole: true });
});

it('SIGTERM ends everything that was started', async () => {
  const pids = [...launch.output.matchAll(/(?:APIServer|EngineCore|Worker) pid=(\d+)/g)].map(([, pid]) => Number(pid));
  expect(await launch.stop('SIGTERM')).toBe(0);
  for (const pid of new Set(pids)) expect(await processIsGone(pid)).toBe(true);
});

type Answer = { target: string | null; model: string; receipt: { target: string; bytesLeft: number } };

async function answer(address: string, content: string, duanyun: object = {}): Promise<Answer> {
  const response = await fetch(`${address}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'auto', messages: [{ role: 'user', content }], max_tokens: 8, duanyun }),
  });
  const body = (await response.json()) as { model: string };
  const id = response.headers.get('x-duanyun-receipt');
  const receipt = (await (await fetch(`${address}/v1/receipts/${id}`)).json()) as Answer['receipt'];
  process.stdout.write(`${content} → ${response.headers.get('x-duanyun-target')}, ${JSON.stringify(receipt)}\n`);
  return { target: response.headers.get('x-duanyun-target'), model: body.model, receipt };
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await pause(200);
}
