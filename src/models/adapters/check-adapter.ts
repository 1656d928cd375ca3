/** Holds a LoRA file against the model it is to be laid over, before native code sees either together. */
import { makeError } from '../../core/errors.ts';
import type { GgufHeader, GgufTensor } from '../gguf.ts';

export type AdapterFacts = { architecture: string; rank: number; targets: number };

const suffix = /^(.+)\.lora_([ab])$/;
/** Numbers that native code multiplies with; rounded ones would do, but nobody publishes them. */
const usableTypes = new Set(['F32', 'F16', 'BF16', 'Q8_0']);

/**
 * What the file is. Throws `adapter_invalid` where it is no LoRA, `adapter_mismatch` where it belongs to another model:
 * another architecture, tensors that the model does not have, or of other shapes.
 * @param adapter its name, for the messages
 */
export function checkAdapter(header: GgufHeader, base: GgufHeader, adapter: string, model: string): AdapterFacts {
  const facts = readAdapter(header, adapter);
  if (facts.architecture !== base.architecture) {
    const reason = `it is for the architecture ${facts.architecture}, the model is ${base.architecture}`;
    throw makeError('adapter_mismatch', { adapter, model, reason });
  }
  const tensors = new Map(base.tensors.map((tensor) => [tensor.name, tensor]));
  for (const [name, { a, b }] of pairsOf(header, adapter)) {
    const weights = tensors.get(name);
    if (weights === undefined)
      throw makeError('adapter_mismatch', { adapter, model, reason: `the model has no ${name}` });
    if (!fits(a, b, weights)) {
      const reason = `${name} is ${weights.shape.join('×')}, its pair ${a.shape.join('×')} and ${b.shape.join('×')}`;
      throw makeError('adapter_mismatch', { adapter, model, reason });
    }
  }
  return facts;
}

/** What can be said of the file alone. Throws `adapter_invalid`. */
export function readAdapter(header: GgufHeader, adapter: string): AdapterFacts {
  const invalid = (reason: string) => makeError('adapter_invalid', { file: adapter, reason });
  if (header.metadata.get('general.type') !== 'adapter' || header.metadata.get('adapter.type') !== 'lora') {
    throw invalid('it does not say that it is a LoRA adapter (general.type, adapter.type)');
  }
  const alpha = header.metadata.get('adapter.lora.alpha');
  if (typeof alpha !== 'number' || !Number.isFinite(alpha) || alpha <= 0) {
    throw invalid('adapter.lora.alpha is missing or no positive number');
  }
  const pairs = pairsOf(header, adapter);
  const [first] = pairs.values();
  if (first === undefined) throw invalid('it holds no tensors');
  return { architecture: header.architecture, rank: first.b.shape[0] ?? 0, targets: pairs.size };
}

type Pair = { a: GgufTensor; b: GgufTensor };

function pairsOf(header: GgufHeader, adapter: string): Map<string, Pair> {
  const halves = new Map<string, Partial<Pair>>();
  for (const tensor of header.tensors) {
    const [, name, half] = suffix.exec(tensor.name) ?? [];
    if (name === undefined || half === undefined) {
      throw makeError('adapter_invalid', { file: adapter, reason: `its tensor ${tensor.name} is no half of a pair` });
    }
    if (!usableTypes.has(tensor.type)) {
      throw makeError('adapter_invalid', { file: adapter, reason: `its tensor ${tensor.name} is in ${tensor.type}` });
    }
    const pair = halves.get(name) ?? {};
    pair[half as 'a' | 'b'] = tensor;
    halves.set(name, pair);
  }
  const pairs = new Map<string, Pair>();
  for (const [name, { a, b }] of halves) {
    if (a === undefined || b === undefined) {
      throw makeError('adapter_invalid', { file: adapter, reason: `one half of ${name} is missing` });
    }
    pairs.set(name, { a, b });
  }
  return pairs;
}

/** `a` takes the rows of the weights' input down to the rank, `b` from there up; both are the other way round for embeddings. */
function fits(a: GgufTensor, b: GgufTensor, weights: GgufTensor): boolean {
  const [inputs, outputs] = weights.shape;
  const others = (tensor: GgufTensor) => tensor.shape.slice(2).join('×');
  if (others(a) !== others(weights) || others(b) !== others(weights)) return false;
  if (weights.name === 'token_embd.weight') return b.shape[1] === inputs && a.shape[1] === outputs;
  return a.shape[0] === inputs && b.shape[1] === outputs && a.shape[1] === b.shape[0];
}
