/** The life of the vision module and requests with pictures, on a real engine process with a tiny random model. */
import { setMaxListeners } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ContentPart, GenerationRequest } from '../../src/core/chat.ts';
import { systemClock } from '../../src/core/clock.ts';
import type { StreamEvent } from '../../src/core/events.ts';
import { silentLog } from '../../src/core/log.ts';
import { noMetrics } from '../../src/core/metrics.ts';
import { ModuleManager } from '../../src/engine/modules/module-manager.ts';
import { startEngine, type TestEngine } from '../support/engine.ts';
import { picturePart, pixelDecoder, visionModel } from '../support/vision.ts';

const never = new AbortController().signal;
setMaxListeners(0, never);
const text = (value: string): ContentPart => ({ type: 'text', text: value });
const wide = picturePart('waves', 112, 84);
let serial = 0;

function request(content: ContentPart[], more: Partial<GenerationRequest> = {}): GenerationRequest {
  return {
    id: `r${++serial}`,
    model: 'glm4v',
    input: {
      kind: 'chat',
      messages: [{ role: 'user', content }],
      tools: [],
      toolChoice: { type: 'auto' },
      parallelToolCalls: true,
    },
    sampling: { temperature: 0 },
    stop: [],
    maxTokens: 4,
    responseFormat: { type: 'text' },
    reasoning: { return: true },
    truncate: 'error',
    priority: 0,
    ...more,
  };
}

async function answer(engine: TestEngine, asked: GenerationRequest, signal: AbortSignal = never) {
  let said = '';
  let usage: Extract<StreamEvent, { type: 'usage' }>['usage'] | undefined;
  for await (const event of engine.stream(asked, { signal })) {
    if (event.type === 'text-delta') said += event.text;
    if (event.type === 'usage') ({ usage } = event);
    if (event.type === 'error') throw new Error(event.message);
  }
  return { said, usage };
}

describe('an engine with a projector', () => {
  let engine: TestEngine;
  let modules: ModuleManager;
  const state = (name: string) => modules.list().find((each) => each.name === name);

  beforeAll(async () => {
    const model = await visionModel('glm4v');
    modules = new ModuleManager({
      clock: systemClock,
      log: silentLog,
      metrics: noMetrics,
      budgetBytes: 'auto',
      availableBytes: () => 1e12,
      idleMs: 600_000,
    });
    engine = await startEngine(
      model,
      { projectorPath: model.projectorPath as string, contextTokens: 256, cells: 1_024, threads: 1 },
      {
        decoder: pixelDecoder,
        modules,
        onCreated: (each) => each.managedModules().forEach((one) => modules.register(one)),
      },
    );
  });
  afterAll(async () => {
    await modules.dispose();
    await engine.dispose();
  });

  it('loads its projector with the first picture, not with text', async () => {
    expect(engine.capabilities()[0]?.modalities).toEqual(['text', 'image']);
    await answer(engine, request([text('what is it?')]));
    expect([state('language')?.state, state('vision')?.state]).toEqual(['ready', 'cold']);
    await answer(engine, request([wide, text('what is it?')]));
    expect(state('vision')).toMatchObject({ state: 'ready', loads: 1, model: 'glm4v', activeUses: 0 });
  });

  it('answers the same after its projector or the whole engine was unloaded and came back', async () => {
    const first = await answer(engine, request([wide, text('what is it?')]));
    expect(await modules.unload('vision', never)).toMatchObject({ state: 'unloaded', residentBytes: 0 });
    const second = await answer(engine, request([wide, text('what is it?')]));
    // The cells of the picture are still there although it was encoded anew.
    expect(second.usage?.cachedTokens).toBe((second.usage?.promptTokens ?? 0) - 1);
    await modules.unload('language', never);
    expect([state('language')?.state, state('vision')?.state, engine.pid]).toEqual(['unloaded', 'unloaded', undefined]);
    expect(engine.health()).toEqual({ status: 'ready' });
    const third = await answer(engine, request([wide, text('what is it?')]));
    expect([second.said, third.said]).toEqual([first.said, first.said]);
    expect(state('vision')).toMatchObject({ state: 'ready', loads: 3 });
  });

  it('comes back with both modules after its process was killed', async () => {
    await answer(engine, request([wide]));
    process.kill(engine.pid as number, 'SIGKILL');
    const { usage } = await answer(engine, request([wide]), AbortSignal.timeout(60_000));
    expect(usage?.completionTokens).toBe(4);
    expect([state('language')?.state, state('vision')?.state]).toEqual(['ready', 'ready']);
  });

  it('counts the tokens of pictures, and refuses what is too long before it encodes anything', async () => {
    const plain = await answer(engine, request([text('what is it?')]));
    const { usage } = await answer(engine, request([wide, text('what is it?')]));
    // 4 × 3 tokens between a begin and an end.
    expect((usage?.promptTokens ?? 0) - (plain.usage?.promptTokens ?? 0)).toBe(14);
    await expect.poll(() => engine.statistics()?.vision?.encoded).toBe(1);
    const many = Array.from({ length: 20 }, () => picturePart('checks', 112, 140));
    await expect(answer(engine, request(many))).rejects.toMatchObject({
      code: 'context_length_exceeded',
      message: expect.stringMatching(/4\d\d tokens.*256/) as string,
    });
    await answer(engine, request([text('hello')]));
    expect(engine.statistics()?.vision?.encoded).toBe(1);
  });

  it.each(['window', 'key-norm', 'key-diff', 'attention'] as const)(
    'keeps within a cache budget by %s, with gaps between positions of several dimensions, and never loses a picture',
    async (policy) => {
      const words = Array.from({ length: 18 }, (_, index) => `word${index}`).join(' ');
      const asked = request([text(policy), wide, text(words)], { maxTokens: 24, cache: { budgetTokens: 96, policy } });
      const before = engine.statistics()?.evictedTokens ?? 0;
      const { usage } = await answer(engine, asked);
      expect(usage?.promptTokens).toBeGreaterThan(96);
      expect(usage?.completionTokens).toBe(24);
      await expect.poll(() => engine.statistics()?.evictedTokens ?? 0, { timeout: 30_000 }).toBeGreaterThan(before);
      // Pictures are always kept, so that a budget below them is refused.
      const small = request([picturePart('checks', 112, 140), picturePart('checks', 140, 112), text(words)], {
        maxTokens: 24,
        cache: { budgetTokens: 64, policy },
      });
      await expect(answer(engine, small)).rejects.toMatchObject({ code: 'kv_budget_too_small' });
    },
    120_000,
  );

  it('leaves out the oldest turns with their pictures where it is asked to', async () => {
    const turns = Array.from({ length: 12 }, () => [
      { role: 'user' as const, content: [picturePart('checks', 112, 140)] },
      { role: 'assistant' as const, content: [text('yes')], toolCalls: [] },
    ]).flat();
    const asked = request([], { truncate: 'auto' });
    if (asked.input.kind === 'chat')
      asked.input.messages = [...turns, { role: 'user', content: [wide, text('and this?')] }];
    const { usage } = await answer(engine, asked);
    expect(usage?.promptTokens).toBeGreaterThan(60);
    expect(usage?.promptTokens).toBeLessThan(256);
  });

  it('takes a mark that a user typed for text', async () => {
    const typed = text('<|begin_of_image|><|image|><|end_of_image|>');
    const { usage } = await answer(engine, request([typed, wide, typed]));
    const plain = await answer(engine, request([wide]));
    expect((usage?.promptTokens ?? 0) - (plain.usage?.promptTokens ?? 0)).toBeGreaterThan(30);
  });

  it('gives the same answer for the same seed', async () => {
    const ask = () =>
      answer(engine, request([wide], { sampling: { temperature: 1.5, topK: 0, minP: 0, seed: 7 }, maxTokens: 12 }));
    const [first] = await Promise.all([ask(), answer(engine, request([picturePart('checks', 84, 84)]))]);
    expect((await ask()).said).toBe(first.said);
  });

  it('lets a client go that leaves while its picture is encoded, and goes on', async () => {
    const large = picturePart('waves', 112 * 3, 84 * 3);
    await Promise.all(
      Array.from({ length: 6 }, async (_, index) => {
        const controller = new AbortController();
        const left = answer(engine, request([large, text(String(index))]), controller.signal);
        setTimeout(() => controller.abort(new Error('left')), index * 5);
        await left.catch((error: unknown) => expect(error).toMatchObject({ message: 'left' }));
      }),
    );
    expect((await answer(engine, request([large, text('now')]))).usage?.completionTokens).toBe(4);
    await expect.poll(() => state('vision')?.activeUses).toBe(0);
    await expect.poll(() => engine.statistics()?.running).toBe(0);
  });

  it('does not read sound', async () => {
    const sound: ContentPart = { type: 'audio', bytes: new Uint8Array(4), format: 'wav' };
    await expect(answer(engine, request([sound, wide]))).rejects.toMatchObject({ code: 'unsupported_modality' });
  });
});

describe('an engine without a projector', () => {
  it('says so, and what would work', async () => {
    const { projectorPath: _, ...withoutProjector } = await visionModel('glm4v');
    const engine = await startEngine(withoutProjector, {}, { decoder: pixelDecoder });
    try {
      expect(engine.capabilities()[0]?.modalities).toEqual(['text']);
      await expect(answer(engine, request([wide]))).rejects.toMatchObject({
        code: 'unsupported_modality',
        status: 400,
        message: expect.stringContaining('--model qwen3-vl-2b') as string,
      });
    } finally {
      await engine.dispose();
    }
  });

  it('refuses a projector that belongs to another model', async () => {
    const model = await visionModel('glm4v');
    const other = await visionModel('smolvlm');
    const engine = await startEngine(
      model,
      { projectorPath: other.weightsPath, contextTokens: 256, cells: 512 },
      { decoder: pixelDecoder },
    );
    try {
      await expect(answer(engine, request([wide]))).rejects.toMatchObject({ code: 'model_file_invalid' });
      expect((await answer(engine, request([text('hello')]))).usage?.completionTokens).toBe(4);
    } finally {
      await engine.dispose();
    }
  });
});
