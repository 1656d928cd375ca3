/**
 * Where a question of this page is answered: by the model inside the page or by the server. The same `HybridService` that
 * decides on the server decides here; its device is the page, its cloud is the server.
 */
import { EgressVerdicts } from '../../../src/cloud/egress-verdicts.ts';
import type { Backend } from '../../../src/core/backend.ts';
import type { ChatMessage, GenerationRequest } from '../../../src/core/chat.ts';
import { systemClock } from '../../../src/core/clock.ts';
import { makeError } from '../../../src/core/errors.ts';
import { plainChat, plainRequest } from '../../../src/core/plain-request.ts';
import { HybridService } from '../../../src/hybrid/hybrid-service.ts';
import { parsePolicy } from '../../../src/routing/policy.ts';
import type { AnswerEvent, Question } from '../api/ask.ts';
import type { ServerFacts } from './messages.ts';
import { ServerSide } from './server-side.ts';

/** Where a question names no limit: small models do not always find their end. */
const longestAnswerTokens = 1024;
/** A phone in the middle of other work; the detectors take a few milliseconds. */
const judgementMs = 2000;

export class PageService {
  readonly #device: Backend;
  readonly #service: HybridService;
  readonly #server: ServerSide;
  #serial = 0;

  constructor(device: Backend, server: () => ServerFacts) {
    const gate = new EgressVerdicts({ clock: systemClock, budgetMs: judgementMs });
    this.#device = device;
    this.#server = new ServerSide(gate, server);
    const standard = parsePolicy({});
    this.#service = new HybridService({
      device,
      cloud: this.#server,
      gate,
      policy: { current: () => server().situation?.policy ?? standard },
      aliasesOf: () => [],
      createdSeconds: 0,
    });
    this.#service.warmUp();
  }

  /** What decisions are made from, for the line below the draft. */
  situation(): ReturnType<HybridService['situation']> {
    return this.#service.situation();
  }

  /** @throws DuanyunError, ApiError, the signal's reason */
  async *answer(question: Question, signal: AbortSignal): AsyncGenerator<AnswerEvent> {
    const request = this.#requestOf(question);
    if (question.messages.some(({ content }) => typeof content !== 'string')) {
      await this.#checkAttachments(request, signal);
      yield* this.#server.askWith(request, question, signal);
      return;
    }
    for await (const event of this.#service.stream(request, { signal })) {
      switch (event.type) {
        case 'response-start': {
          const { target, reasons = [] } = event.receipt ?? {};
          const route = this.#server.routes.get(request.id);
          if (target === 'cloud') yield route ?? { type: 'route', reasons };
          else yield { type: 'route', target: 'page', reasons, receiptId: event.receipt?.id ?? '' };
          yield { type: 'model', model: event.model };
          break;
        }
        case 'text-delta':
          yield { type: 'text', text: event.text };
          break;
        case 'reasoning-delta':
          yield { type: 'thinking', text: event.text };
          break;
        case 'tool-call-delta':
          yield { type: 'tool-call', index: event.index, name: event.name ?? '', arguments: event.arguments };
          break;
        case 'usage': {
          const { completionTokens } = event.usage;
          const { decodeMs = 0 } = event.timings;
          const speed = decodeMs > 0 ? { tokensPerSecond: (completionTokens / decodeMs) * 1000 } : {};
          yield { type: 'usage', completionTokens, ...speed };
          break;
        }
        case 'finish':
          yield { type: 'finish', reason: event.reason.raw };
          break;
        case 'error':
          throw makeErrorOf(event);
      }
    }
    this.#server.routes.delete(request.id);
  }

  /**
   * Loads the model and reads what is there of a question and what it comes after, so that its answer waits for neither. What
   * the engine then says goes nowhere; what goes wrong here goes wrong for the question too, which says it.
   *
   * @param messages the conversation so far, and the question as far as it is written
   */
  async prepare(messages: Question['messages']): Promise<void> {
    const model = this.#device.capabilities()[0]?.id;
    if (model === undefined || messages.some(({ content }) => typeof content !== 'string')) return;
    const request = this.#requestOf({ model, messages });
    const events = this.#device.stream({ ...request, maxTokens: 1 }, { signal: new AbortController().signal });
    for await (const event of events) if (event.type === 'error') return;
  }

  /** Of an answer that the page gave. */
  receipt(id: string): Record<string, unknown> | undefined {
    const receipt = this.#service.receipts.get(id);
    return receipt === undefined ? undefined : { ...receipt, target: 'page' };
  }

  /** Pictures and sound are read by the server; what their text says decides whether they may go there. */
  async #checkAttachments(request: GenerationRequest, signal: AbortSignal): Promise<void> {
    const { decision } = await this.#service.explain(request, { signal });
    const isHeld = decision.privacy !== 'open' || decision.preference === 'only_on_device';
    if (!isHeld) return;
    const advice = 'This question has to stay in the page: ask it without pictures and recordings.';
    const model = this.#device.capabilities()[0]?.id ?? 'The page';
    throw makeError('unsupported_modality', { model, modality: 'pictures or sound', advice });
  }

  #requestOf({ model, messages, preference }: Question): GenerationRequest {
    this.#serial += 1;
    const read = messages.map(({ role, content }): ChatMessage => {
      const texts =
        typeof content === 'string' ? [content] : content.map((part) => (part.type === 'text' ? part.text : ''));
      const parts = texts.map((text) => ({ type: 'text' as const, text }));
      return role === 'user' ? { role, content: parts } : { role, content: parts, toolCalls: [] };
    });
    return plainRequest(`page-${this.#serial}`, plainChat('', { messages: read }), {
      model,
      maxTokens: longestAnswerTokens,
      ...(preference === undefined ? {} : { route: { preference } }),
    });
  }
}

function makeErrorOf({ code, message }: { code: string; message: string }): Error {
  return Object.assign(new Error(message), { code });
}
