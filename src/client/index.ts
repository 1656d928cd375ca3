/** `duanyun/client`: a Duanyun server from a browser, Node or React Native. No other package, and nothing of Node. */
export type {
  Embeddings,
  Health,
  Model,
  Module,
  ModuleName,
  ModuleState,
  Receipt,
  RouteExplanation,
} from './answer-types.ts';
export type { CallOptions } from './call.ts';
export type {
  AnswerTimings,
  ChatAnswer,
  ChatEvent,
  ReadContent,
  TokenLogprob,
  TokenUsage,
  ToolCall,
} from './chat-answer.ts';
export type * from './chat-types.ts';
export type { ChatStream } from './chat-stream.ts';
export { DuanyunClient, type ChatInput, type DuanyunClientOptions } from './client.ts';
export { DuanyunClientError, type ErrorCode, type Route } from './errors.ts';
export { audioPart, type AudioSource, imagePart, type ImageSource } from './parts.ts';
export type {
  NativeFile,
  Recording,
  SpeechEvent,
  SpeechRequest,
  Transcription,
  TranscriptionSegment,
} from './speech.ts';
export type { FetchAnswer, FetchFunction, TransportKind } from './transport.ts';
