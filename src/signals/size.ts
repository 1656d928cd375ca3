import type { Modality } from '../core/backend.ts';
import type { ContentPart, GenerationRequest } from '../core/chat.ts';

export type SizeSignal = {
  modalities: Modality[];
  /** Rough count for the prompt, good to about a quarter; the engine's tokenizer has the last word. */
  estimatedPromptTokens: number;
  /** What the client allows for the answer; absent where it did not say. */
  maximumAnswerTokens?: number;
  characters: number;
  images: number;
  audioParts: number;
};

/** Tokens that a chat template spends on one message. */
const tokensPerMessage = 5;
/** A picture of unknown size: a middle of the 8–4096 that GLM-4.1V allows; `low` asks for a small one. */
const tokensPerImage = { auto: 1024, high: 2048, low: 256 };
/** 16 kHz, 16 bit, mono; compressed audio counts too low by about a factor of ten, hence the larger rate. */
const audioBytesPerSecond: Record<string, number> = { wav: 32_000 };
const compressedBytesPerSecond = 8_000;
const tokensPerAudioSecond = 12.5;

/** Tokens of a text by its characters: about 0.7 for an ideograph, one for each digit, a quarter for Latin letters. */
export function estimateTokens(text: string): number {
  let ideographs = 0;
  let digits = 0;
  let others = 0;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code >= 0x2e80) ideographs++;
    else if (code >= 48 && code <= 57) digits++;
    else others++;
  }
  return Math.ceil(ideographs * 0.7 + digits + others * 0.27);
}

function partTokens(part: ContentPart): number {
  switch (part.type) {
    case 'text':
      return estimateTokens(part.text);
    case 'image':
      return tokensPerImage[part.detail];
    case 'audio':
      return Math.ceil(
        (part.bytes.length / (audioBytesPerSecond[part.format] ?? compressedBytesPerSecond)) * tokensPerAudioSecond,
      );
  }
}

/** Modalities and a rough size of a request. Pure. */
export function measureSize(request: GenerationRequest): SizeSignal {
  const size: SizeSignal = { modalities: ['text'], estimatedPromptTokens: 0, characters: 0, images: 0, audioParts: 0 };
  if (request.maxTokens !== undefined) size.maximumAnswerTokens = request.maxTokens;
  if (request.input.kind === 'completion') {
    const { prompt } = request.input;
    size.estimatedPromptTokens = typeof prompt === 'string' ? estimateTokens(prompt) : prompt.length;
    size.characters = typeof prompt === 'string' ? prompt.length : 0;
    return size;
  }
  for (const message of request.input.messages) {
    size.estimatedPromptTokens += tokensPerMessage;
    for (const part of message.content) {
      size.estimatedPromptTokens += partTokens(part);
      if (part.type === 'text') size.characters += part.text.length;
      else if (part.type === 'image') size.images++;
      else size.audioParts++;
    }
    if (message.role === 'assistant') {
      for (const call of message.toolCalls)
        size.estimatedPromptTokens += estimateTokens(call.arguments) + tokensPerMessage;
    }
  }
  for (const tool of request.input.tools) size.estimatedPromptTokens += estimateTokens(JSON.stringify(tool));
  if (size.images > 0) size.modalities.push('image');
  if (size.audioParts > 0) size.modalities.push('audio');
  return size;
}
