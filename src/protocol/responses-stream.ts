import type { DuanyunError } from '../core/errors.ts';
import type { AnswerEvent, StreamEncoder } from './answer.ts';
import type { AnswerContext } from './generation.ts';
import { chatToken } from './logprobs.ts';
import {
  finalStatus,
  itemBody,
  itemId,
  type OutputItem,
  responseObject,
  type ResponseState,
  textPart,
} from './responses-answer.ts';
import type { WireResponses } from './responses-schema.ts';
import { namedFrame } from './sse.ts';

type OpenItem = { item: OutputItem; outputIndex: number };

/**
 * The event stream of the Responses API: `response.created`, `response.in_progress`, then for each output item its
 * added, delta and done events, then one of `response.completed`, `response.incomplete`, `response.failed`. There is no
 * `[DONE]` in this protocol.
 */
export class ResponsesStreamEncoder implements StreamEncoder {
  #wire: WireResponses;
  #context: AnswerContext;
  #state: ResponseState;
  #sequence = 0;
  #started = false;
  #openText: OpenItem | undefined;
  /** By the index that the model gave the call. Calls may interleave, so they all stay open until the end. */
  #openCalls = new Map<number, OpenItem>();

  constructor(wire: WireResponses, context: AnswerContext) {
    this.#wire = wire;
    this.#context = context;
    this.#state = { status: 'in_progress', model: context.requestedModel, output: [] };
  }

  push(_index: number, event: AnswerEvent): string {
    switch (event.type) {
      case 'response-start':
        this.#state.model = event.model;
        if (event.read !== undefined) this.#state.read = event.read;
        return '';
      case 'reasoning-delta':
        return this.#start() + this.#reasoning(event.text);
      case 'text-delta':
        return this.#start() + this.#text(event.text, event.logprobs?.map(chatToken) ?? []);
      case 'tool-call-delta':
        return this.#start() + this.#call(event);
      case 'usage':
        this.#state.usage = event.usage;
        return '';
      case 'finish':
        this.#state.finish = event.reason;
        return this.#start();
    }
  }

  end(): string {
    let frames = this.#start();
    if (this.#state.output.length === 0) frames += this.#text('', []);
    frames += this.#closeText();
    for (const call of this.#openCalls.values()) frames += this.#closeCall(call);
    this.#state.status = finalStatus(this.#state.finish);
    return frames + this.#lifeCycle(`response.${this.#state.status}`);
  }

  fail(error: DuanyunError): string {
    const frames = this.#start();
    this.#state.status = 'failed';
    this.#state.error = error;
    return frames + this.#lifeCycle('response.failed');
  }

  #start(): string {
    if (this.#started) return '';
    this.#started = true;
    return this.#lifeCycle('response.created') + this.#lifeCycle('response.in_progress');
  }

  #reasoning(text: string): string {
    let frames = '';
    if (this.#openText?.item.kind !== 'reasoning') {
      frames += this.#closeText();
      const id = itemId('rs', this.#context.id, this.#state.output.length);
      this.#openText = this.#add({ kind: 'reasoning', id, text: '' });
      frames += this.#added(this.#openText);
      frames += this.#part('response.content_part.added', this.#openText, { type: 'reasoning_text', text: '' });
    }
    const open = this.#openText;
    if (open?.item.kind !== 'reasoning') return frames;
    open.item.text += text;
    return (
      frames + this.#emit('response.reasoning_text.delta', { ...this.#place(open), content_index: 0, delta: text })
    );
  }

  #text(text: string, logprobs: object[]): string {
    let frames = '';
    if (this.#openText?.item.kind !== 'message') {
      frames += this.#closeText();
      const id = itemId('msg', this.#context.id, this.#state.output.length);
      this.#openText = this.#add({ kind: 'message', id, text: '', logprobs: [] });
      frames += this.#added(this.#openText);
      frames += this.#part('response.content_part.added', this.#openText, textPart('', []));
    }
    const open = this.#openText;
    if (open?.item.kind !== 'message' || text === '') return frames;
    open.item.text += text;
    open.item.logprobs.push(...logprobs);
    const fields = { ...this.#place(open), content_index: 0, delta: text, logprobs };
    return frames + this.#emit('response.output_text.delta', fields);
  }

  #call(event: Extract<AnswerEvent, { type: 'tool-call-delta' }>): string {
    let frames = this.#closeText();
    let open = this.#openCalls.get(event.index);
    if (open === undefined) {
      const id = itemId('fc', this.#context.id, this.#state.output.length);
      const callId = event.id ?? `call_${id}`;
      open = this.#add({ kind: 'call', id, callId, name: event.name ?? '', arguments: '' });
      this.#openCalls.set(event.index, open);
      frames += this.#added(open);
    }
    if (open.item.kind !== 'call' || event.arguments === '') return frames;
    open.item.arguments += event.arguments;
    const fields = { ...this.#place(open), delta: event.arguments };
    return frames + this.#emit('response.function_call_arguments.delta', fields);
  }

  #closeText(): string {
    const open = this.#openText;
    if (open === undefined || open.item.kind === 'call') return '';
    this.#openText = undefined;
    const { item } = open;
    const reasoning = item.kind === 'reasoning';
    const part = reasoning ? { type: 'reasoning_text', text: item.text } : textPart(item.text, item.logprobs);
    const fields = { ...this.#place(open), content_index: 0, text: item.text };
    return (
      (reasoning
        ? this.#emit('response.reasoning_text.done', fields)
        : this.#emit('response.output_text.done', { ...fields, logprobs: item.logprobs })) +
      this.#part('response.content_part.done', open, part) +
      this.#done(open)
    );
  }

  #closeCall(open: OpenItem): string {
    if (open.item.kind !== 'call') return '';
    const fields = { ...this.#place(open), name: open.item.name, arguments: open.item.arguments };
    return this.#emit('response.function_call_arguments.done', fields) + this.#done(open);
  }

  #add(item: OutputItem): OpenItem {
    this.#state.output.push(item);
    return { item, outputIndex: this.#state.output.length - 1 };
  }

  #place(open: OpenItem): object {
    return { item_id: open.item.id, output_index: open.outputIndex };
  }

  #added(open: OpenItem): string {
    const item = itemBody(open.item, 'in_progress');
    return this.#emit('response.output_item.added', { output_index: open.outputIndex, item });
  }

  #done(open: OpenItem): string {
    const item = itemBody(open.item, 'completed');
    return this.#emit('response.output_item.done', { output_index: open.outputIndex, item });
  }

  #part(type: string, open: OpenItem, part: object): string {
    return this.#emit(type, { ...this.#place(open), content_index: 0, part });
  }

  #lifeCycle(type: string): string {
    return this.#emit(type, { response: responseObject(this.#wire, this.#context, this.#state) });
  }

  #emit(type: string, fields: object): string {
    const sequence = this.#sequence;
    this.#sequence += 1;
    return namedFrame(type, JSON.stringify({ type, sequence_number: sequence, ...fields }));
  }
}
