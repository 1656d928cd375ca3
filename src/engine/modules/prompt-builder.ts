/** From a request to prompt tokens, the grammar that binds the answer, and the parser that will read it. */
import { randomUUID } from 'node:crypto';
import type { ChatInput, ChatMessage, GenerationRequest, ImagePart, ToolDefinition } from '../../core/chat.ts';
import { makeError } from '../../core/errors.ts';
import { firstQuestion, personaFor } from '../../core/persona.ts';
import { sinkTokens } from '../cache/cache-budget.ts';
import { commonPrefixLength } from '../cache/prefix-cache.ts';
import type { EngineOptions } from '../host/messages.ts';
import type { NativeModel } from '../native/model.ts';
import type { GrammarConstraint } from '../native/sampler.ts';
import { ControlTextGuard, pictureMark } from './control-text.ts';
import { ChatTemplate } from './language/chat-template.ts';
import { detectFormats, promptOpensReasoning, type OutputFormats } from './language/format-detection.ts';
import { answerGrammar } from './language/answer-grammar.ts';
import { OutputParser } from './language/output-parser.ts';
import { truncateMessages } from './language/truncate.ts';
import type { MeasuredPicture, MeasuredSegment } from './vision/picture-encoder.ts';
import type { PictureNames } from './vision/picture-names.ts';

export type BuiltPrompt = {
  tokens: Int32Array;
  /** What the tokens stand for; echoed by raw completions that ask for it. */
  text: string;
  grammar: GrammarConstraint | undefined;
  parser: OutputParser;
  /** The pieces of pictures among the tokens, in order. */
  pictures: PlacedPicture[];
  /** Which parts of it a cache budget has to spare. Costs two more renderings. */
  outline: () => PromptOutline;
};

export type PromptOutline = {
  /** Tokens of the system prompt, or the first few of a raw prompt. */
  headTokens: number;
  /** Index of the newest user message. */
  latestTurn: number;
};

export type PlacedPicture = {
  picture: MeasuredPicture;
  /** Which of the picture's encoded pieces. */
  piece: number;
  /** Index of its first token. */
  start: number;
  segment: Extract<MeasuredSegment, { kind: 'picture' }>;
};

/** What is known of the pictures of a request. */
export type PromptPictures = ReadonlyMap<ImagePart, MeasuredPicture>;
const noPictures: PromptPictures = new Map();

/** Control tokens that mean something in an answer and so must reach its parser. */
const answerMarkers = /think|answer|tool|box|arg_/;

export class PromptBuilder {
  readonly #model: NativeModel;
  readonly #options: EngineOptions;
  readonly #template: ChatTemplate | undefined;
  readonly #formats: OutputFormats;
  readonly #controlTokens: Map<number, string>;
  readonly #guard: ControlTextGuard;
  readonly #names: PictureNames;

  constructor(model: NativeModel, options: EngineOptions, names: PictureNames) {
    this.#model = model;
    this.#options = options;
    this.#names = names;
    this.#controlTokens = model.controlTokens();
    const { quirks } = options.entry;
    const templateText = quirks.chatTemplate ?? model.metadata('tokenizer.chat_template');
    this.#template =
      templateText === undefined
        ? undefined
        : new ChatTemplate(templateText, { bosToken: model.beginTokenText, eosToken: model.endTokenText });
    // A picture that a user typed as text is none.
    const mark = this.#template?.pictureMark;
    this.#guard = new ControlTextGuard([
      ...[...this.#controlTokens.values()].filter((text) => !answerMarkers.test(text)),
      ...(mark === undefined ? [] : [mark]),
    ]);
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

  /** Whether a token writes the template. */
  isControl(token: number): boolean {
    return this.#controlTokens.has(token);
  }

  /** Throws `context_length_exceeded`, `invalid_request`, `unsupported_modality`, and what is wrong with a grammar. */
  build(request: GenerationRequest, pictures: PromptPictures = noPictures): BuiltPrompt {
    const { input } = request;
    const built = input.kind === 'chat' ? this.#buildChat(request, input, pictures) : this.#buildRaw(request);
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
      return { tokens, text: input.prompt, grammar, parser, pictures: [], outline: () => outlineOfRaw(tokens) };
    }
    if (input.prompt.some((token) => token < 0 || token >= vocabularySize)) {
      const reason = 'prompt holds a token id outside the vocabulary.';
      throw makeError('invalid_request', { reason }, { param: 'prompt' });
    }
    const text = Buffer.concat(input.prompt.map((token) => this.#model.pieceOf(token, true))).toString('utf8');
    const tokens = Int32Array.from(input.prompt);
    return { tokens, text, grammar, parser, pictures: [], outline: () => outlineOfRaw(tokens) };
  }

  #buildChat(request: GenerationRequest, input: ChatInput, pictures: PromptPictures): BuiltPrompt {
    if (this.#template === undefined) {
      const advice = 'Use /v1/completions with it.';
      const feature = 'chat: its file has no chat template';
      throw makeError('unsupported_feature', { model: this.#options.entry.id, feature, advice });
    }
    this.#refuseMedia(input.messages, pictures);
    const template = this.#template;
    const tools: ToolDefinition[] = input.toolChoice.type === 'none' ? [] : input.tools;
    const persona = personaFor(this.#options.entry, firstQuestion(input.messages));
    const render = (messages: ChatMessage[], mediaMarker?: string) =>
      template.render({
        ...(mediaMarker === undefined ? {} : { mediaMarker }),
        messages: this.#guard.protect(messages),
        tools,
        addGenerationPrompt: true,
        ...(request.reasoning.enable === undefined ? {} : { enableThinking: request.reasoning.enable }),
        ...(persona === undefined ? {} : { persona }),
      });
    const place = (kept: ChatMessage[]) => this.#place(kept, render, pictures);
    const messages = request.truncate === 'auto' ? this.#fit(input.messages, place, request) : input.messages;
    const { text, tokens, placed } = place(messages);
    const startsInReasoning = promptOpensReasoning(text);
    const reasoning = this.#formats.reasoningFormat;
    const thinks = reasoning !== 'none' && request.reasoning.enable !== false;
    return {
      tokens,
      text,
      pictures: placed,
      outline: () => outlineOfChat(messages, tokens, (kept) => place(kept).tokens),
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
    place: (messages: ChatMessage[]) => { tokens: Int32Array },
    request: GenerationRequest,
  ): ChatMessage[] {
    const { contextTokens, entry } = this.#options;
    const answerTokens = Math.min(request.maxTokens ?? contextTokens / 4, contextTokens / 2);
    return truncateMessages({
      messages,
      budgetTokens: Math.floor(contextTokens - answerTokens),
      countTokens: (kept) => place(kept).tokens.length,
      model: entry.id,
      contextTokens,
    }).messages;
  }

  /** The prompt of a conversation, each picture's mark replaced by what stands for the picture. */
  #place(
    messages: ChatMessage[],
    render: (messages: ChatMessage[], mediaMarker?: string) => string,
    pictures: PromptPictures,
  ): { text: string; tokens: Int32Array; placed: PlacedPicture[] } {
    const shown = messages.flatMap(({ content }) => content.filter((part) => part.type === 'image'));
    if (shown.length === 0) {
      const text = render(messages);
      return { text, tokens: this.#tokenize(text), placed: [] };
    }
    const ownMark = this.#template?.pictureMark;
    let text = ownMark === undefined ? '' : render(messages);
    let pieces = ownMark === undefined ? [] : text.split(ownMark);
    if (pieces.length !== shown.length + 1) {
      // The template knows no pictures, or not in all the places where the client has put some.
      text = render(messages, pictureMark);
      pieces = text.split(pictureMark);
    }
    if (pieces.length !== shown.length + 1) {
      const reason = "The model's chat template has no place for a picture there.";
      throw makeError('invalid_request', { reason }, { param: 'messages' });
    }
    const parts: Int32Array[] = [];
    const placed: PlacedPicture[] = [];
    let length = 0;
    const add = (tokens: Int32Array): void => {
      parts.push(tokens);
      length += tokens.length;
    };
    for (const [index, piece] of pieces.entries()) {
      add(this.#tokenize(piece));
      const part = shown[index];
      const picture = part === undefined ? undefined : pictures.get(part);
      if (picture === undefined) continue;
      let encodedPiece = 0;
      for (const segment of picture.segments) {
        if (segment.kind === 'tokens') {
          add(segment.tokens);
          continue;
        }
        placed.push({ picture, piece: encodedPiece, start: length, segment });
        add(this.#names.of(`${picture.key}/${encodedPiece}`, segment.count));
        encodedPiece++;
      }
    }
    return { text, tokens: joined(parts), placed };
  }

  #tokenize(prompt: string): Int32Array {
    return joined(this.#guard.split(prompt).map(({ text, isPlain }) => this.#model.tokenize(text, false, !isPlain)));
  }

  #refuseMedia(messages: ChatMessage[], pictures: PromptPictures): void {
    for (const [index, message] of messages.entries()) {
      const media = message.content.find(
        (part) => part.type === 'audio' || (part.type === 'image' && !pictures.has(part)),
      );
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

function outlineOfRaw(tokens: Int32Array): PromptOutline {
  return { headTokens: Math.min(sinkTokens, tokens.length), latestTurn: tokens.length };
}

/** Where the prompt parts from ones that differ in a user message: there that message begins. */
function outlineOfChat(
  messages: ChatMessage[],
  tokens: Int32Array,
  tokenize: (messages: ChatMessage[]) => Int32Array,
): PromptOutline {
  const other: ChatMessage = { role: 'user', content: [{ type: 'text', text: '\u00a7' }] };
  const newest = messages.findLastIndex(({ role }) => role === 'user');
  const system = messages.filter(({ role }) => role === 'system');
  const headTokens = commonPrefixLength(tokens, tokenize([...system, other]));
  if (newest < 0) return { headTokens, latestTurn: tokens.length };
  return { headTokens, latestTurn: commonPrefixLength(tokens, tokenize([...messages.slice(0, newest), other])) };
}

function joined(parts: readonly Int32Array[]): Int32Array {
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) return only;
  const tokens = new Int32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    tokens.set(part, offset);
    offset += part.length;
  }
  return tokens;
}

function newCallId(): string {
  return `call_${randomUUID().replaceAll('-', '').slice(0, 24)}`;
}
