/**
 * The chat request, in the wire's own names: OpenAI's, with what Duanyun adds. Written out, so that this library needs no
 * other package even for its types; `test/contract/client-types.test.ts` holds it to the schema of the server.
 */
import type { RoutePreference } from '../core/chat.ts';

export type { RoutePreference } from '../core/chat.ts';

export type TextPart = { type: 'text'; text: string };
/** Made by `imagePart`. `url` is a `data:` URL, or an address that the server may fetch. */
export type ImagePart = {
  type: 'image_url';
  image_url: { url: string; detail?: 'auto' | 'low' | 'high' | undefined };
};
export type AudioFormat = 'wav' | 'mp3' | 'flac' | 'ogg' | 'opus' | 'm4a' | 'webm';
/** Made by `audioPart`. `data` is base64. */
export type AudioPart = { type: 'input_audio'; input_audio: { data: string; format: AudioFormat } };
export type RefusalPart = { type: 'refusal'; refusal: string };

export type WireToolCall = {
  id: string;
  type?: 'function' | undefined;
  function: {
    name: string;
    /** JSON, as the model wrote it. */
    arguments: string;
  };
};

export type SystemMessage = { role: 'system' | 'developer'; content: string | TextPart[]; name?: string | undefined };
export type UserMessage = {
  role: 'user';
  content: string | (TextPart | ImagePart | AudioPart)[];
  name?: string | undefined;
};
export type AssistantMessage = {
  role: 'assistant';
  content?: string | (TextPart | RefusalPart)[] | null | undefined;
  reasoning_content?: string | undefined;
  tool_calls?: WireToolCall[] | undefined;
};
export type ToolMessage = {
  role: 'tool';
  tool_call_id: string;
  content: string | (TextPart | ImagePart | AudioPart)[];
};
export type ChatMessage = SystemMessage | UserMessage | AssistantMessage | ToolMessage;

export type JsonSchemaDocument = Record<string, unknown>;

export type Tool = {
  type: 'function';
  function: {
    name: string;
    description?: string | undefined;
    /** JSON Schema of the arguments. */
    parameters?: JsonSchemaDocument | boolean | undefined;
    strict?: boolean | undefined;
  };
};
export type ToolChoice = 'none' | 'auto' | 'required' | { type: 'function'; function: { name: string } };

export type ResponseFormat =
  | { type: 'text' }
  | { type: 'json_object' }
  | {
      type: 'json_schema';
      json_schema: {
        name?: string | undefined;
        description?: string | undefined;
        schema: JsonSchemaDocument | boolean;
        strict?: boolean | undefined;
      };
    };

/** Where a request may run, which can tighten the server's policy and never loosen it; and what the device keeps of it. */
export type RouteWishes = {
  preference?: RoutePreference | undefined;
  /** Keeps the request and the rest of its conversation on the device. */
  privacy?: 'private' | undefined;
  /** In the policy's currency. */
  max_cost?: number | undefined;
  /** For the whole answer. */
  deadline_ms?: number | undefined;
  /** Tokens that the device's cache keeps at most. */
  kv_budget?: number | undefined;
  kv_policy?: 'window' | 'key-norm' | 'key-diff' | 'attention' | undefined;
  /** Keeps the conversation's state on the device under this name, so that it goes on after a restart. */
  session?: string | undefined;
};

/** One answer is asked for; `stream`, `stream_options` and `n` are set by this library. */
export type ChatRequest = {
  messages: ChatMessage[];
  /** A model id, or `auto`, `edge`, `cloud`. Default `auto`. */
  model?: string | undefined;
  duanyun?: RouteWishes | undefined;
  tools?: Tool[] | undefined;
  tool_choice?: ToolChoice | undefined;
  parallel_tool_calls?: boolean | undefined;
  response_format?: ResponseFormat | undefined;
  max_tokens?: number | undefined;
  max_completion_tokens?: number | undefined;
  stop?: string | string[] | undefined;
  logprobs?: boolean | undefined;
  top_logprobs?: number | undefined;
  /** Whether the model reasons first. Default: as the model is made. */
  enable_thinking?: boolean | undefined;
  /** Whether to send the reasoning. Default true. */
  return_reasoning?: boolean | undefined;
  include_reasoning?: boolean | undefined;
  reasoning_effort?: 'none' | 'minimal' | 'low' | 'medium' | 'high' | 'xhigh' | undefined;
  chat_template_kwargs?: { enable_thinking?: boolean | undefined } | undefined;
  /** Prompt longer than the context: `auto` keeps the system prompt and the newest turns. Default `error`. */
  truncate?: 'error' | 'auto' | undefined;
  /** −10 to 10; higher runs first. */
  priority?: number | undefined;
  user?: string | undefined;
  temperature?: number | undefined;
  top_p?: number | undefined;
  top_k?: number | undefined;
  min_p?: number | undefined;
  presence_penalty?: number | undefined;
  frequency_penalty?: number | undefined;
  repeat_penalty?: number | undefined;
  repetition_penalty?: number | undefined;
  seed?: number | undefined;
  logit_bias?: Record<string, number> | undefined;
};
