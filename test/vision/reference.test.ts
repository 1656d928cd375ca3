/**
 * Pictures by numbers: tiny random-weight models of three architectures, through the whole engine (process, scheduler,
 * projector, cache), against what the reference implementation computed for the same pixels and texts.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GenerationRequest } from '../../src/core/chat.ts';
import type { StreamEvent, TokenLogprob } from '../../src/core/events.ts';
import { NativeModel } from '../../src/engine/native/model.ts';
import { startEngine, type TestEngine } from '../support/engine.ts';
import {
  logProbabilities,
  pixelDecoder,
  readReference,
  referenceContent,
  visionModel,
  type Reference,
  type VisionFamily,
} from '../support/vision.ts';

const leastCosine = 0.999;
const steps = 8;

describe.each(['glm4v', 'qwen3vl', 'smolvlm'] as const)('%s', (family: VisionFamily) => {
  const reference = readReference(family);
  let engine: TestEngine;
  let modelId = '';
  /** Token ids by the hexadecimal form of their bytes; marks are left out, for they have no bytes in an answer. */
  let ids: Map<string, number>;

  beforeAll(async () => {
    const model = await visionModel(family);
    modelId = model.entry.id;
    ids = await vocabularyOf(model.weightsPath, reference);
    engine = await startEngine(
      model,
      { projectorPath: model.projectorPath as string, contextTokens: 512, cells: 1_024, threads: 1 },
      { decoder: pixelDecoder },
    );
  });
  afterAll(() => engine?.dispose());

  function request(content: Reference['prompts'][number]['content'], id: string): GenerationRequest {
    return {
      id,
      model: modelId,
      input: {
        kind: 'chat',
        messages: [{ role: 'user', content: referenceContent(content) }],
        tools: [],
        toolChoice: { type: 'auto' },
        parallelToolCalls: true,
      },
      sampling: { temperature: 0 },
      stop: [],
      maxTokens: steps,
      logprobs: reference.vocabulary,
      responseFormat: { type: 'text' },
      reasoning: { return: true },
      truncate: 'error',
      priority: 0,
    };
  }

  async function answer(content: Reference['prompts'][number]['content'], id: string) {
    const tokens: TokenLogprob[] = [];
    let usage: Extract<StreamEvent, { type: 'usage' }>['usage'] | undefined;
    for await (const event of engine.stream(request(content, id), { signal: AbortSignal.timeout(60_000) })) {
      if (event.type === 'text-delta') tokens.push(...(event.logprobs ?? []));
      if (event.type === 'usage') ({ usage } = event);
      if (event.type === 'error') throw new Error(event.message);
    }
    return { tokens, usage };
  }

  function check(prompt: Reference['prompts'][number], tokens: TokenLogprob[]): void {
    expect(tokens.map((token) => ids.get(hex(token.bytes)))).toEqual(prompt.greedy);
    for (const [token, expected] of [
      [tokens[0], prompt.first],
      [tokens.at(-1), prompt.last],
    ] as const) {
      expect(cosine(token as TokenLogprob, logProbabilities(expected), ids)).toBeGreaterThanOrEqual(leastCosine);
    }
  }

  it.each(reference.prompts)('answers as the reference does: $name', async (prompt) => {
    const { tokens, usage } = await answer(prompt.content, prompt.name);
    expect(usage?.promptTokens).toBe(prompt.promptTokens);
    check(prompt, tokens);
  });

  it('answers the same when all are asked at once, with pictures and prefixes from the cache', async () => {
    const answers = await Promise.all(
      reference.prompts.map((prompt) => answer(prompt.content, `again ${prompt.name}`)),
    );
    for (const [index, { tokens, usage }] of answers.entries()) {
      const prompt = reference.prompts[index] as Reference['prompts'][number];
      check(prompt, tokens);
      expect(usage?.cachedTokens).toBe(prompt.promptTokens - 1);
    }
    await expect.poll(() => engine.statistics()?.vision?.fromCache).toBeGreaterThan(0);
    // Three pictures in all, whatever the number of questions.
    expect(engine.statistics()?.vision?.encoded).toBe(3);
  });
});

async function vocabularyOf(path: string, { control }: Reference): Promise<Map<string, number>> {
  const model = await NativeModel.load({ path, gpuLayers: 0, vocabularyOnly: true });
  const marks = new Set(control);
  const ids = new Map<string, number>();
  for (let token = 0; token < model.vocabularySize; token++) {
    if (!marks.has(token)) ids.set(hex(model.pieceOf(token, true)), token);
  }
  model.dispose();
  return ids;
}

/** Of the log probabilities around their mean, so that a common shift does not count as likeness. */
function cosine(token: TokenLogprob, expected: Float32Array, ids: ReadonlyMap<string, number>): number {
  const pairs = token.top.flatMap(({ bytes, logprob }) => {
    const id = ids.get(hex(bytes));
    return id === undefined ? [] : [[logprob, expected[id] as number] as const];
  });
  expect(pairs).toHaveLength(ids.size);
  const mean = (index: 0 | 1) => pairs.reduce((sum, pair) => sum + pair[index], 0) / pairs.length;
  const [left, right] = [mean(0), mean(1)];
  let [product, leftSquare, rightSquare] = [0, 0, 0];
  for (const pair of pairs) {
    const [a, b] = [pair[0] - left, pair[1] - right];
    product += a * b;
    leftSquare += a * a;
    rightSquare += b * b;
  }
  return product / Math.sqrt(leftSquare * rightSquare);
}

function hex(bytes: ArrayLike<number>): string {
  return Buffer.from(bytes as Uint8Array).toString('hex');
}
