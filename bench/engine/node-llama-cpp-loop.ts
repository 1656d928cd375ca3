/**
 * The other Node binding of llama.cpp, driven through its low-level API on the same file, same threads, same tokens.
 * Its package is not one of ours: the benchmark installs it into a folder of its own.
 */
import { pathToFileURL } from 'node:url';
import { NativeModel } from '../../src/engine/native/model.ts';
import type { BareRequest, Measurement } from './contender.ts';
import { countingPrompt, textPrompt } from './workload.ts';

/** The few calls of its API that are used here. */
type LlamaSequence = {
  evaluate(tokens: number[], options: { temperature: number }): AsyncGenerator<number, void, void>;
  evaluateWithoutGeneratingNewTokens(tokens: number[]): Promise<void>;
  dispose(): void;
};
type LlamaContext = { getSequence(): LlamaSequence };
type LlamaModel = {
  createContext(options: {
    contextSize: number;
    batchSize: number;
    threads: number;
    sequences: number;
    flashAttention: boolean;
  }): Promise<LlamaContext>;
};
type NodeLlamaCpp = {
  getLlama(options: { gpu: false; maxThreads: number; build: 'never'; logLevel: 'error' }): Promise<{
    loadModel(options: { modelPath: string; gpuLayers: number }): Promise<LlamaModel>;
  }>;
};

const [, , weightsPath = '', threadsText = '2', entryFile = ''] = process.argv;
const threads = Number(threadsText);
// Only the tokenizer of ours, so that both get the same token ids.
const tokenizer = await NativeModel.load({ path: weightsPath, gpuLayers: 0, vocabularyOnly: true });
const binding = (await import(pathToFileURL(entryFile).href)) as NodeLlamaCpp;
const llama = await binding.getLlama({ gpu: false, maxThreads: threads, build: 'never', logLevel: 'error' });
const model = await llama.loadModel({ modelPath: weightsPath, gpuLayers: 0 });
const context = await model.createContext({
  contextSize: 8192,
  batchSize: 512,
  threads,
  sequences: 1,
  flashAttention: true,
});

async function measure(request: BareRequest): Promise<Measurement> {
  const sequence = context.getSequence();
  try {
    if (request.kind === 'prefill') {
      const prompt = textPrompt(tokenizer, request.tokens, request.number);
      const startedAt = performance.now();
      for await (const _ of sequence.evaluate(prompt, { temperature: 0 })) break;
      return { tokens: prompt.length, milliseconds: performance.now() - startedAt };
    }
    const prompt = countingPrompt(tokenizer, request.number);
    let count = 0;
    let startedAt = 0;
    for await (const _ of sequence.evaluate(prompt, { temperature: 0 })) {
      if (count === 0) startedAt = performance.now();
      count++;
      if (count === request.tokens) break;
    }
    return { tokens: count - 1, milliseconds: performance.now() - startedAt };
  } finally {
    sequence.dispose();
  }
}

process.on('message', (request) => {
  void measure(request as BareRequest).then((result) => process.send?.(result));
});
process.on('disconnect', () => process.exit(0));
process.send?.('ready');
