/** Perplexity of the continuation of a text, with all of the cache and with parts of it: the scheduler runs, but what it "says" is given. */
import { systemClock } from '../../src/core/clock.ts';
import type { InstalledModel } from '../../src/core/model-store.ts';
import { questionOf, sinkTokens, type CacheBudget } from '../../src/engine/cache/cache-budget.ts';
import { NativeContext } from '../../src/engine/native/context.ts';
import { NativeModel } from '../../src/engine/native/model.ts';
import { calibrationText } from '../../src/engine/optimize/texts/calibration-text.ts';
import { evaluationText } from '../../src/engine/optimize/texts/evaluation-text.ts';
import { FixedController } from '../../src/engine/scheduler/controller.ts';
import { topLogprobs } from '../../src/engine/scheduler/logprobs.ts';
import { NativeStepRunner } from '../../src/engine/scheduler/native-runner.ts';
import { Scheduler } from '../../src/engine/scheduler/scheduler.ts';
import { Turnstile } from '../../src/engine/scheduler/turnstile.ts';
import { policies, removedShares, type BenchPolicy } from './retrieval.ts';

const batchTokens = 256;

export type Perplexity = { policy?: BenchPolicy; removed: number; value: number };

export async function measurePerplexity(
  { weightsPath }: InstalledModel,
  options: { threads: number; promptTokens: number; measuredTokens: number; onProgress: (text: string) => void },
): Promise<Perplexity[]> {
  const { threads, promptTokens, measuredTokens } = options;
  const model = await NativeModel.load({ path: weightsPath, gpuLayers: 0 });
  const context = NativeContext.create(model, {
    cells: 2 * (promptTokens + measuredTokens),
    batchTokens,
    maxSequences: 4,
    maxOutputs: 4,
    threads,
    keyCacheType: 'f16',
    valueCacheType: 'f16',
    flashAttention: 'auto',
  });
  const runner = new NativeStepRunner(context, 4, batchTokens);
  const scheduler = new Scheduler({
    runner,
    controller: new FixedController({ tokenBudget: batchTokens, maxRunning: 1, threads }),
    clock: systemClock,
    turnstile: new Turnstile(),
    maxQueued: 4,
    maxQueuedMs: 1e9,
    maxCachedSequences: 2,
    maxCachedTokens: 2 * promptTokens,
  });
  const text = model.tokenize(`${evaluationText}\n\n${calibrationText}`, true, false);
  const prompt = text.slice(0, promptTokens);
  const next = text.slice(promptTokens, promptTokens + measuredTokens);
  /** Mean of the negative logarithms, exponentiated. */
  const measure = async (budget?: CacheBudget): Promise<number> => {
    let sum = 0;
    await new Promise<void>((resolve, reject) => {
      let index = 0;
      scheduler.submit({
        id: 'perplexity',
        promptTokens: prompt,
        ...(budget === undefined ? {} : { budget }),
        maxTokens: next.length,
        priority: 0,
        createSampler: () => ({
          sample: (outputIndex) => {
            const token = next[index++] as number;
            sum -= topLogprobs(context.logits(outputIndex), token, 0).logprob;
            return { token, isEnd: false };
          },
          dispose: () => {},
        }),
        onToken: () => false,
        onDone: (outcome) => (outcome.kind === 'failed' ? reject(outcome.error) : resolve()),
      });
    });
    return Math.exp(sum / next.length);
  };
  try {
    const results: Perplexity[] = [{ removed: 0, value: await measure() }];
    for (const removed of removedShares) {
      for (const policy of policies) {
        options.onProgress(`perplexity: ${policy}, ${removed * 100} % removed`);
        const value = await measure({
          policy,
          tokens: Math.floor(promptTokens * (1 - removed)),
          headTokens: sinkTokens,
          latestTurn: Infinity,
          question: questionOf(prompt, prompt.length),
          isTemplate: () => false,
        });
        results.push({ policy, removed, value });
      }
    }
    return results;
  } finally {
    await scheduler.stop();
    runner.dispose();
    context.dispose();
    model.dispose();
  }
}
