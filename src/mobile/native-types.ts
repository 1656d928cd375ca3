/**
 * What is used of `llama.rn` 0.12 and `whisper.rn` 0.7, by shape: the adapter imports neither, the application does.
 * `test/integration/react-native-packages.test.ts` holds these against the packages' own types.
 */

export type LlamaMessage = { role: string; content?: string };

export type LlamaCompletionParams = {
  messages?: LlamaMessage[];
  prompt?: string;
  jinja?: boolean;
  stop?: string[];
  n_predict?: number;
  temperature?: number;
  top_k?: number;
  top_p?: number;
  min_p?: number;
  penalty_repeat?: number;
  penalty_freq?: number;
  penalty_present?: number;
  seed?: number;
  logit_bias?: number[][];
  enable_thinking?: boolean;
  reasoning_format?: 'none' | 'auto' | 'deepseek';
  response_format?: {
    type: 'text' | 'json_object' | 'json_schema';
    json_schema?: { strict?: boolean; schema: object };
  };
};

export type LlamaToken = { token: string; content?: string; reasoning_content?: string; accumulated_text?: string };

export type LlamaCompletionResult = {
  text: string;
  tokens_predicted: number;
  tokens_evaluated: number;
  tokens_cached: number;
  truncated: boolean;
  stopped_eos: boolean;
  stopped_word: string;
  stopped_limit: number;
  context_full: boolean;
  interrupted: boolean;
  timings: { cache_n: number; prompt_n: number; prompt_ms: number; predicted_n: number; predicted_ms: number };
};

/** `LlamaContext`, as `initLlama` gives it. */
export type LlamaContextLike = {
  completion(params: LlamaCompletionParams, onToken?: (data: LlamaToken) => void): Promise<LlamaCompletionResult>;
  stopCompletion(): Promise<void>;
  tokenize(text: string): Promise<{ tokens: number[] }>;
  embedding(text: string): Promise<{ embedding: number[] }>;
  release(): Promise<void>;
};

export type WhisperOptions = {
  language?: string;
  translate?: boolean;
  prompt?: string;
  temperature?: number;
  /** Milliseconds. */
  offset?: number;
  onProgress?: (percent: number) => void;
};

export type WhisperResult = {
  result: string;
  language: string;
  /** Times in hundredths of a second. */
  segments: { text: string; t0: number; t1: number }[];
  isAborted: boolean;
};

/** `WhisperContext`, as `initWhisper` gives it. */
export type WhisperContextLike = {
  /** 16-bit samples at 16 kHz, one channel. */
  transcribeData(
    data: ArrayBuffer,
    options?: WhisperOptions,
  ): { stop: () => Promise<void>; promise: Promise<WhisperResult> };
  release(): Promise<void>;
};
