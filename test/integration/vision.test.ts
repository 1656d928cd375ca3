/** A picture by HTTP against the real command with a tiny vision model: gibberish for an answer, but the whole way. */
import { afterEach, describe, expect, it } from 'vitest';
import { encodePng } from '../support/png.ts';
import { makePicture, visionFiles } from '../support/vision.ts';
import { DuanyunServer, emptyHome, runDuanyun } from './duanyun-process.ts';

type Module = { name: string; state: string; resident_bytes: number; loads: number };

describe('the server with a model that sees', () => {
  let server: DuanyunServer | undefined;
  afterEach(async () => {
    server?.child.kill('SIGKILL');
    await server?.ended;
  });

  it('answers about pictures, shows its modules, and gives their memory back', async () => {
    const { weightsPath, projectorPath } = visionFiles('qwen3vl');
    const home = emptyHome();
    const flags = [
      '--model',
      weightsPath,
      '--projector',
      projectorPath,
      '--module-idle-seconds',
      '2',
      '--context',
      '2048',
    ];
    server = new DuanyunServer(flags, { DUANYUN_HOME: home });
    const url = await server.ready();
    const modules = async () => {
      const { data } = (await (await fetch(`${url}/v1/modules`)).json()) as { data: Module[] };
      return Object.fromEntries(data.map((each) => [each.name, each]));
    };
    const models = (await (await fetch(`${url}/v1/models`)).json()) as { data: { id: string; modalities: string[] }[] };
    expect(models.data.find(({ id }) => id === 'qwen3vl')?.modalities).toContain('image');
    expect((await modules())['vision']).toMatchObject({ state: 'cold', loads: 0 });

    const first = await ask(url, png(128, 96), 'what is it?');
    expect(first.usage.completion_tokens).toBe(4);
    // 4 × 3 tokens and two marks.
    expect(first.usage.prompt_tokens).toBeGreaterThan(14);
    expect((await modules())['vision']).toMatchObject({ state: 'ready', loads: 1 });
    const second = await ask(url, png(128, 96), 'which colour?');
    expect(second.usage.prompt_tokens_details.cached_tokens).toBeGreaterThan(14);

    await expect.poll(async () => (await modules())['vision']?.state, { timeout: 30_000 }).toBe('unloaded');
    const table = await runDuanyun(['modules', '--url', url], { environment: { DUANYUN_HOME: home } });
    expect(table.stdout).toMatch(/^vision +unloaded +qwen3vl/m);
    expect(table.stdout).toMatch(/^language +(ready|idle) +qwen3vl/m);
    const loaded = await runDuanyun(['modules', 'load', 'vision', '--url', url, '--json'], {
      environment: { DUANYUN_HOME: home },
    });
    expect(JSON.parse(loaded.stdout)).toMatchObject([{ name: 'vision', state: 'ready', loads: 2 }]);
    const unknown = await runDuanyun(['modules', 'unload', 'smell', '--url', url], {
      environment: { DUANYUN_HOME: home },
    });
    expect(unknown.code).toBe(1);
    expect(unknown.stderr).toContain('module_not_found');
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).toMatch(/duanyun_module_loads_total\{module="vision"\} 2/);
  });

  it('refuses a projector that is none before anything is loaded', async () => {
    const { weightsPath } = visionFiles('qwen3vl');
    const flags = ['serve', '--port', '0', '--model', weightsPath, '--projector', weightsPath];
    const { code, stderr } = await runDuanyun(flags, { environment: { DUANYUN_HOME: emptyHome() } });
    expect(code).toBe(1);
    expect(stderr).toContain('model_file_invalid');
  });
});

type Answer = {
  usage: {
    prompt_tokens: number;
    completion_tokens: number;
    prompt_tokens_details: { cached_tokens: number };
  };
};

async function ask(url: string, picture: Buffer, question: string): Promise<Answer> {
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      model: 'edge',
      max_tokens: 4,
      messages: [
        {
          role: 'user',
          content: [
            { type: 'image_url', image_url: { url: `data:image/png;base64,${picture.toString('base64')}` } },
            { type: 'text', text: question },
          ],
        },
      ],
    }),
  });
  if (!response.ok) throw new Error(await response.text());
  return (await response.json()) as Answer;
}

function png(width: number, height: number): Buffer {
  const { rgb } = makePicture('waves', width, height);
  const rows = Buffer.alloc((width * 3 + 1) * height);
  for (let y = 0; y < height; y++) rows.set(rgb.subarray(y * width * 3, (y + 1) * width * 3), y * (width * 3 + 1) + 1);
  return encodePng(width, height, rows);
}
