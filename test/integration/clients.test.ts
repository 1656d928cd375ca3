/** The clients that people use, run for real: each example of `examples/` against a real server with a real model. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { pythonMinutes, pythonWithClients } from '../support/python-clients.ts';
import { describeWithWeights } from '../support/weights.ts';
import { DuanyunServer, environmentWith, projectRoot } from './duanyun-process.ts';

const model = 'qwen2.5-coder-0.5b';
const execute = promisify(execFile);

await describeWithWeights(model, 'the clients', (_, home) => {
  let server: DuanyunServer;
  let address = '';
  beforeAll(async () => {
    server = new DuanyunServer(['--model', model], { DUANYUN_HOME: home });
    address = `${await server.ready()}/v1`;
  });
  afterAll(async () => {
    await server.stop();
  });

  async function example(program: string, name: string, ...args: string[]): Promise<string> {
    const { stdout } = await execute(program, [...args, path.join(projectRoot, 'examples', name)], {
      env: environmentWith({ DUANYUN_BASE_URL: address, PYTHONIOENCODING: 'utf-8' }),
      timeout: 120_000,
    });
    return stdout;
  }

  it('curl streams, and sees where the answer came from', async () => {
    const output = await example('sh', 'curl.sh');
    expect(output).toContain('{"status":"ok"}');
    expect(output).toContain('x-duanyun-target: device');
    expect(output.trimEnd()).toMatch(/data: \[DONE\]$/);
  }, 120_000);

  it('the openai package for Node streams and gets a tool call that fits the schema', async () => {
    const output = await example(process.execPath, 'openai-node.mjs');
    expect(output).toMatch(/stream: .{2}/s);
    const call = /tool call: get_weather (\{.*\})/.exec(output)?.[1] ?? '';
    expect(JSON.parse(call)).toEqual({ city: expect.any(String) as string });
  }, 120_000);

  it("Vercel's AI SDK streams and learns the usage", async () => {
    const output = await example(process.execPath, 'ai-sdk.mjs');
    expect(output).toMatch(/stream: .{2}/s);
    expect(output).toMatch(/finish: (stop|length), usage: [1-9]\d* \+ [1-9]\d* tokens/);
  }, 120_000);

  it(
    'the openai package for Python streams, sees the target and gets structured output',
    async ({ skip }) => {
      const python = await pythonWithClients(home);
      if ('missing' in python) return skip(python.missing);
      const output = await example(python.path, 'openai-python.py');
      expect(output).toMatch(/^models: auto, edge, /m);
      expect(output).toMatch(/usage: [1-9]\d* \+ [1-9]\d* tokens/);
      expect(output).toContain(`answered by: ${model} on the device`);
      expect(output).toMatch(/structured: \{'city': '[^']*', 'country': '[^']*'\}/);
    },
    pythonMinutes * 60_000,
  );

  it(
    'the notebook with the script of the reference document runs',
    async ({ skip }) => {
      const python = await pythonWithClients(home);
      if ('missing' in python) return skip(python.missing);
      const runner = [
        'import sys, nbformat, nbclient',
        'notebook = nbformat.read(sys.argv[1], 4)',
        'nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()',
        'texts = ["".join(o.get("text", "") for o in c.get("outputs", [])) for c in notebook.cells if c.cell_type == "code"]',
        'print("\\n----\\n".join(texts))',
      ].join('\n');
      const output = await example(python.path, 'autoglm_client.ipynb', '-c', runner);
      const [answer = '', stream = '', thinking = '', picture = '', speech = ''] = output.split('\n----\n');
      expect(answer.trim().length).toBeGreaterThan(2);
      expect(stream).toMatch(new RegExp(`[1-9]\\d* pieces, answered by ${model}`));
      expect(thinking).toMatch(/^thinking: .+\nanswer: \S/);
      // With the modules an answer; without them the reason, in the server's own words.
      expect(picture).toMatch(/^picture: (answered by \S+: |not read here \(\w+\): \w)/);
      expect(speech).toMatch(/^speech: (answered by \S+: |not read here \(\w+\): \w)/);
    },
    pythonMinutes * 60_000,
  );
});

it('the notebook sends exactly what the script of the reference document sends', () => {
  const notebook = JSON.parse(readFileSync(path.join(projectRoot, 'examples', 'autoglm_client.ipynb'), 'utf8')) as {
    cells: { source: string[] }[];
  };
  const code = notebook.cells.flatMap(({ source }) => source).join('');
  for (const part of ['model="autoglm-phone-9b"', 'temperature=0.5', 'api_key="EMPTY"', '"enable_thinking": True']) {
    expect(code).toContain(part);
  }
  for (const part of ['"return_reasoning": True', 'streaming=True', 'chat_model.invoke("你是谁?")']) {
    expect(code).toContain(part);
  }
});
