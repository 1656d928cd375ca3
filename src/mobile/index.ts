/** `duanyun/react-native`: models inside an application, behind the same contracts as everywhere. docs/react-native.md. */
export type { Backend, BackendHealth, ModelCapabilities } from '../core/backend.ts';
export type { EmbeddingRequest, EmbeddingResult, GenerationRequest } from '../core/chat.ts';
export { DuanyunError, type ErrorCode } from '../core/errors.ts';
export type { StreamEvent } from '../core/events.ts';
export type { TranscribeOptions, Transcriber, Transcript } from '../core/perception.ts';
export { plainChat, plainRequest } from '../core/plain-request.ts';
export { LlamaBackend, type LlamaBackendOptions } from './llama-backend.ts';
export type { LlamaContextLike, WhisperContextLike } from './native-types.ts';
export { WhisperTranscriber, type WhisperTranscriberOptions } from './whisper-transcriber.ts';
