/** From a request to prompt tokens, the grammar that binds the answer, and the parser that will read it. */
import { randomUUID } from 'node:crypto';
import type { ChatInput, ChatMessage, GenerationRequest, ToolDefinition } from '../../core/chat.ts';
import { makeError } from '../../core/errors.ts';
import type { EngineOptions } from '../host/messages.ts';
import type { NativeModel } from '../native/model.ts';
import type { GrammarConstraint } from '../native/sampler.ts';
import { ControlTextGuard } from './control-text.ts';
import { ChatTemplate } from './language/chat-template.ts';
import { detectFormats, promptOpensReasoning, type OutputFormats } from './language/format-detection.ts';
import { answerGrammar } from './language/answer-grammar.ts';
import { OutputParser } from './language/output-parser.ts';
import { truncateMessages } from './language/truncate.ts';

export type BuiltPrompt = {
  tokens: Int32Array;
  /** What the tokens stand for; echoed by raw completions that ask for it. */
  text: string;
  grammar: GrammarConstraint | undefined;
  parser: OutputParser;
};

/** Control tokens that mean something in an answer and so must reach its parser. */
const answerMarkers = /think|answer|tool|box|arg_/;

export class PromptBuilder {
  readonly #model: NativeModel;
  readonly #options: EngineOptions;
  readonly #template: ChatTemplate | undefined;
  readonly #formats: OutputFormats;
  readonly #controlTokens: Map<number, string>;
  readonly #guard: ControlTextGuard;

  constructor(model: NativeModel, options: EngineOptions) {
    this.#model = model;
    this.#options = options;
    this.#controlTokens = model.controlTokens();
    this.#guard = new ControlTextGuard([...this.#controlTokens.values()].filter((text) => !answerMarkers.test(text)));
    const { quirks } = options.entry;
    const templateText = quirks.chatTemplate ?? model.metadata('tokenizer.chat_template');
    this.#template =
      templateText === undefined
        ? undefined
        : new ChatTemplate(templateText, { bosToken: model.beginTokenText, eosToken: model.endTokenText });
    const detected = detectFormats(templateText ?? '', model.metadata('general.architecture') ?? '');
    this.#formats = {
      toolFormat: quirks.toolFormat === 'none' ? detected.toolFormat : quirks.toolFormat,
      reasoningFormat: quirks.reasoningFormat === 'none' ? detected.reasoningFormat : quirks.reasoningFormat,
    };
  }

  /** Bytes of a token as an answer shows them: control tokens only where they mark reasoning or tool calls. */
  bytesOf(token: number): Uint8Array {
    const control = this.#controlTokens.get(token);
    if (control !== undefined && !answerMarkers.test(control)) return new Uint8Array();
    return this.#model.pieceOf(token, true);
  }

  build(request: GenerationRequest): BuiltPrompt {
    const built = request.input.kind === 'chat' ? this.#buildChat(request, request.input) : this.#buildRaw(request);
    const { contextTokens, entry } = this.#options;
    if (built.tokens.length >= contextTokens) throw this.#tooLong(built.tokens.length);
    if (built.tokens.length === 0) {
      throw makeError('invalid_request', { reason: `The prompt for ${entry.id} is empty.` }, { param: 'prompt' });
    }
    return built;
  }

  #buildRaw(request: GenerationRequest): BuiltPrompt {
    const { input } = request;
    if (input.kind !== 'completion') throw makeError('internal', { requestId: request.id });
    const { vocabularySize } = this.#model;
    const grammar = answerGrammar({ responseFormat: request.responseFormat, tools: [], formats: this.#formats });
    const parser = new OutputParser({ reasoning: 'none', tools: undefined, startsInReasoning: false, newCallId });
    if (typeof input.prompt === 'string') {
      const tokens = this.#model.tokenize(input.prompt, true, true);
      return { tokens, text: input.prompt, grammar, parser };
    }
    if (input.prompt.some((token) => token < 0 || token >= vocabularySize)) {
      const reason = 'prompt holds a token id outside the vocabulary.';
      throw makeError('invalid_request', { reason }, { param: 'prompt' });
    }
    const text = Buffer.concat(input.prompt.map((token) => this.#model.pieceOf(token, true))).toString('utf8');
    return { tokens: Int32Array.from(input.prompt), text, grammar, parser };
  }

  #buildChat(request: GenerationRequest, input: ChatInput): BuiltPrompt {
    if (this.#template === undefined) {
      const advice = 'Use /v1/completions with it.';
      const feature = 'chat: its file has no chat template';
      throw makeError('unsupported_feature', { model: this.#options.entry.id, feature, advice });
    }
    this.#refuseMedia(input.messages);
    const template = this.#template;
    const tools: ToolDefinition[] = input.toolChoice.type === 'none' ? [] : input.tools;
    const render = (messages: ChatMessage[]) =>
      template.render({
        messages: this.#guard.protect(messages),
        tools,
        addGenerationPrompt: true,
        ...(request.reasoning.enable === undefined ? {} : { enableThinking: request.reasoning.enable }),
        ...(this.#options.entry.persona === undefined ? {} : { persona: this.#persona(this.#options.entry.persona) }),
      });
    const messages = request.truncate === 'auto' ? this.#fit(input.messages, render, request) : input.messages;
    const text = render(messages);
    const startsInReasoning = promptOpensReasoning(text);
    const reasoning = this.#formats.reasoningFormat;
    const thinks = reasoning !== 'none' && request.reasoning.enable !== false;
    return {
      tokens: this.#tokenize(text),
      text,
      grammar: answerGrammar({
        responseFormat: request.responseFormat,
        tools,
        toolChoice: input.toolChoice,
        parallel: input.parallelToolCalls,
        formats: this.#formats,
        reasoning: startsInReasoning ? 'open' : thinks ? 'optional' : 'none',
      }),
      parser: new OutputParser({
        reasoning,
        tools:
          tools.length === 0
            ? undefined
            : { format: this.#formats.toolFormat, names: tools.map((tool) => tool.name), definitions: tools },
        startsInReasoning,
        newCallId,
      }),
    };
  }

  /** Drops the oldest turns until prompt and answer fit. */
  #fit(
    messages: ChatMessage[],
    render: (messages: ChatMessage[]) => string,
    request: GenerationRequest,
  ): ChatMessage[] {
    const { contextTokens, entry } = this.#options;
    const answerTokens = Math.min(request.maxTokens ?? contextTokens / 4, contextTokens / 2);
    return truncateMessages({
      messages,
      budgetTokens: Math.floor(contextTokens - answerTokens),
      countTokens: (kept) => this.#tokenize(render(kept)).length,
      model: entry.id,
      contextTokens,
    }).messages;
  }

  #tokenize(prompt: string): Int32Array {
    const pieces = this.#guard.split(prompt);
    const only = pieces[0];
    if (pieces.length === 1 && only !== undefined) return this.#model.tokenize(only.text, false, !only.isPlain);
    const tokens = pieces.map((piece) => this.#model.tokenize(piece.text, false, !piece.isPlain));
    const joined = new Int32Array(tokens.reduce((sum, part) => sum + part.length, 0));
    let offset = 0;
    for (const part of tokens) {
      joined.set(part, offset);
      offset += part.length;
    }
    return joined;
  }

  #persona(text: string): string {
    return text.replaceAll('{model}', this.#options.entry.displayName);
  }

  #refuseMedia(messages: ChatMessage[]): void {
    for (const [index, message] of messages.entries()) {
      const media = message.content.find((part) => part.type !== 'text');
      if (media === undefined) continue;
      const modality = media.type === 'image' ? 'pictures' : 'sound';
      const advice = 'Send text, or choose a model that reads it (see /v1/models).';
      const parameters = { model: this.#options.entry.id, modality, advice };
      throw makeError('unsupported_modality', parameters, { param: `messages[${index}].content` });
    }
  }

  #tooLong(promptTokens: number): Error {
    const { entry, contextTokens } = this.#options;
    return makeError(
      'context_length_exceeded',
      { promptTokens, model: entry.id, contextTokens },
      { param: 'messages' },
    );
  }
}

function newCallId(): string {
  return `call_${randomUUID().replaceAll('-', '').slice(0, 24)}`;
}
