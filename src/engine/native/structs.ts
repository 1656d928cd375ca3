/**
 * C structs of the pinned `@qvac/fabric` build, field by field as in its headers `llama.h` and `mtmd.h`, and the
 * defaults its `*_default_params` functions return. A build with another layout would shift the fields, so comparing
 * the defaults at start-up proves the layout before anything else is called.
 */
import koffi from 'koffi';

export const llamaModelParams = koffi.struct('llama_model_params', {
  devices: 'void*',
  tensor_buft_overrides: 'void*',
  n_gpu_layers: 'int32',
  split_mode: 'int',
  load_mode: 'int',
  tensor_read_lazy: 'int',
  main_gpu: 'int32',
  tensor_split: 'void*',
  progress_callback: 'void*',
  progress_callback_user_data: 'void*',
  kv_overrides: 'void*',
  vocab_only: 'bool',
  check_tensors: 'bool',
  use_extra_bufts: 'bool',
  no_host: 'bool',
  no_alloc: 'bool',
  load_mtp: 'bool',
});

export const modelParamsDefaults = {
  devices: null,
  tensor_buft_overrides: null,
  split_mode: 1,
  load_mode: -1,
  tensor_read_lazy: 1,
  main_gpu: 0,
  tensor_split: null,
  progress_callback: null,
  progress_callback_user_data: null,
  kv_overrides: null,
  vocab_only: false,
  check_tensors: false,
  use_extra_bufts: true,
  no_host: false,
  no_alloc: false,
  load_mtp: false,
} as const;

export const llamaContextParams = koffi.struct('llama_context_params', {
  n_ctx: 'uint32',
  n_batch: 'uint32',
  n_ubatch: 'uint32',
  n_seq_max: 'uint32',
  n_rs_seq: 'uint32',
  n_outputs_max: 'uint32',
  n_outputs_max_per_seq: 'uint32',
  n_threads: 'int32',
  n_threads_batch: 'int32',
  ctx_type: 'int',
  rope_scaling_type: 'int',
  pooling_type: 'int',
  attention_type: 'int',
  flash_attn_type: 'int',
  rope_freq_base: 'float',
  rope_freq_scale: 'float',
  yarn_ext_factor: 'float',
  yarn_attn_factor: 'float',
  yarn_beta_fast: 'float',
  yarn_beta_slow: 'float',
  yarn_orig_ctx: 'uint32',
  defrag_thold: 'float',
  cb_eval: 'void*',
  cb_eval_user_data: 'void*',
  type_k: 'int',
  type_v: 'int',
  moe_cache_size: 'size_t',
  abort_callback: 'void*',
  abort_callback_data: 'void*',
  embeddings: 'bool',
  offload_kqv: 'bool',
  no_perf: 'bool',
  op_offload: 'bool',
  swa_full: 'bool',
  kv_unified: 'bool',
  prefetch_weights: 'bool',
  moe_cache_auto: 'bool',
  samplers: 'void*',
  n_samplers: 'size_t',
  ctx_other: 'void*',
  ctx_other_share_compute: 'bool',
  training: 'bool',
});

export const contextParamsDefaults = {
  n_ctx: 512,
  n_batch: 2048,
  n_ubatch: 512,
  n_seq_max: 1,
  n_rs_seq: 0,
  n_outputs_max: 0,
  n_outputs_max_per_seq: 1,
  n_threads: 4,
  n_threads_batch: 4,
  ctx_type: 0,
  rope_scaling_type: -1,
  pooling_type: -1,
  attention_type: -1,
  flash_attn_type: -1,
  rope_freq_base: 0,
  rope_freq_scale: 0,
  yarn_ext_factor: -1,
  yarn_attn_factor: -1,
  yarn_beta_fast: -1,
  yarn_beta_slow: -1,
  yarn_orig_ctx: 0,
  defrag_thold: -1,
  cb_eval: null,
  cb_eval_user_data: null,
  type_k: 1,
  type_v: 1,
  moe_cache_size: 0,
  abort_callback: null,
  abort_callback_data: null,
  embeddings: false,
  offload_kqv: true,
  no_perf: true,
  op_offload: true,
  swa_full: true,
  kv_unified: false,
  prefetch_weights: false,
  moe_cache_auto: false,
  samplers: null,
  n_samplers: 0,
  ctx_other: null,
  ctx_other_share_compute: false,
  training: false,
} as const;

export const mtmdContextParams = koffi.struct('mtmd_context_params', {
  use_gpu: 'bool',
  device: 'void*',
  print_timings: 'bool',
  n_threads: 'int',
  image_marker: 'void*',
  media_marker: 'void*',
  flash_attn_type: 'int',
  warmup: 'bool',
  image_min_tokens: 'int',
  image_max_tokens: 'int',
  cb_eval: 'void*',
  cb_eval_user_data: 'void*',
  batch_max_tokens: 'int32',
  progress_callback: 'void*',
  progress_callback_user_data: 'void*',
  backend_device: 'void*',
  image_tile_mode: 'int',
  image_max_tiles: 'int',
  image_no_upscale: 'int',
  skip_audio: 'bool',
});

/** The two marker fields are pointers to strings and are not compared. */
export const mtmdParamsDefaults = {
  use_gpu: true,
  device: null,
  print_timings: true,
  n_threads: 4,
  flash_attn_type: -1,
  warmup: true,
  image_min_tokens: -1,
  image_max_tokens: -1,
  cb_eval: null,
  cb_eval_user_data: null,
  batch_max_tokens: 1024,
  progress_callback: null,
  progress_callback_user_data: null,
  backend_device: null,
  image_tile_mode: 1,
  image_max_tiles: -1,
  image_no_upscale: -1,
  skip_audio: false,
} as const;

export const mtmdInputText = koffi.struct('mtmd_input_text', {
  text: 'const char*',
  text_len: 'size_t',
  add_special: 'bool',
  parse_special: 'bool',
});

export const mtmdDecoderPosition = koffi.struct('mtmd_decoder_pos', {
  t: 'uint32',
  x: 'uint32',
  y: 'uint32',
  z: 'uint32',
});

/** `pattern` is a regular expression over tensor names; a list ends with a null pattern. */
export const llamaTensorOverride = koffi.struct('llama_model_tensor_override', {
  pattern: 'void*',
  type: 'int',
});

/** `data` holds `size` floats; a list ends with a null name. */
export const llamaImportanceData = koffi.struct('llama_model_imatrix_data', {
  name: 'void*',
  data: 'void*',
  size: 'size_t',
});

export const llamaQuantizeParams = koffi.struct('llama_model_quantize_params', {
  nthread: 'int32',
  ftype: 'int',
  output_tensor_type: 'int',
  token_embedding_type: 'int',
  allow_requantize: 'bool',
  quantize_output_tensor: 'bool',
  only_copy: 'bool',
  pure: 'bool',
  keep_split: 'bool',
  dry_run: 'bool',
  imatrix: 'void*',
  kv_overrides: 'void*',
  tt_overrides: 'void*',
  prune_layers: 'void*',
});

/** 51 is `GGML_TYPE_COUNT`: leave it to the base type. */
export const quantizeParamsDefaults = {
  nthread: 0,
  output_tensor_type: 51,
  token_embedding_type: 51,
  allow_requantize: false,
  quantize_output_tensor: true,
  only_copy: false,
  pure: false,
  keep_split: false,
  dry_run: false,
  imatrix: null,
  kv_overrides: null,
  tt_overrides: null,
  prune_layers: null,
} as const;

export const llamaLoraTrainingParams = koffi.struct('llama_lora_training_params', {
  target_modules: 'uint32',
  rank: 'int32',
  alpha: 'float',
  dropout: 'float',
  init_std: 'float',
  seed: 'uint32',
});

/** Learning rate, momenta, epsilon and weight decay of AdamW; then those of SGD, which is not used here. */
export const ggmlOptimizerParams = koffi.struct('ggml_opt_optimizer_params', {
  alpha: 'float',
  beta1: 'float',
  beta2: 'float',
  eps: 'float',
  wd: 'float',
  sgd_alpha: 'float',
  sgd_wd: 'float',
});

export const llamaOptParams = koffi.struct('llama_opt_params', {
  n_ctx_train: 'uint32',
  param_filter: 'void*',
  param_filter_ud: 'void*',
  get_opt_pars: 'void*',
  get_opt_pars_ud: 'void*',
  optimizer_type: 'int',
  checkpoint_path: 'void*',
  load_optimizer_state: 'bool',
  assistant_loss_only: 'bool',
});

/** The two callbacks are addresses and are not compared. */
export const optParamsDefaults = {
  n_ctx_train: 0,
  param_filter_ud: null,
  get_opt_pars_ud: null,
  optimizer_type: 0,
  checkpoint_path: null,
  load_optimizer_state: false,
  assistant_loss_only: false,
} as const;

export const llamaBatch = koffi.struct('llama_batch', {
  n_tokens: 'int32',
  token: 'void*',
  embd: 'void*',
  pos: 'void*',
  n_seq_id: 'void*',
  seq_id: 'void*',
  logits: 'void*',
});

export const llamaSamplerChainParams = koffi.struct('llama_sampler_chain_params', { no_perf: 'bool' });

/** `{int32 id; float logit; float p}`, 12 bytes. */
export const tokenDataSizeBytes = 12;
export const llamaTokenDataArray = koffi.struct('llama_token_data_array', {
  data: 'void*',
  size: 'size_t',
  selected: 'int64',
  sorted: 'bool',
});

/** What the struct's JavaScript form looks like: fields by name. */
export type StructValue = Record<string, unknown>;

/** Names the fields whose values differ, as `name: got, expected`. Empty when the layout is right. */
export function differingFields(actual: StructValue, expected: StructValue): string[] {
  return Object.entries(expected)
    .filter(([name, value]) => {
      const got = typeof actual[name] === 'bigint' ? Number(actual[name]) : actual[name];
      return got !== value;
    })
    .map(([name, value]) => `${name} is ${String(actual[name])}, expected ${String(value)}`);
}
