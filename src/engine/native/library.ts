/** Finds, loads and proves the native library, and binds the functions this engine calls. Nothing here thinks. */
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import koffi from 'koffi';
import { makeError } from '../../core/errors.ts';
import {
  contextParamsDefaults,
  differingFields,
  modelParamsDefaults,
  mtmdParamsDefaults,
  optParamsDefaults,
  quantizeParamsDefaults,
  type StructValue,
} from './structs.ts';

/** An opaque native pointer; never looked into. */
export type Pointer = bigint;

/** The package exports only its own loader, which lies in its root folder. */
function packageFolder(): string {
  return path.dirname(createRequire(import.meta.url).resolve('@qvac/fabric'));
}

/** Folder of the prebuilt library for this platform; throws `unsupported_platform` where there is none. */
export function findNativeFolder(platform: string = process.platform, architecture: string = process.arch): string {
  const folder = path.join(packageFolder(), 'prebuilds', `${platform}-${architecture}`);
  if (!existsSync(path.join(folder, 'qvac__fabric.bare'))) {
    throw makeError('unsupported_platform', { platform: `${platform}-${architecture}` });
  }
  return realpathSync(folder);
}

function bind(library: ReturnType<typeof koffi.load>) {
  const bound = (signature: string) => library.func(signature);
  return {
    loadBackends: bound('void ggml_backend_load_all_from_path(const char*)'),
    backendInit: bound('void llama_backend_init()'),
    systemInfo: bound('const char* llama_print_system_info()'),
    modelDefaultParams: bound('llama_model_params llama_model_default_params()'),
    contextDefaultParams: bound('llama_context_params llama_context_default_params()'),
    mtmdDefaultParams: bound('mtmd_context_params mtmd_context_params_default()'),

    mtmdInit: bound('uintptr_t mtmd_init_from_file(const char*, uintptr_t, mtmd_context_params)'),
    mtmdFree: bound('void mtmd_free(uintptr_t)'),
    mtmdDefaultMarker: bound('const char* mtmd_default_marker()'),
    mtmdSupportsVision: bound('bool mtmd_support_vision(uintptr_t)'),
    mtmdUsesMrope: bound('bool mtmd_decode_use_mrope(uintptr_t)'),
    mtmdUsesNonCausal: bound('bool mtmd_decode_use_non_causal(uintptr_t, uintptr_t)'),
    mtmdBitmapInit: bound('uintptr_t mtmd_bitmap_init(uint32, uint32, uint8*)'),
    mtmdBitmapFree: bound('void mtmd_bitmap_free(uintptr_t)'),
    mtmdChunksInit: bound('uintptr_t mtmd_input_chunks_init()'),
    mtmdChunksSize: bound('size_t mtmd_input_chunks_size(uintptr_t)'),
    mtmdChunksGet: bound('uintptr_t mtmd_input_chunks_get(uintptr_t, size_t)'),
    mtmdChunksFree: bound('void mtmd_input_chunks_free(uintptr_t)'),
    mtmdChunkType: bound('int mtmd_input_chunk_get_type(uintptr_t)'),
    mtmdChunkTextTokens: bound('void* mtmd_input_chunk_get_tokens_text(uintptr_t, _Out_ size_t*)'),
    mtmdChunkImage: bound('uintptr_t mtmd_input_chunk_get_tokens_image(uintptr_t)'),
    mtmdChunkTokens: bound('size_t mtmd_input_chunk_get_n_tokens(uintptr_t)'),
    mtmdChunkPositions: bound('int32 mtmd_input_chunk_get_n_pos(uintptr_t)'),
    mtmdImagePosition: bound('mtmd_decoder_pos mtmd_image_tokens_get_decoder_pos(uintptr_t, int32, size_t)'),
    mtmdTokenize: bound('int32 mtmd_tokenize(uintptr_t, uintptr_t, mtmd_input_text*, uintptr_t*, size_t)'),
    mtmdEncode: bound('int32 mtmd_encode_chunk(uintptr_t, uintptr_t)'),
    mtmdEmbeddings: bound('float* mtmd_get_output_embd(uintptr_t)'),
    quantizeDefaultParams: bound('llama_model_quantize_params llama_model_quantize_default_params()'),
    quantize: bound('uint32 llama_model_quantize(const char*, const char*, const llama_model_quantize_params*)'),

    modelLoad: bound('uintptr_t llama_model_load_from_file(const char*, llama_model_params)'),
    modelFree: bound('void llama_model_free(uintptr_t)'),
    modelVocab: bound('uintptr_t llama_model_get_vocab(uintptr_t)'),
    modelMetadata: bound('int32 llama_model_meta_val_str(uintptr_t, const char*, _Out_ uint8*, size_t)'),
    modelTrainedContext: bound('int32 llama_model_n_ctx_train(uintptr_t)'),
    modelEmbeddingSize: bound('int32 llama_model_n_embd_out(uintptr_t)'),
    modelInputEmbeddingSize: bound('int32 llama_model_n_embd_inp(uintptr_t)'),
    modelSizeBytes: bound('uint64 llama_model_size(uintptr_t)'),
    modelParameters: bound('uint64 llama_model_n_params(uintptr_t)'),
    modelIsRecurrent: bound('bool llama_model_is_recurrent(uintptr_t)'),
    modelIsHybrid: bound('bool llama_model_is_hybrid(uintptr_t)'),
    modelLayers: bound('int32 llama_model_n_layer(uintptr_t)'),
    modelHeads: bound('int32 llama_model_n_head(uintptr_t)'),
    modelKeyValueHeads: bound('int32 llama_model_n_head_kv(uintptr_t)'),
    modelWidth: bound('int32 llama_model_n_embd(uintptr_t)'),
    modelRopeType: bound('int32 llama_model_rope_type(uintptr_t)'),
    modelHasEncoder: bound('bool llama_model_has_encoder(uintptr_t)'),

    vocabSize: bound('int32 llama_vocab_n_tokens(uintptr_t)'),
    vocabBeginToken: bound('int32 llama_vocab_bos(uintptr_t)'),
    vocabEndToken: bound('int32 llama_vocab_eos(uintptr_t)'),
    vocabText: bound('const char* llama_vocab_get_text(uintptr_t, int32)'),
    vocabIsEnd: bound('bool llama_vocab_is_eog(uintptr_t, int32)'),
    vocabIsControl: bound('bool llama_vocab_is_control(uintptr_t, int32)'),
    tokenize: bound('int32 llama_tokenize(uintptr_t, uint8*, int32, _Out_ int32*, int32, bool, bool)'),
    tokenToPiece: bound('int32 llama_token_to_piece(uintptr_t, int32, _Out_ uint8*, int32, int32, bool)'),

    contextInit: bound('uintptr_t llama_init_from_model(uintptr_t, llama_context_params)'),
    contextFree: bound('void llama_free(uintptr_t)'),
    contextMemory: bound('uintptr_t llama_get_memory(uintptr_t)'),
    contextCells: bound('uint32 llama_n_ctx(uintptr_t)'),
    setThreads: bound('void llama_set_n_threads(uintptr_t, int32, int32)'),
    setCausalAttention: bound('void llama_set_causal_attn(uintptr_t, bool)'),
    decode: bound('int32 llama_decode(uintptr_t, llama_batch)'),
    logits: bound('float* llama_get_logits_ith(uintptr_t, int32)'),
    embeddings: bound('float* llama_get_embeddings_ith(uintptr_t, int32)'),

    adapterLoad: bound('uintptr_t llama_adapter_lora_init(uintptr_t, const char*)'),
    adapterFree: bound('void llama_adapter_lora_free(uintptr_t)'),
    setAdapters: bound('int32 llama_set_adapters_lora(uintptr_t, const uintptr_t*, size_t, const float*)'),

    optDefaultParams: bound('llama_opt_params llama_opt_default_params()'),
    optInit: bound('void llama_opt_init(uintptr_t, uintptr_t, llama_opt_params)'),
    optEpoch: bound('void llama_opt_epoch(uintptr_t, uintptr_t, uintptr_t, uintptr_t, int64, void*, void*)'),
    optCleanup: bound('void llama_opt_cleanup(uintptr_t)'),
    optGradient: bound('void* ggml_opt_grad_acc(uintptr_t, void*)'),
    optParameters: bound('int32 ggml_opt_get_nparams(uintptr_t)'),
    optFirstMoment: bound('void* ggml_opt_get_grad_m(uintptr_t, int32)'),
    optSecondMoment: bound('void* ggml_opt_get_grad_v(uintptr_t, int32)'),
    optIteration: bound('int64 ggml_opt_get_iter(uintptr_t)'),
    optSetIteration: bound('void ggml_opt_set_iter(uintptr_t, int64)'),
    optResultInit: bound('uintptr_t ggml_opt_result_init()'),
    optResultReset: bound('void ggml_opt_result_reset(uintptr_t)'),
    optResultFree: bound('void ggml_opt_result_free(uintptr_t)'),
    optResultLoss: bound('void ggml_opt_result_loss(uintptr_t, _Out_ double*, _Out_ double*)'),
    optDatasetInit: bound(
      'uintptr_t ggml_opt_dataset_init_with_masks(int, int, int, int64, int64, int64, int64, int64)',
    ),
    optDatasetFree: bound('void ggml_opt_dataset_free(uintptr_t)'),
    optDatasetTokens: bound('void* ggml_opt_dataset_data(uintptr_t)'),
    optDatasetLabels: bound('void* ggml_opt_dataset_labels(uintptr_t)'),
    optDatasetMasks: bound('void* ggml_opt_dataset_masks(uintptr_t)'),
    loraTrainingInit: bound('uintptr_t llama_lora_training_init(uintptr_t, uintptr_t, llama_lora_training_params*)'),
    loraSave: bound('bool llama_lora_save_adapter(uintptr_t, const char*, uintptr_t)'),

    memoryClear: bound('void llama_memory_clear(uintptr_t, bool)'),
    memoryRemove: bound('bool llama_memory_seq_rm(uintptr_t, int32, int32, int32)'),
    memoryCopy: bound('void llama_memory_seq_cp(uintptr_t, int32, int32, int32, int32)'),
    memoryShift: bound('void llama_memory_seq_add(uintptr_t, int32, int32, int32, int32)'),
    memoryCanShift: bound('bool llama_memory_can_shift(uintptr_t)'),
    memoryCellsUsed: bound('uint32 llama_memory_seq_token_count(uintptr_t, int32)'),

    stateSize: bound('size_t llama_state_get_size(uintptr_t)'),
    stateRead: bound('size_t llama_state_get_data(uintptr_t, uint8*, size_t)'),
    stateWrite: bound('size_t llama_state_set_data(uintptr_t, uint8*, size_t)'),
    sequenceStateSize: bound('size_t llama_state_seq_get_size(uintptr_t, int32)'),
    sequenceStateRead: bound('size_t llama_state_seq_get_data(uintptr_t, uint8*, size_t, int32)'),
    sequenceStateWrite: bound('size_t llama_state_seq_set_data(uintptr_t, uint8*, size_t, int32)'),

    chainInit: bound('uintptr_t llama_sampler_chain_init(llama_sampler_chain_params)'),
    chainAdd: bound('void llama_sampler_chain_add(uintptr_t, uintptr_t)'),
    samplerFree: bound('void llama_sampler_free(uintptr_t)'),
    samplerSample: bound('int32 llama_sampler_sample(uintptr_t, uintptr_t, int32)'),
    samplerApply: bound('void llama_sampler_apply(uintptr_t, _Inout_ llama_token_data_array*)'),
    samplerAccept: bound('void llama_sampler_accept(uintptr_t, int32)'),
    samplerGreedy: bound('uintptr_t llama_sampler_init_greedy()'),
    samplerDistribution: bound('uintptr_t llama_sampler_init_dist(uint32)'),
    samplerTopK: bound('uintptr_t llama_sampler_init_top_k(int32)'),
    samplerTopP: bound('uintptr_t llama_sampler_init_top_p(float, size_t)'),
    samplerMinP: bound('uintptr_t llama_sampler_init_min_p(float, size_t)'),
    samplerTemperature: bound('uintptr_t llama_sampler_init_temp(float)'),
    samplerPenalties: bound('uintptr_t llama_sampler_init_penalties(int32, int32, float, float, float)'),
    samplerLogitBias: bound('uintptr_t llama_sampler_init_logit_bias(int32, int32, uint8*)'),
    samplerGrammar: bound('uintptr_t llama_sampler_init_grammar(uintptr_t, const char*, const char*)'),
    samplerLazyGrammar: bound(
      'uintptr_t llama_sampler_init_grammar_lazy_patterns(uintptr_t, const char*, const char*, const char**, size_t, int32*, size_t)',
    ),
  };
}

/** Of the library: what it wrote another build may not read. */
export function nativeVersion(): string {
  const manifest = path.join(packageFolder(), 'package.json');
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version;
}

export type NativeFunctions = ReturnType<typeof bind>;

let loaded: NativeFunctions | undefined;

/**
 * Loads the library once for the process and checks its struct layouts against the headers this code was written from.
 * Throws `unsupported_platform` or `native_mismatch`.
 */
export function loadNative(): NativeFunctions {
  if (loaded !== undefined) return loaded;
  const folder = findNativeFolder();
  const native = bind(koffi.load(path.join(folder, 'qvac__fabric.bare')));
  checkLayout('llama_model_params', native.modelDefaultParams() as StructValue, modelParamsDefaults);
  checkLayout('llama_context_params', native.contextDefaultParams() as StructValue, contextParamsDefaults);
  checkLayout('mtmd_context_params', native.mtmdDefaultParams() as StructValue, mtmdParamsDefaults);
  checkLayout('llama_opt_params', native.optDefaultParams() as StructValue, optParamsDefaults);
  checkLayout('llama_model_quantize_params', native.quantizeDefaultParams() as StructValue, quantizeParamsDefaults);
  native.loadBackends(path.join(folder, 'qvac__fabric'));
  native.backendInit();
  loaded = native;
  return native;
}

function checkLayout(name: string, actual: StructValue, expected: StructValue): void {
  const differences = differingFields(actual, expected);
  if (differences.length > 0) throw makeError('native_mismatch', { reason: `${name}: ${differences.join('; ')}` });
}
