/** Core requests as the JSON that OpenAI-compatible servers take (vLLM's extensions included). Pure. */
import type {
  ChatMessage,
  ContentPart,
  EmbeddingRequest,
  GenerationRequest,
  ResponseFormat,
  SamplingOptions,
  ToolChoice,
} from '../core/chat.ts';

export type RenderedRequest = { path: '/chat/completions' | '/completions' | '/embeddings'; body: object };

/** @param model the upstream's own name for it */
export function renderGeneration(request: GenerationRequest, model: string): RenderedRequest {
  const shared = {
    model,
    stream: true,
    stream_options: { include_usage: true },
    ...renderSampling(request.sampling),
    ...(request.stop.length === 0 ? {} : { stop: request.stop }),
    ...(request.maxTokens === undefined ? {} : { max_tokens: request.maxTokens }),
  };
  if (request.input.kind === 'completion') {
    const { prompt, echo } = request.input;
    const logprobs = request.logprobs === undefined ? {} : { logprobs: request.logprobs };
    return { path: '/completions', body: { ...shared, prompt, ...(echo ? { echo } : {}), ...logprobs } };
  }
  const { messages, tools, toolChoice, parallelToolCalls } = request.input;
  const callIds = new CallIds();
  const body = {
    ...shared,
    messages: messages.map((message) => renderMessage(message, callIds)),
    ...(tools.length === 0
      ? {}
      : {
          tools: tools.map(({ name, description, parameters, strict }) => ({
            type: 'function',
            function: { name, ...defined({ description, parameters }), ...(strict ? { strict } : {}) },
          })),
          tool_choice: renderToolChoice(toolChoice),
          parallel_tool_calls: parallelToolCalls,
        }),
    ...renderFormat(request.responseFormat),
    ...(request.logprobs === undefined ? {} : { logprobs: true, top_logprobs: request.logprobs }),
    ...(request.reasoning.enable === undefined
      ? {}
      : { chat_template_kwargs: { enable_thinking: request.reasoning.enable } }),
  };
  return { path: '/chat/completions', body };
}

export function renderEmbedding(request: EmbeddingRequest, model: string): RenderedRequest {
  return { path: '/embeddings', body: { model, input: request.inputs, encoding_format: 'float' } };
}

/** Ids of calls are the client's own text and no detector reads them, so they leave under other names. */
class CallIds {
  readonly #names = new Map<string, string>();

  own(id: string): string {
    const known = this.#names.get(id) ?? `call_${this.#names.size + 1}`;
    this.#names.set(id, known);
    return known;
  }
}

/** Reasoning of earlier turns is left out: models of this kind are trained to see their answers only. */
function renderMessage(message: ChatMessage, callIds: CallIds): object {
  switch (message.role) {
    case 'system':
      return { role: 'system', content: renderContent(message.content) };
    case 'user':
      return { role: 'user', content: renderContent(message.content), ...defined({ name: message.name }) };
    case 'tool':
      return { role: 'tool', tool_call_id: callIds.own(message.toolCallId), content: renderContent(message.content) };
    case 'assistant': {
      const calls = message.toolCalls.map((call) => ({
        id: callIds.own(call.id),
        type: 'function',
        function: { name: call.name, arguments: call.arguments },
      }));
      const content = renderContent(message.content);
      return {
        role: 'assistant',
        content: content === '' && calls.length > 0 ? null : content,
        ...(calls.length === 0 ? {} : { tool_calls: calls }),
      };
    }
  }
}

/** Text alone stays a plain string: some servers' templates take nothing else. */
function renderContent(content: ContentPart[]): string | object[] {
  if (content.every((part) => part.type === 'text')) return content.map((part) => part.text).join('\n');
  return content.map((part) => {
    switch (part.type) {
      case 'text':
        return { type: 'text', text: part.text };
      case 'image': {
        const { source } = part;
        const url = source.kind === 'url' ? source.url : `data:${source.mediaType};base64,${base64(source.bytes)}`;
        return { type: 'image_url', image_url: { url, detail: part.detail } };
      }
      case 'audio':
        return { type: 'input_audio', input_audio: { data: base64(part.bytes), format: part.format } };
    }
  });
}

function renderSampling(sampling: SamplingOptions): object {
  return defined({
    temperature: sampling.temperature,
    top_p: sampling.topP,
    top_k: sampling.topK,
    min_p: sampling.minP,
    presence_penalty: sampling.presencePenalty,
    frequency_penalty: sampling.frequencyPenalty,
    repetition_penalty: sampling.repeatPenalty,
    seed: sampling.seed,
    logit_bias: sampling.logitBias === undefined ? undefined : Object.fromEntries(sampling.logitBias),
  });
}

function renderToolChoice(choice: ToolChoice): string | object {
  return choice.type === 'named' ? { type: 'function', function: { name: choice.name } } : choice.type;
}

function renderFormat(format: ResponseFormat): object {
  switch (format.type) {
    case 'text':
      return {};
    case 'json-object':
      return { response_format: { type: 'json_object' } };
    case 'json-schema': {
      const { name, schema, strict } = format;
      return { response_format: { type: 'json_schema', json_schema: { name, schema, strict } } };
    }
  }
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}

function defined(fields: Record<string, unknown>): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
