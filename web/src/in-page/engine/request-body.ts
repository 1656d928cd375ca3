/** From a request to what the engine in the page takes: the shape of OpenAI's calls, with llama.cpp's own fields. */
import type { ChatCompletionParams, RawCompletionParams } from '@wllama/wllama/esm/index.js';
import type { ContentPart, GenerationRequest } from '../../../../src/core/chat.ts';
import { makeError } from '../../../../src/core/errors.ts';
import { firstQuestion, personaFor } from '../../../../src/core/persona.ts';
import { withoutControlText } from './control-text.ts';
import type { PageModel } from './page-model.ts';

export type EngineCall =
  | { kind: 'chat'; params: ChatCompletionParams }
  | { kind: 'completion'; params: RawCompletionParams };

const advice = 'Ask the server for it.';

/** @throws `unsupported_modality`, `unsupported_feature` before anything is computed */
export function engineCall(request: GenerationRequest, model: PageModel): EngineCall {
  const refuse = (feature: string): Error => makeError('unsupported_feature', { model: model.id, feature, advice });
  if (request.logprobs !== undefined) throw refuse('log probabilities');
  const shared = { ...samplingOf(request, model), max_tokens: request.maxTokens ?? -1, cache_prompt: true };
  const { input } = request;
  if (input.kind === 'completion') {
    if (typeof input.prompt !== 'string') throw refuse('token ids');
    if (input.echo) throw refuse('echo');
    return { kind: 'completion', params: { ...shared, prompt: input.prompt, ...stopOf(request) } };
  }
  if (input.tools.length > 0) throw refuse('tools');
  const messages: ChatCompletionParams['messages'] = input.messages.map((message) => {
    const content = textOf(message.content, model);
    if (message.role === 'tool') throw refuse('tools');
    return { role: message.role, content: withoutControlText(content) };
  });
  const persona = personaFor(model, firstQuestion(input.messages));
  if (persona !== undefined && messages[0]?.role !== 'system') messages.unshift({ role: 'system', content: persona });
  const enable = request.reasoning.enable;
  return {
    kind: 'chat',
    params: {
      ...shared,
      ...stopOf(request),
      messages,
      ...formatOf(request),
      ...(enable === undefined ? {} : { chat_template_kwargs: { enable_thinking: enable } }),
    },
  };
}

function samplingOf({ sampling }: GenerationRequest, model: PageModel): object {
  const all = { ...model.sampling, ...sampling };
  const { logitBias } = all;
  return {
    temperature: all.temperature ?? 0.7,
    top_p: all.topP ?? 1,
    top_k: all.topK ?? 0,
    min_p: all.minP ?? 0,
    presence_penalty: all.presencePenalty ?? 0,
    frequency_penalty: all.frequencyPenalty ?? 0,
    repeat_penalty: all.repeatPenalty ?? 1,
    ...(all.seed === undefined ? {} : { seed: all.seed }),
    ...(logitBias === undefined ? {} : { logit_bias: Object.fromEntries(logitBias) }),
  };
}

function stopOf({ stop }: GenerationRequest): object {
  return stop.length === 0 ? {} : { stop };
}

function formatOf({ responseFormat }: GenerationRequest): Pick<ChatCompletionParams, 'response_format'> {
  switch (responseFormat.type) {
    case 'text':
      return {};
    case 'json-object':
      return { response_format: { type: 'json_object' } };
    case 'json-schema': {
      const { name, schema, strict } = responseFormat;
      return { response_format: { type: 'json_schema', json_schema: { name, schema, strict } } };
    }
  }
}

function textOf(parts: readonly ContentPart[], model: PageModel): string {
  return parts
    .map((part) => {
      if (part.type === 'text') return part.text;
      const modality = part.type === 'image' ? 'pictures' : 'sound';
      throw makeError('unsupported_modality', { model: model.id, modality, advice });
    })
    .join('\n');
}
