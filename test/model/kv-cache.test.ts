/** Cache budgets on real weights: SmolLM2-135M through the whole engine. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { CacheWishes, GenerationRequest } from '../../src/core/chat.ts';
import type { TokenUsage } from '../../src/core/events.ts';
import { plainChat, plainRequest } from '../../src/core/plain-request.ts';
import type { EngineOptions } from '../../src/engine/host/messages.ts';
import { startEngine, type TestEngine } from '../support/engine.ts';
import { describeWithWeights } from '../support/weights.ts';

const never = new AbortController().signal;
let serial = 0;

/** Sentences that differ in their numbers, with one to look for at a third of the way. */
function report(sentences: number): string {
  const lines = Array.from(
    { length: sentences },
    (_, index) => `House ${index + 11} was built in ${1800 + index * 3} and has ${(index * 7) % 12} rooms.`,
  );
  lines.splice(Math.floor(sentences / 3), 0, 'The access code of the museum is 48213.');
  return lines.join(' ');
}

const question = 'What is the access code of the museum? Answer with the code only.';

function ask(text: string, cache?: CacheWishes, fields: Partial<GenerationRequest> = {}): GenerationRequest {
  return plainRequest(`kv-${++serial}`, plainChat(text), {
    model: 'smollm2-135m',
    sampling: { temperature: 0 },
    maxTokens: 16,
    ...(cache === undefined ? {} : { cache }),
    ...fields,
  });
}

async function answer(engine: TestEngine, request: GenerationRequest): Promise<{ text: string; usage: TokenUsage }> {
  let text = '';
  let usage: TokenUsage | undefined;
  for await (const event of engine.stream(request, { signal: never })) {
    if (event.type === 'text-delta') text += event.text;
    else if (event.type === 'usage') usage = event.usage;
    else if (event.type === 'error') throw new Error(event.message);
  }
  return { text, usage: usage as TokenUsage };
}

await describeWithWeights('smollm2-135m', 'cache budgets with SmolLM2 135M', (model) => {
  let engine: TestEngine;
  const small: Partial<EngineOptions> = {
    contextTokens: 2_048,
    cells: 2_048,
    firstCells: 768,
    threads: 1,
    maxCachedSequences: 4,
  };
  beforeAll(async () => {
    engine = await startEngine(model, small);
  });
  afterAll(() => engine.dispose());

  it('keeps what the question looks at, where a window has lost it', async () => {
    const text = `${report(24)} ${question}`;
    const { text: whole, usage } = await answer(engine, ask(text));
    expect(whole).toContain('48213');
    const budgetTokens = Math.floor(usage.promptTokens / 2);
    const kept = await answer(engine, ask(text, { budgetTokens, policy: 'attention' }));
    expect(kept.text).toContain('48213');
    const windowed = await answer(engine, ask(text, { budgetTokens, policy: 'window' }));
    expect(windowed.text).not.toContain('48213');
    await expect.poll(() => engine.statistics()?.evictions, { timeout: 30_000 }).toBeGreaterThanOrEqual(2);
  });

  it('computes a prompt within its budget where nothing of it is there yet', async () => {
    const text = `Read this. ${report(24)} ${question}`;
    const { text: kept } = await answer(engine, ask(text, { budgetTokens: 300 }));
    expect(kept).toContain('48213');
    for (const policy of ['key-norm', 'key-diff'] as const) {
      const { usage } = await answer(engine, ask(text, { budgetTokens: 300, policy }));
      expect(usage.completionTokens).toBeGreaterThan(0);
    }
  });

  it('goes on with a conversation that lost tokens, without computing it again', async () => {
    const first = ask(`${report(24)} ${question}`, { budgetTokens: 400 });
    const { text, usage } = await answer(engine, first);
    const next = ask('', { budgetTokens: 400 });
    const { input } = first;
    if (input.kind !== 'chat' || next.input.kind !== 'chat') throw new Error('chats');
    const said = { role: 'assistant' as const, content: [{ type: 'text' as const, text }], toolCalls: [] };
    const turn = { role: 'user' as const, content: [{ type: 'text' as const, text: 'Say that code once more.' }] };
    next.input = { ...input, messages: [...input.messages, said, turn] };
    const again = await answer(engine, next);
    expect(again.usage.cachedTokens).toBeGreaterThanOrEqual(usage.promptTokens);
    expect(again.text).toContain('48213');
  });

  it('grows for a prompt longer than what is allocated at first, and keeps what was there', async () => {
    // Decided by far: other sizes of a batch round otherwise, and turn a token that is nearly even.
    const capital = 'What is the capital of France?';
    const before = await answer(engine, ask(capital));
    expect(before.text).toContain('Paris');
    const long = `${report(40)} ${question}`;
    const { usage } = await answer(engine, ask(long, undefined, { maxTokens: 2 }));
    expect(usage.promptTokens).toBeGreaterThan(768);
    await expect.poll(() => engine.statistics()?.cells, { timeout: 30_000 }).toBeGreaterThan(768);
    const after = await answer(engine, ask(capital));
    expect(after.text).toBe(before.text);
    expect(after.usage.cachedTokens).toBeGreaterThan(0);
  });

  it('refuses a budget below the system prompt, and goes on', async () => {
    const system = { role: 'system' as const, content: [{ type: 'text' as const, text: report(12) }] };
    const refused = ask('Hello', { budgetTokens: 100 });
    if (refused.input.kind === 'chat') refused.input.messages.unshift(system);
    await expect(answer(engine, refused)).rejects.toMatchObject({ code: 'kv_budget_too_small', status: 400 });
    expect((await answer(engine, ask('Hello'))).usage.completionTokens).toBeGreaterThan(0);
  });

  it('frees a request that is cancelled while it loses tokens', async () => {
    const controller = new AbortController();
    const request = ask(`Tell a long story. ${report(20)}`, { budgetTokens: 200 }, { maxTokens: 400 });
    const read = async () => {
      let count = 0;
      for await (const event of engine.stream(request, { signal: controller.signal })) {
        if (event.type === 'text-delta' && ++count === 40) controller.abort(new Error('left'));
      }
    };
    await expect(read()).rejects.toThrow('left');
    await expect.poll(() => engine.statistics()?.running, { timeout: 30_000 }).toBe(0);
    expect((await answer(engine, ask('Hello'))).usage.completionTokens).toBeGreaterThan(0);
  });

  it('works with 8-bit numbers in the cache', async () => {
    const other = await startEngine(model, { ...small, keyCacheType: 'q8_0', valueCacheType: 'q8_0' });
    try {
      const { text } = await answer(other, ask(`${report(24)} ${question}`, { budgetTokens: 400 }));
      expect(text).toContain('48213');
    } finally {
      await other.dispose();
    }
  });
});
