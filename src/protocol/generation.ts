import type { GenerationRequest } from '../core/chat.ts';

/** One HTTP request, as the generations it asks for. Answer i of the wire is generation i. */
export type ParsedGeneration = {
  requests: GenerationRequest[];
  stream: boolean;
  includeUsage: boolean;
};

/** What an answer on the wire says beside what was generated. */
export type AnswerContext = {
  /** `chatcmpl-…`, `cmpl-…`, `resp_…` */
  id: string;
  createdSeconds: number;
  /** Shown until a backend says which model really answers. */
  requestedModel: string;
  includeUsage: boolean;
  choiceCount: number;
  /** How many choices share one prompt, so that its tokens are counted once. */
  choicesPerPrompt: number;
};

export const defaultModel = 'auto';
