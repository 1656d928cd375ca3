/** Chooses the next token from the logits: penalties, truncation, temperature, and a grammar where one is asked for. */
import koffi from 'koffi';
import { makeError } from '../../core/errors.ts';
import type { NativeContext } from './context.ts';
import type { Pointer } from './library.ts';
import { isNull, type NativeModel } from './model.ts';
import { tokenDataSizeBytes } from './structs.ts';

/** A grammar that binds from the first token, or only once one of the patterns has appeared in the answer. */
export type GrammarConstraint = { text: string; triggerPatterns?: string[] };

/** Every number final: defaults are applied before. */
export type SamplerOptions = {
  temperature: number;
  topP: number;
  topK: number;
  minP: number;
  presencePenalty: number;
  frequencyPenalty: number;
  repeatPenalty: number;
  /** Unsigned 32-bit. */
  seed: number;
  logitBias: ReadonlyMap<number, number>;
  grammar?: GrammarConstraint;
};

/** How far back the penalties look, in tokens. */
const penaltyWindowTokens = 4096;
/** Candidates a grammar looks at before it must read the whole vocabulary, which takes tens of milliseconds. */
const grammarShortlist = 256;

export class NativeSampler {
  readonly #model: NativeModel;
  readonly #chain: Pointer;
  readonly #grammar: Pointer | undefined;
  #candidates: CandidateArray | undefined;
  #disposed = false;

  /** Throws `unsupported_schema` when the grammar does not parse. */
  constructor(model: NativeModel, options: SamplerOptions) {
    this.#model = model;
    this.#grammar = options.grammar === undefined ? undefined : createGrammar(model, options.grammar);
    this.#chain = createChain(model, options);
  }

  /** Samples from one output of the last decode and remembers the token for penalties and grammar. */
  sample(context: NativeContext, outputIndex: number): number {
    const { native } = this.#model;
    if (this.#grammar === undefined) return native.samplerSample(this.#chain, context.pointer, outputIndex) as number;
    const token = this.#sampleWithGrammar(this.#grammar, context.logits(outputIndex));
    native.samplerAccept(this.#grammar, token);
    native.samplerAccept(this.#chain, token);
    return token;
  }

  /**
   * First the chain alone; most tokens pass the grammar and cost one look. Otherwise the grammar strikes out what it
   * forbids, first among the likeliest tokens, and only if none of those passes among all.
   */
  #sampleWithGrammar(grammar: Pointer, logits: Float32Array): number {
    this.#candidates ??= new CandidateArray(logits.length);
    const candidates = this.#candidates;
    candidates.fill(logits);
    const free = this.#applyChain(candidates);
    candidates.fillOne(free);
    this.#apply(grammar, candidates);
    if (candidates.logitAt(0) !== Number.NEGATIVE_INFINITY) return free;

    candidates.fillLikeliest(logits, grammarShortlist);
    this.#apply(grammar, candidates);
    if (!candidates.anyAllowed()) {
      candidates.fill(logits);
      this.#apply(grammar, candidates);
      if (!candidates.anyAllowed()) throw makeError('engine_failed', { reason: 'the grammar allows no token here' });
    }
    candidates.dropForbidden();
    return this.#applyChain(candidates);
  }

  #applyChain(candidates: CandidateArray): number {
    this.#apply(this.#chain, candidates);
    return candidates.selectedToken();
  }

  #apply(sampler: Pointer, candidates: CandidateArray): void {
    this.#model.native.samplerApply(sampler, candidates.struct);
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#model.native.samplerFree(this.#chain);
    if (this.#grammar !== undefined) this.#model.native.samplerFree(this.#grammar);
  }
}

type CandidateStruct = { data: bigint; size: number | bigint; selected: number | bigint; sorted: boolean };

/** `llama_token_data_array` over memory of our own. */
class CandidateArray {
  readonly struct: CandidateStruct;
  readonly #ids: Int32Array;
  readonly #floats: Float32Array;

  constructor(capacity: number) {
    const memory = new ArrayBuffer(capacity * tokenDataSizeBytes);
    this.#ids = new Int32Array(memory);
    this.#floats = new Float32Array(memory);
    this.struct = { data: koffi.address(this.#ids), size: 0, selected: -1, sorted: false };
  }

  fill(logits: Float32Array): void {
    for (let token = 0, offset = 0; token < logits.length; token++, offset += 3) {
      this.#ids[offset] = token;
      this.#floats[offset + 1] = logits[token] as number;
      this.#floats[offset + 2] = 0;
    }
    this.#reset(logits.length);
  }

  fillOne(token: number): void {
    this.#set(0, token, 1);
    this.#reset(1);
  }

  /** The `count` tokens with the highest logits, in no order: a min-heap over one pass. */
  fillLikeliest(logits: Float32Array, count: number): void {
    const size = Math.min(count, logits.length);
    for (let token = 0; token < size; token++) this.#set(token, token, logits[token] as number);
    for (let index = (size >> 1) - 1; index >= 0; index--) this.#siftDown(index, size);
    for (let token = size; token < logits.length; token++) {
      const logit = logits[token] as number;
      if (logit <= this.logitAt(0)) continue;
      this.#set(0, token, logit);
      this.#siftDown(0, size);
    }
    this.#reset(size);
  }

  #siftDown(start: number, size: number): void {
    let index = start;
    for (;;) {
      let smallest = index;
      const left = 2 * index + 1;
      if (left < size && this.logitAt(left) < this.logitAt(smallest)) smallest = left;
      if (left + 1 < size && this.logitAt(left + 1) < this.logitAt(smallest)) smallest = left + 1;
      if (smallest === index) return;
      const token = this.#ids[index * 3] as number;
      const logit = this.logitAt(index);
      this.#set(index, this.#ids[smallest * 3] as number, this.logitAt(smallest));
      this.#set(smallest, token, logit);
      index = smallest;
    }
  }

  logitAt(index: number): number {
    return this.#floats[index * 3 + 1] as number;
  }

  anyAllowed(): boolean {
    for (let index = 0; index < Number(this.struct.size); index++) {
      if (this.logitAt(index) !== Number.NEGATIVE_INFINITY) return true;
    }
    return false;
  }

  /** Removes the candidates a grammar has set to −∞, so that no later sampler can pick one. */
  dropForbidden(): void {
    let size = 0;
    for (let index = 0; index < Number(this.struct.size); index++) {
      const logit = this.logitAt(index);
      if (logit !== Number.NEGATIVE_INFINITY) this.#set(size++, this.#ids[index * 3] as number, logit);
    }
    this.#reset(size);
  }

  selectedToken(): number {
    return this.#ids[Number(this.struct.selected) * 3] as number;
  }

  #set(index: number, token: number, logit: number): void {
    this.#ids[index * 3] = token;
    this.#floats[index * 3 + 1] = logit;
    this.#floats[index * 3 + 2] = 0;
  }

  #reset(size: number): void {
    this.struct.size = size;
    this.struct.selected = -1;
    this.struct.sorted = false;
  }
}

function createChain(model: NativeModel, options: SamplerOptions): Pointer {
  const { native } = model;
  const chain = native.chainInit({ no_perf: true }) as Pointer;
  const add = (sampler: unknown) => native.chainAdd(chain, sampler);
  if (options.logitBias.size > 0) {
    const bias = packLogitBias(options.logitBias);
    add(native.samplerLogitBias(model.vocabularySize, options.logitBias.size, bias));
  }
  const penalised = options.repeatPenalty !== 1 || options.frequencyPenalty !== 0 || options.presencePenalty !== 0;
  if (penalised) {
    const { repeatPenalty, frequencyPenalty, presencePenalty } = options;
    add(
      native.samplerPenalties(
        model.vocabularySize,
        penaltyWindowTokens,
        repeatPenalty,
        frequencyPenalty,
        presencePenalty,
      ),
    );
  }
  if (options.temperature === 0) {
    add(native.samplerGreedy());
    return chain;
  }
  if (options.topK > 0) add(native.samplerTopK(options.topK));
  if (options.topP < 1) add(native.samplerTopP(options.topP, 1));
  if (options.minP > 0) add(native.samplerMinP(options.minP, 1));
  add(native.samplerTemperature(options.temperature));
  add(native.samplerDistribution(options.seed));
  return chain;
}

/** `{int32 token; float bias}` pairs. */
function packLogitBias(bias: ReadonlyMap<number, number>): Buffer {
  const packed = Buffer.alloc(bias.size * 8);
  let offset = 0;
  for (const [token, value] of bias) {
    packed.writeInt32LE(token, offset);
    packed.writeFloatLE(value, offset + 4);
    offset += 8;
  }
  return packed;
}

function createGrammar(model: NativeModel, grammar: GrammarConstraint): Pointer {
  const { native, vocabulary } = model;
  const patterns = grammar.triggerPatterns;
  const pointer = (
    patterns === undefined
      ? native.samplerGrammar(vocabulary, grammar.text, 'root')
      : native.samplerLazyGrammar(vocabulary, grammar.text, 'root', patterns, patterns.length, null, 0)
  ) as Pointer;
  if (isNull(pointer)) throw makeError('unsupported_schema', { reason: 'the grammar made from it does not parse' });
  return pointer;
}
