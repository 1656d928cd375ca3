/** The launch script as a person runs it: what it says, what it starts, and that nothing is left behind. GPUs are stand-ins. */
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  mkdirSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { projectRoot } from '../integration/duanyun-process.ts';
import { freePort, processIsGone, LaunchPlace, twoGpus, writeModel } from './launch-script.ts';

const gpu = (index: number, name: string, total: number, free = total - 400): string =>
  `${index}, GPU-0000000${index}, ${name}, ${total}, ${free}\n`;
const gibibyte = 1024 ** 3;

describe('run_autoglm_server.sh', () => {
  let place: LaunchPlace;
  beforeAll(() => {
    place = new LaunchPlace();
  });
  afterAll(async () => {
    await place.dispose();
  });

  async function refused(args: readonly string[], options: Parameters<LaunchPlace['launch']>[1] = {}) {
    const launch = place.launch(['--dry-run', ...args], options);
    const code = await launch.ended;
    return { code, output: launch.output };
  }

  describe('the plan', () => {
    it('says what the reference document says, with the values that are true', async () => {
      const { code, output } = await refused(['--port', String(await freePort())]);
      expect(output).toContain('[INFO] Starting AutoGLM-Phone-9B server...\n');
      expect(output).toContain(`[INFO] Loading tokenizer from ${place.model}/\n`);
      expect(output).toContain('[INFO] Initializing model with config: fp16=True, max_seq_len=8192\n');
      expect(output).toContain('[INFO] Detected 2x NVIDIA GeForce RTX 4090 (24GB each)\n');
      expect(output).toContain('[INFO] Distributed inference enabled via tensor parallelism\n');
      expect(output).toMatch(/vllm serve \S+ .*--dtype float16 --max-model-len 8192 .*--tensor-parallel-size 2/);
      expect(output).toMatch(/duanyun serve --role cloud --host 127\.0\.0\.1 /);
      expect(output).not.toContain('SUCCESS');
      expect(code).toBe(0);
    });

    it.each([
      [
        'one GPU',
        gpu(0, 'NVIDIA A100-SXM4-40GB', 40_960),
        [],
        /Detected 1x NVIDIA A100-SXM4-40GB \(40GB\)[^]*--tensor-parallel-size 1 /,
      ],
      [
        'three GPUs use two',
        [0, 1, 2].map((each) => gpu(each, 'NVIDIA L4', 23_034)).join(''),
        [],
        /1 of 3 GPUs stay unused[^]*--tensor-parallel-size 2 /,
      ],
      [
        'two stages of two',
        [0, 1, 2, 3].map((each) => gpu(each, 'NVIDIA L4', 23_034)).join(''),
        ['--pipeline-parallel', '2'],
        /--tensor-parallel-size 2 --pipeline-parallel-size 2 /,
      ],
    ])('spreads over %s', async (_, gpus, args, expected) => {
      const { code, output } = await refused([...args, '--port', String(await freePort())], { gpus });
      expect(output).toMatch(expected);
      expect(code).toBe(0);
    });

    it('keeps to CUDA_VISIBLE_DEVICES', async () => {
      const { output } = await refused(['--port', String(await freePort())], {
        environment: { CUDA_VISIBLE_DEVICES: '1' },
      });
      expect(output).toContain('Detected 1x NVIDIA GeForce RTX 4090 (24GB)\n');
    });

    it('takes less context where the model has less, and bfloat16 where float16 runs over', async () => {
      const model = path.join(place.folder, 'small-model');
      writeModel(model, { longest: 2048, modelType: 'glm4' });
      const { output } = await refused(['--model', model, '--port', String(await freePort())]);
      expect(output).toContain('Initializing model with config: fp16=False (bfloat16), max_seq_len=2048');
    });

    it('passes flags after -- to vLLM as they are', async () => {
      const { output } = await refused(['--port', String(await freePort()), '--', '--hf-overrides', '{"a": 1}']);
      expect(output).toContain(`--hf-overrides '{"a": 1}'`);
    });

    it('spreads over the nodes of a Ray cluster', async () => {
      const ray = path.join(place.bin, 'ray');
      writeFileSync(
        ray,
        '#!/bin/sh\nprintf "%s\\n" "Node status" "Active:" " 1 node_ab" " 1 node_cd" "Pending:" " (no pending nodes)"\n',
      );
      chmodSync(ray, 0o755);
      const { output } = await refused(['--ray', '--port', String(await freePort())]);
      rmSync(ray);
      expect(output).toMatch(/--tensor-parallel-size 2 --pipeline-parallel-size 2 --distributed-executor-backend ray/);
    });
  });

  describe('what is missing', () => {
    it.each([
      ['a wrong flag', ['--devise', 'cpu'], {}, 2, 'did you mean --device?'],
      ['a wrong value', ['--port', '80000'], {}, 2, '--port is a number from 1 to 65535'],
      ['a flag without a value', ['--model'], {}, 2, '--model needs a value'],
      ['no driver', [], { gpus: 'no-driver' }, 5, "couldn't communicate with the NVIDIA driver"],
      ['no GPU', [], { gpus: 'none' }, 5, 'No devices were found'],
      ['a vLLM that cannot be run', [], { vllm: { version: '' } }, 3, '--version fails'],
      ['a vLLM for processors on GPUs', [], { vllm: { version: '0.32.0+cpu' } }, 3, 'was built for processors only'],
      ['a vLLM for GPUs on a processor', ['--device', 'cpu'], {}, 3, 'was built for GPUs'],
      ['no vLLM', [], { environment: { AUTOGLM_VLLM: '/nowhere/vllm' } }, 3, 'vLLM was not found: /nowhere/vllm'],
      ['no gateway', [], { environment: { DUANYUN_COMMAND: '/nowhere/duanyun' } }, 7, 'the gateway was not found'],
      ['no model', ['--model', '/nowhere/model'], {}, 4, 'the model folder /nowhere/model does not exist'],
      ['more parts than GPUs', ['--tensor-parallel', '4'], {}, 5, '--tensor-parallel 4 needs 4 GPUs'],
      [
        'parts that do not divide the heads',
        ['--tensor-parallel', '3'],
        { gpus: twoGpus + gpu(2, 'NVIDIA L4', 23_034) },
        5,
        'does not divide',
      ],
      ['a context that the model has not', ['--max-seq-len', '100000'], {}, 5, 'more than the 65536 tokens'],
      ['no Ray', ['--ray'], {}, 3, 'Ray was not found'],
    ] as const)('%s: an error, the command that mends it, an exit code', async (_, args, options, code, text) => {
      const result = await refused(args, options);
      expect(result.output).toContain(text);
      expect(result.output).toMatch(/^\[ERROR\]   mend: \S/m);
      expect(result.code).toBe(code);
    });

    it('not enough GPU memory', async () => {
      const model = path.join(place.folder, 'large-model');
      writeModel(model, { weightBytes: 20 * gibibyte });
      const small = await refused(['--model', model], { gpus: gpu(0, 'NVIDIA GeForce RTX 3060', 12_288) });
      expect(small).toMatchObject({
        code: 5,
        output: expect.stringContaining('not enough GPU memory: weights and cache need about 22GB'),
      });
      const taken = await refused([], { gpus: gpu(0, 'NVIDIA L4', 23_034, 4000) });
      expect(taken).toMatchObject({ code: 5, output: expect.stringContaining('another program uses it') });
      const enough = await refused(['--model', model, '--port', String(await freePort())]);
      expect(enough.code).toBe(0);
    });

    it('weights that are not whole', async () => {
      const model = path.join(place.folder, 'broken-model');
      writeModel(model);
      const second = path.join(model, 'model-00002-of-00002.safetensors');
      truncateSync(second, 1000);
      const cut = await refused(['--model', model]);
      expect(cut.output).toMatch(
        /weights incomplete: model-00002-of-00002.safetensors has 1000 bytes, its header says 21\d\d/,
      );
      truncateSync(second, 0);
      expect((await refused(['--model', model])).output).toContain('weights empty: model-00002');
      writeFileSync(second, 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n');
      expect((await refused(['--model', model])).output).toContain('only a pointer of Git LFS');
      rmSync(second);
      rmSync(path.join(model, 'tokenizer.json'));
      const missing = await refused(['--model', model]);
      expect(missing.output).toContain('weights missing: model-00002');
      expect(missing.output).toContain('has no tokenizer');
      expect(missing.output).toContain('mend: hf download zai-org/AutoGLM-Phone-9B');
      expect(missing.code).toBe(4);
    });

    it('a port that is taken', async () => {
      const port = await freePort();
      const holder = await listen(port);
      const { code, output } = await refused(['--port', String(port)]);
      holder.close();
      expect(output).toContain(`port ${port} on 127.0.0.1 is taken`);
      expect(output).toContain(`mend: ss -ltnp 'sport = :${port}'`);
      expect(code).toBe(6);
    });
  });

  describe('running', () => {
    it('answers, survives a model that dies, drains and leaves nothing behind', async () => {
      const port = await freePort();
      const dieOn = path.join(place.folder, 'die');
      const launch = place.launch(['--port', String(port)], {
        vllm: { dieOn },
        // The script's own variables are not the gateway's.
        environment: { DUANYUN_ROOT: projectRoot, DUANYUN_COMMAND: path.join(projectRoot, 'bin', 'duanyun') },
      });
      await launch.says(/^\[SUCCESS\] Model service is ready!$/m);
      expect(launch.output).toContain(`[INFO] FastAPI server running at http://127.0.0.1:${port}\n`);
      expect(launch.output).toMatch(/A first answer through the gateway: \d+ tokens/);
      expect(launch.output).toMatch(/^\[INFO\] vllm: \(APIServer pid=\d+\) INFO .*Application startup complete\.$/m);
      expect(launch.output).toMatch(/^\[INFO\] gateway: Duanyun .* listens on /m);
      // Of a progress bar the last state only.
      expect(launch.output).not.toContain('  0% Completed');
      const url = `http://127.0.0.1:${port}`;
      expect(await (await fetch(`${url}/health`)).json()).toEqual({ status: 'ok' });

      writeFileSync(dieOn, '');
      await ask(url);
      await launch.says(/^\[ERROR\] vLLM ended \(exit code 137\); it is started again in 1 s/m);
      await until(async () => (await fetch(`${url}/health`)).status === 503);
      rmSync(dieOn);
      await until(() => Promise.resolve(launch.output.split('[SUCCESS] Model service is ready!').length === 3));
      expect((await fetch(`${url}/health`)).status).toBe(200);

      const processes = place.vllmRuns().flatMap(({ pid, engine }) => [pid, engine]);
      expect(processes).toHaveLength(4);
      expect(await launch.stop('SIGTERM')).toBe(0);
      expect(launch.output).toContain('[INFO] Stopped.');
      for (const pid of processes) expect(await processIsGone(pid)).toBe(true);
      await expect(fetch(`${url}/health`)).rejects.toThrow('fetch failed');
    });

    it('ends with 130 on Ctrl-C while the model loads, and takes the model along', async () => {
      const before = place.vllmRuns().length;
      const launch = place.launch(['--port', String(await freePort())]);
      await launch.says(/Application startup complete/);
      expect(await launch.stop('SIGINT')).toBe(130);
      const [run] = place.vllmRuns().slice(before);
      for (const pid of [run?.pid, run?.engine]) expect(await processIsGone(pid ?? 0)).toBe(true);
    });

    it('takes the model along when it is killed itself', async () => {
      const before = place.vllmRuns().length;
      const launch = place.launch(['--port', String(await freePort())]);
      await launch.says(/Application startup complete/);
      await launch.stop('SIGKILL');
      const [run] = place.vllmRuns().slice(before);
      for (const pid of [run?.pid, run?.engine]) expect(await processIsGone(pid ?? 0)).toBe(true);
    });

    it('gives up on a model that never starts, with its last errors', async () => {
      const launch = place.launch(['--port', String(await freePort())], {
        vllm: { fail: 'torch.OutOfMemoryError: CUDA out of memory' },
      });
      expect(await launch.ended).toBe(1);
      expect(launch.output).toMatch(/^\[ERROR\] {3}\(APIServer pid=\d+\) ERROR .*CUDA out of memory$/m);
      expect(launch.output).toContain('[ERROR] the model cannot be started');
      expect(launch.output).not.toContain('SUCCESS');
    });

    it('runs from where it was installed, by a link', async () => {
      const elsewhere = path.join(place.folder, 'usr-local-bin');
      mkdirSync(elsewhere);
      symlinkSync(
        path.join(projectRoot, 'deploy', 'run_autoglm_server.sh'),
        path.join(elsewhere, 'run_autoglm_server.sh'),
      );
      const linked = place.launch(['--dry-run', '--port', String(await freePort())], {
        script: path.join(elsewhere, 'run_autoglm_server.sh'),
      });
      expect(await linked.ended).toBe(0);
      const copied = path.join(elsewhere, 'copied.sh');
      copyFileSync(path.join(projectRoot, 'deploy', 'run_autoglm_server.sh'), copied);
      appendFileSync(copied, '\n');
      const root = place.launch(['--dry-run', '--port', String(await freePort())], {
        script: copied,
        environment: { DUANYUN_ROOT: projectRoot },
      });
      expect(await root.ended).toBe(0);
    });
  });
});

async function listen(port: number): Promise<Server> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(port, '127.0.0.1', resolve);
  });
  return server;
}

/** Whatever comes of it: the model may die on the question. */
async function ask(url: string): Promise<void> {
  const body = JSON.stringify({
    model: 'autoglm-phone-9b',
    messages: [{ role: 'user', content: 'hi' }],
    max_tokens: 1,
  });
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  });
  await response.text();
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) {
    await new Promise((resolve) => {
      setTimeout(resolve, 50);
    });
  }
}
