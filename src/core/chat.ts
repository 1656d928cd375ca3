/** What a client asked for, free of any wire format. `protocol` builds these; `engine`, `cloud` and `hybrid` read them. */
import type { ReceiptSummary } from './events.ts';

export type TextPart = { type: 'text'; text: string };
/** Either the bytes themselves or an address that nobody has fetched yet. */
export type ImagePart = {
  type: 'image';
  source: { kind: 'bytes'; bytes: Uint8Array; mediaType: string } | { kind: 'url'; url: string };
  detail: 'auto' | 'low' | 'high';
  /** Where it stands in the client's request, for errors: `messages[0].content[1].image_url.url`. */
  field?: string;
};
export type AudioPart = { type: 'audio'; bytes: Uint8Array; format: string; field?: string };
export type ContentPart = TextPart | ImagePart | AudioPart;

/** `arguments` is the JSON text exactly as the model or the client wrote it. */
export type ToolCall = { id: string; name: string; arguments: string };

export type SystemMessage = { role: 'system'; content: ContentPart[] };
export type UserMessage = { role: 'user'; content: ContentPart[]; name?: string };
export type AssistantMessage = {
  role: 'assistant';
  content: ContentPart[];
  toolCalls: ToolCall[];
  reasoning?: string;
};
export type ToolMessage = { role: 'tool'; toolCallId: string; content: ContentPart[] };
export type ChatMessage = SystemMessage | UserMessage | AssistantMessage | ToolMessage;

export type JsonValue = null | boolean | number | string | JsonValue[] | JsonObject;
export type JsonObject = { [key: string]: JsonValue };
/** A JSON Schema document, or one of its two boolean forms. */
export type JsonSchema = boolean | JsonObject;

export type ToolDefinition = {
  name: string;
  description?: string;
  /** JSON Schema of the arguments object. Absent: any object. */
  parameters?: JsonSchema;
  strict: boolean;
};
export type ToolChoice = { type: 'auto' } | { type: 'none' } | { type: 'required' } | { type: 'named'; name: string };

export type ResponseFormat =
  | { type: 'text' }
  | { type: 'json-object' }
  | { type: 'json-schema'; name: string; schema: JsonSchema; strict: boolean };

/** Absent fields mean: what the model's catalogue entry says, else the default named here. */
export type SamplingOptions = {
  /** 0 is greedy. Default 0.7; range 0–2. */
  temperature?: number;
  /** Default 1 (off); range 0–1. */
  topP?: number;
  /** Default 0 (off). */
  topK?: number;
  /** Default 0 (off); range 0–1. */
  minP?: number;
  /** Added once to a token already in the output. Default 0; range −2–2. */
  presencePenalty?: number;
  /** Added for each time a token is already in the output. Default 0; range −2–2. */
  frequencyPenalty?: number;
  /** Divides the logit of a token already in the output. Default 1 (off). */
  repeatPenalty?: number;
  /** Unsigned 32-bit. The same request with the same seed gives the same text on one device and build. */
  seed?: number;
  /** Token id → bias in −100…100. */
  logitBias?: ReadonlyMap<number, number>;
};

export type ReasoningOptions = {
  /** `undefined`: the model's default. */
  enable?: boolean;
  /** Whether the client wants `reasoning-delta` events. Default true. */
  return: boolean;
};

export type ChatInput = {
  kind: 'chat';
  messages: ChatMessage[];
  tools: ToolDefinition[];
  toolChoice: ToolChoice;
  parallelToolCalls: boolean;
};
/** Raw text or token ids, no chat template. */
export type CompletionInput = { kind: 'completion'; prompt: string | number[]; echo: boolean };

export type RoutePreference = 'prefer_on_device' | 'only_on_device' | 'prefer_in_cloud' | 'only_in_cloud';

/** What the client asks of the route. It can tighten the policy and never loosen it. */
export type RouteWishes = {
  preference?: RoutePreference;
  /** Stays on the device, whatever the detectors say. There is no word for the opposite. */
  privacy?: 'private';
  /** In the policy's currency. */
  maxCost?: number;
  /** For the whole answer, in milliseconds. */
  deadlineMs?: number;
};

/** How a sequence that outgrows its budget is made smaller. `none`: it is not. */
export const cachePolicies = ['none', 'window', 'key-norm', 'key-diff', 'attention'] as const;
export type CachePolicy = (typeof cachePolicies)[number];

/** What the client asks of the device's cache. A cloud knows nothing of it. */
export type CacheWishes = {
  /** Tokens of prompt and answer kept in the cache at most. */
  budgetTokens?: number;
  /** Default: the server's. */
  policy?: Exclude<CachePolicy, 'none'>;
  /** Name under which the state is kept on the disk, so that a process started later goes on without computing it again. */
  session?: string;
};

export type GenerationRequest = {
  /** Unique for each generation; a request with n = 3 makes three of these. */
  id: string;
  /** The model the client named, already resolved to a catalogue id or `auto`. */
  model: string;
  input: ChatInput | CompletionInput;
  sampling: SamplingOptions;
  /** At most 16, none empty. Stop text itself is never sent. */
  stop: string[];
  /** Upper limit of generated tokens. Absent: whatever the context still holds. */
  maxTokens?: number;
  /** Number of alternatives for each token, 0–20. Absent: no logprobs. */
  logprobs?: number;
  responseFormat: ResponseFormat;
  reasoning: ReasoningOptions;
  /** What to do when the prompt is longer than the context. `auto` keeps the system prompt and the newest turns. */
  truncate: 'error' | 'auto';
  /** Higher runs first. Default 0; −10…10. */
  priority: number;
  route?: RouteWishes;
  cache?: CacheWishes;
};

export type EmbeddingRequest = {
  id: string;
  model: string;
  /** Each a text or a list of token ids; 1–2048 of them. */
  inputs: (string | number[])[];
  route?: RouteWishes;
};
export type EmbeddingResult = {
  model: string;
  /** One unit-length vector for each input, in order. */
  vectors: Float32Array[];
  promptTokens: number;
  receipt?: ReceiptSummary;
};
