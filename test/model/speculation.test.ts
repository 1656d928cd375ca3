/** Drafts over real weights: every token that was said is the one that computing token by token puts first. */
import { expect, it } from 'vitest';
import { plainRequest } from '../../src/core/plain-request.ts';
import { NativeContext, TokenBatch } from '../../src/engine/native/context.ts';
import { NativeModel } from '../../src/engine/native/model.ts';
import { FixedController } from '../../src/engine/scheduler/controller.ts';
import { createSampler, NativeStepRunner } from '../../src/engine/scheduler/native-runner.ts';
import { NativeDraftRunner } from '../../src/engine/scheduler/native-draft-runner.ts';
import { Scheduler } from '../../src/engine/scheduler/scheduler.ts';
import type { DraftSource } from '../../src/engine/scheduler/speculation/draft-source.ts';
import { LookupSource } from '../../src/engine/scheduler/speculation/lookup-source.ts';
import { ModelSource } from '../../src/engine/scheduler/speculation/model-source.ts';
import { Turnstile } from '../../src/engine/scheduler/turnstile.ts';
import { startEngine } from '../support/engine.ts';
import { describeWithWeights, obtainWeights } from '../support/weights.ts';

const text = `<|im_start|>user
Repeat this list: apples from Anna, pears from Peter, plums from Paula, grapes from Gregor, figs from Fatima.<|im_end|>
<|im_start|>assistant
apples from Anna, pears from`;
const freeText = `<|im_start|>user
Tell a short story about a lighthouse keeper.<|im_end|>
<|im_start|>assistant
`;
const answerTokens = 40;
/** Rounding differs with the size of a batch; logits nearer than this may change places. */
const tieLogits = 0.1;

await describeWithWeights('smollm2-135m', 'drafts, real weights', (installed) => {
  it('says what greedy decoding says, in fewer steps', { timeout: 120_000 }, async () => {
    const model = await NativeModel.load({ path: installed.weightsPath, gpuLayers: 0 });
    try {
      const prompt = model.tokenize(text, false, true);
      const { tokens, steps, drafts } = await draftedAnswer(model, prompt, [new LookupSource()]);
      expect(tokens.length).toBeGreaterThan(10);
      expect(drafts.lookup.right).toBeGreaterThan(5);
      expect(steps).toBeLessThan(tokens.length);
      expect(worstGap(model, prompt, tokens)).toBeLessThan(tieLogits);
    } finally {
      model.dispose();
    }
  });

  it('says the same with a draft model, whose cache follows the text', { timeout: 120_000 }, async () => {
    const model = await NativeModel.load({ path: installed.weightsPath, gpuLayers: 0 });
    // The model guesses for itself, so that all but a rounding is right.
    const draft = { id: 'itself', weightsPath: installed.weightsPath, cells: 512 };
    const load = {
      draft,
      model,
      modelId: 'smollm2-135m',
      slots: 1,
      threads: 1,
      gpuLayers: 0,
      loadMode: 'read' as const,
    };
    const runner = await NativeDraftRunner.load(load);
    try {
      const prompt = model.tokenize(freeText, false, true);
      // The clock below counts calls, so the guesses must seem cheap.
      const source = new ModelSource({ runner, clock: { wallTime: () => 0, now: () => 0 }, assumedCostShare: 0 });
      const { tokens, steps, drafts } = await draftedAnswer(model, prompt, [source]);
      expect(tokens.length).toBe(answerTokens);
      expect(drafts.model.right / drafts.model.checked).toBeGreaterThan(0.9);
      expect(steps).toBeLessThan(answerTokens / 2);
      expect(worstGap(model, prompt, tokens)).toBeLessThan(tieLogits);
    } finally {
      runner.dispose();
      model.dispose();
    }
  });

  it('goes on guessing well while the draft model forgets what is oldest', { timeout: 120_000 }, async () => {
    const model = await NativeModel.load({ path: installed.weightsPath, gpuLayers: 0 });
    const draft = { id: 'itself', weightsPath: installed.weightsPath, cells: 256 };
    const load = {
      draft,
      model,
      modelId: 'smollm2-135m',
      slots: 1,
      threads: 1,
      gpuLayers: 0,
      loadMode: 'read' as const,
    };
    const runner = await NativeDraftRunner.load(load);
    try {
      const prompt = model.tokenize(freeText, false, true);
      const clock = { wallTime: () => 0, now: () => 0 };
      const source = new ModelSource({ runner, clock, assumedCostShare: 0, mostTokens: 48 });
      const { tokens, drafts } = await draftedAnswer(model, prompt, [source]);
      expect(tokens.length).toBe(answerTokens);
      expect(prompt.length + answerTokens).toBeGreaterThan(48);
      // With cells at wrong positions hardly any guess would be right.
      expect(drafts.model.right / drafts.model.checked).toBeGreaterThan(0.4);
      expect(worstGap(model, prompt, tokens)).toBeLessThan(tieLogits);
    } finally {
      runner.dispose();
      model.dispose();
    }
  });

  it(
    'guesses beside several answers in the engine, and lets a client go that leaves',
    { timeout: 120_000 },
    async () => {
      const draft = { id: 'itself', weightsPath: installed.weightsPath, cells: 1_024 };
      const engine = await startEngine(installed, { speculation: 'draft', draft, threads: 1 });
      try {
        const ask = async (id: string, signal: AbortSignal) => {
          const fields = { model: 'smollm2-135m', sampling: { temperature: 0 }, maxTokens: 60 };
          let tokens = 0;
          for await (const event of engine.stream(plainRequest(id, `Tell a story about ${id}.`, fields), { signal })) {
            if (event.type === 'usage') tokens = event.usage.completionTokens;
          }
          return tokens;
        };
        const leaves = new AbortController();
        const left = ask('a lighthouse', leaves.signal);
        setTimeout(() => leaves.abort(new Error('left')), 300);
        const stays = new AbortController().signal;
        const stories = Promise.all([ask('a cat', stays), ask('a ship', stays)]);
        await expect(left).rejects.toThrow('left');
        for (const tokens of await stories) expect(tokens).toBeGreaterThan(10);
        await expect.poll(() => engine.statistics()?.running, { timeout: 10_000 }).toBe(0);
        // At least as a trial, whatever this machine makes of it.
        expect(engine.statistics()?.drafts.model.checked).toBeGreaterThan(0);
        expect(engine.statistics()?.draftFailures).toBe(0);
      } finally {
        await engine.dispose();
      }
    },
  );
});

function createContext(model: NativeModel): NativeContext {
  return NativeContext.create(model, {
    cells: 512,
    batchTokens: 128,
    maxSequences: 1,
    maxOutputs: 16,
    threads: 1,
    keyCacheType: 'f16',
    valueCacheType: 'f16',
    flashAttention: 'auto',
  });
}

async function draftedAnswer(model: NativeModel, promptTokens: Int32Array, draftSources: DraftSource[]) {
  const context = createContext(model);
  let reads = 0;
  const scheduler = new Scheduler({
    runner: new NativeStepRunner(context, 1, 128),
    controller: new FixedController({ tokenBudget: 128, maxRunning: 1, threads: 1 }),
    // Every step seems to take the same: how many tokens are checked does not depend on the machine.
    clock: { wallTime: () => 0, now: () => reads++ },
    turnstile: new Turnstile(),
    maxQueued: 1,
    maxQueuedMs: 60_000,
    maxCachedSequences: 0,
    maxCachedTokens: 0,
    draftSources,
  });
  const tokens: number[] = [];
  try {
    await new Promise<void>((resolve, reject) => {
      scheduler.submit({
        id: 'drafted',
        promptTokens,
        maxTokens: answerTokens,
        priority: 0,
        createSampler: () => createSampler(model, context, { sampling: { temperature: 0 }, randomSeed: 1 }),
        onToken: ({ token }) => {
          tokens.push(token);
          return false;
        },
        onDone: (outcome) => (outcome.kind === 'failed' ? reject(outcome.error) : resolve()),
      });
    });
    const { steps, drafts } = scheduler.statistics();
    return { tokens, steps, drafts };
  } finally {
    await scheduler.stop();
    context.dispose();
  }
}

/** How far below the largest logit a token of the answer lies at most, when each is computed in a step of its own. */
function worstGap(model: NativeModel, prompt: Int32Array, answer: readonly number[]): number {
  const context = createContext(model);
  const batch = new TokenBatch(128);
  try {
    prompt.forEach((token, position) => batch.add(token, position, 0, position === prompt.length - 1));
    context.decode(batch);
    let output = prompt.length - 1;
    let worst = 0;
    for (const [index, token] of answer.entries()) {
      const logits = context.logits(output);
      const largest = logits.reduce((most, logit) => Math.max(most, logit), -Infinity);
      worst = Math.max(worst, largest - (logits[token] ?? -Infinity));
      batch.clear();
      output = batch.add(token, prompt.length + index, 0, true);
      context.decode(batch);
    }
    return worst;
  } finally {
    context.dispose();
  }
}

await describeWithWeights('qwen2.5-coder-0.5b', 'a draft model of another vocabulary', (foreign) => {
  it('is refused, with what differs', { timeout: 120_000 }, async ({ skip }) => {
    const weights = await obtainWeights('smollm2-135m');
    if ('missing' in weights) return skip(weights.missing);
    const model = await NativeModel.load({ path: weights.model.weightsPath, gpuLayers: 0 });
    try {
      const draft = { id: 'foreign', weightsPath: foreign.weightsPath, cells: 256 };
      const load = {
        draft,
        model,
        modelId: 'smollm2-135m',
        slots: 1,
        threads: 1,
        gpuLayers: 0,
        loadMode: 'read' as const,
      };
      await expect(NativeDraftRunner.load(load)).rejects.toMatchObject({
        code: 'draft_mismatch',
        message: expect.stringContaining('its vocabulary has 151936 tokens, not 49152') as string,
      });
    } finally {
      model.dispose();
    }
  });
});
