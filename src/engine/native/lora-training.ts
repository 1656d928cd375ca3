/** Trains a LoRA through the native library: one example a step, forward, backward and AdamW. */
import koffi from 'koffi';
import { makeError } from '../../core/errors.ts';
import { NativeContext, TokenBatch } from './context.ts';
import type { Pointer } from './library.ts';
import { isNull, type NativeModel } from './model.ts';
import { llamaLoraTrainingParams, type StructValue } from './structs.ts';
import { floatsOf, integersOf, tensorName } from './tensor.ts';

/** `enum llama_lora_target_module`: query, key, value and output of attention, and the three matrices of the feed-forward part. */
const allMatrices = 0b111_1111;
const integerType = 26;
const loraName = /\.lora_[ab]$/;
/** Small random numbers on one side, nought on the other: at the start nothing is changed. */
const initialDeviation = 0.02;
const adam = { beta1: 0.9, beta2: 0.999, eps: 1e-8, wd: 0, sgd_alpha: 1e-3, sgd_wd: 0 };
/** The library refuses nought. */
const noLearning = 1e-30;

const filterCallback = koffi.proto('bool duanyun_param_filter(void* tensor, void* data)');
const paramsCallback = koffi.proto('ggml_opt_optimizer_params duanyun_optimizer_params(void* data)');
const batchCallback = koffi.proto(
  'void duanyun_batch_done(bool train, uintptr_t optimizer, uintptr_t dataset, uintptr_t result, int64 batch, int64 batches, int64 start)',
);

export type LoraShape = { rank: number; alpha: number; seed: number };

/** Tokens of one conversation, and which of them are learnt. */
export type TrainingExample = {
  tokens: Int32Array;
  /** 1 where the token is part of an answer; the same length. */
  learnt: Uint8Array;
};

/** All that a run needs to go on as if it had not been interrupted. */
export type OptimizerState = {
  iteration: number;
  /** Weights, and AdamW's two moments of each, by the tensor's name. */
  tensors: Map<string, Float32Array>;
};

/** One at a time for a loaded model: the library tells adapters apart by nothing. */
export class LoraTraining {
  readonly #model: NativeModel;
  readonly #context: NativeContext;
  readonly #windowTokens: number;
  readonly #adapter: Pointer;
  readonly #dataset: Pointer;
  readonly #result: Pointer;
  readonly #batch: { tokens: Int32Array; labels: Int32Array; masks: Int32Array };
  readonly #callbacks: Pointer[] = [];
  readonly #onBatch: Pointer;
  /** The matrices that are learnt; native tensors and views of their numbers. */
  readonly #parameters = new Map<string, { tensor: unknown; values: Float32Array }>();
  /** Where the library adds gradients up. */
  #gradients: Float32Array[] = [];
  #optimizer: Pointer | undefined;
  #learningRate = noLearning;
  #disposed = false;

  /**
   * @param windowTokens length that every example is filled up to; memory and time grow with it
   * Throws `engine_failed`.
   */
  constructor(model: NativeModel, options: LoraShape & { windowTokens: number; threads: number }) {
    const { native } = model;
    const { windowTokens, threads, rank, alpha, seed } = options;
    this.#model = model;
    this.#windowTokens = windowTokens;
    this.#context = NativeContext.create(model, {
      cells: windowTokens,
      batchTokens: windowTokens,
      maxSequences: 1,
      maxOutputs: windowTokens,
      threads,
      keyCacheType: 'f16',
      valueCacheType: 'f16',
      // No backward pass exists for it.
      flashAttention: 'off',
      training: true,
    });
    const shape = Buffer.alloc(koffi.sizeof(llamaLoraTrainingParams));
    const parameters = { target_modules: allMatrices, rank, alpha, dropout: 0, init_std: initialDeviation, seed };
    koffi.encode(shape, llamaLoraTrainingParams, parameters);
    this.#adapter = native.loraTrainingInit(this.#context.pointer, model.pointer, shape) as Pointer;
    if (isNull(this.#adapter)) {
      this.#context.dispose();
      throw makeError('engine_failed', { reason: 'no adapter can be made for this architecture' });
    }
    // The adapter changes the graph, and the next decode makes its scheduler anew. It must come before `optInit`, which keeps a
    // pointer to the scheduler; and only a decode tells the backends the number of threads (they would take four).
    const first = new TokenBatch(1);
    first.add(0, 0, 0, true);
    this.#context.decode(first);
    this.#onBatch = this.#register(batchCallback, (_train: boolean, optimizer: Pointer) => {
      this.#optimizer = optimizer;
    });
    this.#initOptimizer();
    const count = BigInt(windowTokens);
    this.#dataset = native.optDatasetInit(integerType, integerType, integerType, count, count, count, 1, 1) as Pointer;
    this.#batch = {
      tokens: integersOf(native.optDatasetTokens(this.#dataset)),
      labels: integersOf(native.optDatasetLabels(this.#dataset)),
      masks: integersOf(native.optDatasetMasks(this.#dataset)),
    };
    this.#result = native.optResultInit() as Pointer;
  }

  /** Numbers that are learnt. */
  get parameterCount(): number {
    return [...this.#parameters.values()].reduce((sum, { values }) => sum + values.length, 0);
  }

  /**
   * Learns from one example. Blocks for seconds. Returns the loss it had before: nats a token, over what is learnt of it.
   */
  step(example: TrainingExample, learningRate: number): number {
    this.#learningRate = learningRate;
    return this.#run(example, true);
  }

  /** The loss of an example, as `step` has it, without learning. */
  evaluate(example: TrainingExample): number {
    return this.#run(example, false);
  }

  /** Copies of the weights of the adapter. */
  weights(): Map<string, Float32Array> {
    return new Map([...this.#parameters].map(([name, { values }]) => [name, Float32Array.from(values)]));
  }

  /** The adapter as a GGUF file, with the given weights or those of now. Throws `disk_full` as the caller finds it, `engine_failed`. */
  save(path: string, weights?: ReadonlyMap<string, Float32Array>): boolean {
    const now = weights === undefined ? undefined : this.weights();
    if (weights !== undefined) this.#setWeights(weights);
    const isSaved = this.#model.native.loraSave(this.#adapter, path, this.#model.pointer) as boolean;
    if (now !== undefined) this.#setWeights(now);
    return isSaved;
  }

  /** Undefined before the first step. */
  state(): OptimizerState | undefined {
    if (this.#optimizer === undefined) return undefined;
    const tensors = this.weights();
    for (const [name, values] of this.#moments()) tensors.set(name, Float32Array.from(values));
    return { iteration: Number(this.#model.native.optIteration(this.#optimizer)), tensors };
  }

  /**
   * Goes on where `state` was taken: with the same examples the same numbers follow. Costs a step, for AdamW's moments exist
   * from the first on. Throws `engine_failed` where the state is of another adapter.
   */
  restore(state: OptimizerState, anyExample: TrainingExample): void {
    this.step(anyExample, noLearning);
    const optimizer = this.#optimizer;
    if (optimizer === undefined) throw makeError('engine_failed', { reason: 'the library reported no step' });
    const targets = new Map([
      ...[...this.#parameters].map(([name, { values }]) => [name, values] as const),
      ...this.#moments(),
    ]);
    for (const [name, values] of targets) {
      const saved = state.tensors.get(name);
      if (saved?.length !== values.length)
        throw makeError('engine_failed', { reason: `the checkpoint has no ${name}` });
      values.set(saved);
    }
    this.#model.native.optSetIteration(optimizer, BigInt(state.iteration));
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    const { native } = this.#model;
    native.optResultFree(this.#result);
    native.optDatasetFree(this.#dataset);
    native.optCleanup(this.#context.pointer);
    this.#context.dispose();
    native.adapterFree(this.#adapter);
    for (const callback of this.#callbacks) koffi.unregister(callback);
  }

  #initOptimizer(): void {
    const { native } = this.#model;
    const parameters = native.optDefaultParams() as StructValue;
    parameters['assistant_loss_only'] = true;
    parameters['param_filter'] = this.#register(filterCallback, (tensor: unknown): boolean => {
      const name = tensorName(tensor);
      if (!loraName.test(name)) return false;
      this.#parameters.set(name, { tensor, values: floatsOf(tensor) });
      return true;
    });
    parameters['get_opt_pars'] = this.#register(paramsCallback, () => {
      this.#clearGradients();
      return { alpha: this.#learningRate, ...adam };
    });
    native.optInit(this.#context.pointer, this.#model.pointer, parameters);
    if (this.#parameters.size === 0)
      throw makeError('engine_failed', { reason: 'nothing can be learnt in this model' });
  }

  /**
   * The library adds each step's gradients to those of all steps before: it clears them only where several batches make a step.
   * It asks for the learning rate when a step's graph is there and not computed yet, and that is the moment to clear them.
   */
  #clearGradients(): void {
    const optimizer = this.#optimizer;
    if (optimizer === undefined) return;
    if (this.#gradients.length === 0) {
      this.#gradients = [...this.#parameters.values()].map(({ tensor }) =>
        floatsOf(this.#model.native.optGradient(optimizer, tensor)),
      );
    }
    for (const gradient of this.#gradients) gradient.fill(0);
  }

  #moments(): Map<string, Float32Array> {
    const { native } = this.#model;
    const moments = new Map<string, Float32Array>();
    const optimizer = this.#optimizer;
    if (optimizer === undefined) return moments;
    const count = native.optParameters(optimizer) as number;
    for (let index = 0; index < count; index++) {
      // The list runs over all nodes of the graph; most are not learnt.
      for (const moment of [native.optFirstMoment(optimizer, index), native.optSecondMoment(optimizer, index)]) {
        if (moment !== null) moments.set(tensorName(moment), floatsOf(moment));
      }
    }
    return moments;
  }

  #setWeights(weights: ReadonlyMap<string, Float32Array>): void {
    for (const [name, { values }] of this.#parameters) {
      const wanted = weights.get(name);
      if (wanted !== undefined) values.set(wanted);
    }
  }

  #run({ tokens, learnt }: TrainingExample, train: boolean): number {
    const { native } = this.#model;
    const { tokens: input, labels, masks } = this.#batch;
    const filler = Math.max(0, native.vocabEndToken(this.#model.vocabulary) as number);
    for (let index = 0; index < this.#windowTokens; index++) {
      input[index] = tokens[index] ?? filler;
      labels[index] = tokens[index + 1] ?? filler;
      // What is learnt is to say the next token.
      masks[index] = index + 1 < this.#windowTokens ? (learnt[index + 1] ?? 0) : 0;
    }
    native.optResultReset(this.#result);
    const into = train ? [this.#result, 0n] : [0n, this.#result];
    native.optEpoch(this.#context.pointer, this.#dataset, ...into, train ? 1 : 0, this.#onBatch, null);
    const loss = [0];
    native.optResultLoss(this.#result, loss, [0]);
    return loss[0] as number;
  }

  #register(prototype: ReturnType<typeof koffi.proto>, work: (...values: never[]) => unknown): Pointer {
    const pointer = koffi.register(work, koffi.pointer(prototype));
    this.#callbacks.push(pointer);
    return pointer;
  }
}
