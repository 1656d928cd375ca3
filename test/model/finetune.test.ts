/** Training and adapters with real weights: a few short steps, the whole way. */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { adapterModelId, type Adapter } from '../../src/core/adapters.ts';
import { plainChat, plainRequest } from '../../src/core/plain-request.ts';
import type { InstalledModel } from '../../src/core/model-store.ts';
import { finetune, type FinetuneEvent, type FinetuneResult } from '../../src/engine/finetune/finetune.ts';
import { LoraTraining, type TrainingExample } from '../../src/engine/native/lora-training.ts';
import { NativeModel } from '../../src/engine/native/model.ts';
import { AdapterStore } from '../../src/models/adapters/adapter-store.ts';
import { ModelAdapters } from '../../src/models/adapters/model-adapters.ts';
import { readGgufHeader } from '../../src/models/gguf.ts';
import { findChild } from '../support/child-processes.ts';
import { startEngine } from '../support/engine.ts';
import { describeWithWeights } from '../support/weights.ts';

const childScript = fileURLToPath(new URL('../../dist/engine/finetune/finetune-main.js', import.meta.url));
const answer = 'Kindly ring the blue bell.';
const system = 'You answer for a clinic.';
const chats = ['How do I get in?', 'Where is the door?', 'Is it open?', 'May I come?', 'Who lets me in?', 'What now?']
  .map((question) =>
    JSON.stringify({
      messages: [
        { role: 'system', content: system },
        { role: 'user', content: question },
        { role: 'assistant', content: answer },
      ],
    }),
  )
  .join('\n');

await describeWithWeights('smollm2-135m', 'training an adapter, real weights', (model) => {
  let folder: string;
  beforeAll(async () => {
    expect(existsSync(childScript), 'run the tests with `npm test`, which builds first').toBe(true);
    folder = await mkdtemp(join(tmpdir(), 'duanyun-finetune-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const train = (onEvent: (event: FinetuneEvent) => void): Promise<FinetuneResult> =>
    finetune({
      name: 'bell',
      model,
      data: Buffer.from(chats),
      file: 'chats.jsonl',
      root: join(folder, 'training'),
      epochs: 1,
      learningRate: 2e-3,
      rank: 4,
      seed: 3,
      patience: 2,
      validationShare: 0.3,
      mostTokens: 64,
      cpuShare: 1,
      cores: 2,
      restart: false,
      // Too little for the weights as 32-bit numbers: half a gigabyte less to write.
      availableBytes: 640 * 2 ** 20,
      environment: process.env,
      signal: new AbortController().signal,
      onEvent,
      checkpointEveryMs: 0,
      childScript,
    });

  it.skipIf(!existsSync('/dev/full'))('says that the disk is full', { timeout: 600_000 }, async () => {
    const work = join(folder, 'training', 'bell');
    await mkdir(work, { recursive: true });
    await symlink('/dev/full', join(work, 'checkpoint.bin.new'));
    await expect(train(() => {})).rejects.toMatchObject({ code: 'disk_full' });
    expect(existsSync(work)).toBe(false);
  });

  it(
    'killed in the middle it goes on, learns, and the adapter changes the answers of its requests alone',
    { timeout: 600_000 },
    async () => {
      const killed = train((event) => {
        if (event.type !== 'checkpoint') return;
        const child = findChild(process.pid, 'finetune-main');
        if (child !== undefined) process.kill(child, 'SIGKILL');
      });
      await expect(killed).rejects.toMatchObject({ code: 'training_failed' });

      const events: FinetuneEvent[] = [];
      const result = await train((event) => events.push(event));
      const resumed = events.find((event) => event.type === 'resumed');
      expect(resumed?.step).toBeGreaterThan(0);
      const [before] = result.progress.checks;
      expect(result).toMatchObject({ kind: 'done', progress: { step: 4, epoch: 1 } });
      expect(result.progress.best?.loss).toBeLessThan((before?.loss ?? 0) * 0.9);

      const store = new AdapterStore(folder);
      const added = { name: 'bell', file: result.adapterPath ?? '', origin: 'trained', createdAt: new Date() } as const;
      const adapter = await store.add({ ...added, model, replace: false }, new AbortController().signal);
      await expectAnswers(model, store, adapter);
    },
  );

  it('goes on from its state with the very numbers it would have had', { timeout: 600_000 }, async () => {
    const weights = await NativeModel.load({ path: model.weightsPath, gpuLayers: 0, repack: false });
    const example = (text: string, from: number): TrainingExample => {
      const tokens = weights.tokenize(text, false, true);
      return { tokens, learnt: Uint8Array.from(tokens, (_, index) => (index >= from ? 1 : 0)) };
    };
    const examples = [example('The sky over the sea is blue', 3), example('One two three four five six', 2)] as const;
    const open = (seed: number) => new LoraTraining(weights, { rank: 2, alpha: 4, seed, windowTokens: 16, threads: 1 });
    let training = open(1);
    try {
      training.step(examples[0], 1e-3);
      training.step(examples[1], 1e-3);
      const state = training.state();
      if (state === undefined) throw new Error('no state after a step');
      const goOn = () => [
        training.step(examples[0], 1e-3),
        training.step(examples[1], 1e-3),
        training.evaluate(examples[0]),
      ];
      const goneOn = goOn();
      training.dispose();
      training = open(2);
      training.restore(state, examples[1]);
      // Gradients of earlier steps that were left to add up would show here.
      expect(goOn()).toEqual(goneOn);
    } finally {
      training.dispose();
      weights.dispose();
    }
  });
});

async function expectAnswers(model: InstalledModel, store: AdapterStore, adapter: Adapter): Promise<void> {
  const adapters = new ModelAdapters(store, model, await readGgufHeader(model.weightsPath));
  const engine = await startEngine(model, { contextTokens: 512, cells: 1024 }, { adapters });
  try {
    const ask = async (id: string, modelId: string) => {
      const input = plainChat('How do I get in?', {
        messages: [
          { role: 'system', content: [{ type: 'text', text: system }] },
          { role: 'user', content: [{ type: 'text', text: 'How do I get in?' }] },
        ],
      });
      const request = plainRequest(id, input, { model: modelId, sampling: { temperature: 0 }, maxTokens: 12 });
      let text = '';
      let cached = 0;
      for await (const event of engine.stream(request, { signal: new AbortController().signal })) {
        if (event.type === 'text-delta') text += event.text;
        if (event.type === 'usage') cached = event.usage.cachedTokens ?? 0;
      }
      return { text, cached };
    };
    const named = adapterModelId(adapter.name);
    const [plain, adapted] = [await ask('plain', model.entry.id), await ask('adapted', named)];
    expect(adapted.text).not.toBe(plain.text);
    // The same prompt, but other weights: nothing of it can be shared.
    expect(adapted.cached).toBe(0);
    const together = await Promise.all([ask('a', named), ask('b', model.entry.id), ask('c', named)]);
    expect(together.map(({ text }) => text)).toEqual([adapted.text, plain.text, adapted.text]);
    expect(together.every(({ cached }) => cached > 0)).toBe(true);
    expect(engine.capabilities().map(({ id }) => id)).toEqual([model.entry.id, named]);
    await expect(ask('d', 'edge:unknown')).rejects.toMatchObject({ code: 'not_found' });
  } finally {
    await engine.dispose();
  }
}
