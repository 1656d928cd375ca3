/**
 * The yardstick: a loop over the same native calls with nothing around it. Runs in a process of its own and answers
 * one measurement after the other.
 */
import { NativeContext, TokenBatch } from '../../src/engine/native/context.ts';
import { NativeModel } from '../../src/engine/native/model.ts';
import { NativeSampler } from '../../src/engine/native/sampler.ts';
import type { BareRequest, Measurement } from './contender.ts';
import { countingPrompt, textPrompt } from './workload.ts';

const batchTokens = 512;
const [, , weightsPath = '', threadsText = '2', cellsText = '8192', slotsText = '40'] = process.argv;
const model = await NativeModel.load({ path: weightsPath, gpuLayers: 0 });
const context = NativeContext.create(model, {
  cells: Number(cellsText),
  batchTokens,
  maxSequences: Number(slotsText),
  maxOutputs: 8,
  threads: Number(threadsText),
  keyCacheType: 'f16',
  valueCacheType: 'f16',
  flashAttention: 'auto',
});
const batch = new TokenBatch(batchTokens);
const sampler = new NativeSampler(model, {
  temperature: 0,
  topP: 1,
  topK: 0,
  minP: 0,
  presencePenalty: 0,
  frequencyPenalty: 0,
  repeatPenalty: 1,
  seed: 1,
  logitBias: new Map(),
});

/** The decode call itself, without the thread pool that keeps the engine's event loop free. */
function decode(): void {
  const status = model.native.decode(context.pointer, batch.toStruct()) as number;
  if (status !== 0) throw new Error(`llama_decode returned ${status}`);
}

function prefill(prompt: number[], sequence: number): number {
  let last = 0;
  for (let start = 0; start < prompt.length; start += batchTokens) {
    batch.clear();
    const end = Math.min(prompt.length, start + batchTokens);
    for (let position = start; position < end; position++) {
      last = batch.add(prompt[position] as number, position, sequence, position === prompt.length - 1);
    }
    decode();
  }
  return sampler.sample(context, last);
}

function generate(streams: number, tokens: number, number: number): Measurement {
  const next: number[] = [];
  const positions: number[] = [];
  for (let stream = 0; stream < streams; stream++) {
    const prompt = countingPrompt(model, number + stream);
    next.push(prefill(prompt, stream));
    positions.push(prompt.length);
  }
  const startedAt = performance.now();
  for (let token = 1; token < tokens; token++) {
    batch.clear();
    for (let stream = 0; stream < streams; stream++) {
      batch.add(next[stream] as number, (positions[stream] as number) + token - 1, stream, true);
    }
    decode();
    for (let stream = 0; stream < streams; stream++) next[stream] = sampler.sample(context, stream);
  }
  const milliseconds = performance.now() - startedAt;
  return { tokens: streams * (tokens - 1), milliseconds };
}

function measure(request: BareRequest): Measurement {
  for (let sequence = 0; sequence < 8; sequence++) context.removeSequence(sequence);
  if (request.kind === 'generate') return generate(request.streams, request.tokens, request.number);
  const prompt = textPrompt(model, request.tokens, request.number);
  const startedAt = performance.now();
  prefill(prompt, 0);
  return { tokens: prompt.length, milliseconds: performance.now() - startedAt };
}

process.on('message', (request) => process.send?.(measure(request as BareRequest)));
process.on('disconnect', () => process.exit(0));
process.send?.('ready');
