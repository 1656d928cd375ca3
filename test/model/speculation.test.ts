/** Drafts over real weights: every token that was said is the one that computing token by token puts first. */
import { expect, it } from 'vitest';
import { NativeContext, TokenBatch } from '../../src/engine/native/context.ts';
import { NativeModel } from '../../src/engine/native/model.ts';
import { FixedController } from '../../src/engine/scheduler/controller.ts';
import { createSampler, NativeStepRunner } from '../../src/engine/scheduler/native-runner.ts';
import { Scheduler } from '../../src/engine/scheduler/scheduler.ts';
import { Turnstile } from '../../src/engine/scheduler/turnstile.ts';
import { describeWithWeights } from '../support/weights.ts';

const text = `<|im_start|>user
Repeat this list: apples from Anna, pears from Peter, plums from Paula, grapes from Gregor, figs from Fatima.<|im_end|>
<|im_start|>assistant
apples from Anna, pears from`;
const answerTokens = 40;
/** Rounding differs with the size of a batch; logits nearer than this may change places. */
const tieLogits = 0.1;

await describeWithWeights('smollm2-135m', 'drafts, real weights', (installed) => {
  it('says what greedy decoding says, in fewer steps', { timeout: 120_000 }, async () => {
    const model = await NativeModel.load({ path: installed.weightsPath, gpuLayers: 0 });
    try {
      const prompt = model.tokenize(text, false, true);
      const { tokens, steps, accepted } = await draftedAnswer(model, prompt);
      expect(tokens.length).toBeGreaterThan(10);
      expect(accepted).toBeGreaterThan(5);
      expect(steps).toBeLessThan(tokens.length);
      expect(worstGap(model, prompt, tokens)).toBeLessThan(tieLogits);
    } finally {
      model.dispose();
    }
  });
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

async function draftedAnswer(model: NativeModel, promptTokens: Int32Array) {
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
    speculates: true,
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
    const { steps, acceptedTokens } = scheduler.statistics();
    return { tokens, steps, accepted: acceptedTokens };
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
