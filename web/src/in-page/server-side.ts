/**
 * The page's server as the far side of the page's own decisions. What goes there passes the verdicts like everything that
 * leaves a device: this is the one way out for questions that the page decides about.
 */
import type { CloudSnapshot } from '../../../src/cloud/cloud-snapshot.ts';
import type { EgressVerdicts } from '../../../src/cloud/egress-verdicts.ts';
import type { Backend, BackendHealth, ModelCapabilities, StreamOptions } from '../../../src/core/backend.ts';
import type { EmbeddingRequest, EmbeddingResult, GenerationRequest } from '../../../src/core/chat.ts';
import { DuanyunError, type ErrorCode, errorCatalogue, makeError } from '../../../src/core/errors.ts';
import type { StreamEvent, TokenUsage } from '../../../src/core/events.ts';
import { ApiError } from '../api/api-error.ts';
import { type AnswerEvent, ask, type Question, questionBody, type WireMessage } from '../api/ask.ts';
import type { ServerFacts } from './messages.ts';

export type ServerRoute = Extract<AnswerEvent, { type: 'route' }>;

/** The name under which the server takes part in the page's decisions; it decides for itself what answers there. */
export const serverModel = 'server';
const usualContextTokens = 8192;

export class ServerSide implements Backend {
  readonly id = 'server';
  readonly #verdicts: EgressVerdicts;
  readonly #server: () => ServerFacts;
  /** What the server said of its own route, by request. */
  readonly routes = new Map<string, ServerRoute>();

  constructor(verdicts: EgressVerdicts, server: () => ServerFacts) {
    this.#verdicts = verdicts;
    this.#server = server;
  }

  capabilities(): ModelCapabilities[] {
    const state = this.#server().situation?.state;
    const contexts = [
      state?.device.model?.contextTokens,
      ...(state?.cloud.models ?? []).map((each) => each.contextTokens),
    ];
    const known = contexts.filter((each) => each !== undefined);
    return [
      {
        id: serverModel,
        contextTokens: known.length === 0 ? usualContextTokens : Math.max(...known),
        modalities: ['text', 'image', 'audio'],
        tools: true,
        reasoning: true,
        embeddings: true,
      },
    ];
  }

  snapshot(): CloudSnapshot {
    const { isAway, situation } = this.#server();
    const state = situation?.state;
    const isDeviceReady = state?.device.status === 'ready';
    const [cloud] = state?.cloud.reachable === true ? state.cloud.models : [];
    // The faster of what may answer there; without news, a middle.
    const tokensPerSecond = Math.max(
      isDeviceReady ? state.device.decodeTokensPerSecond : 0,
      cloud?.tokensPerSecond ?? 0,
    );
    return {
      reachable: !isAway,
      models: this.capabilities().map((model) =>
        Object.assign(model, {
          breaker: 'closed' as const,
          firstTokenMs: cloud?.firstTokenMs ?? 1000,
          tokensPerSecond: tokensPerSecond > 0 ? tokensPerSecond : 20,
        }),
      ),
    };
  }

  health(): BackendHealth {
    return this.#server().isAway
      ? { status: 'unavailable', reason: 'the server does not answer' }
      : { status: 'ready' };
  }

  /** Sends `question`, which says what `request` says. @throws `egress_refused` unless that was judged and may leave */
  async *askWith(request: GenerationRequest, question: Question, signal: AbortSignal): AsyncGenerator<AnswerEvent> {
    signal.throwIfAborted();
    this.#verdicts.admit(request);
    this.#verdicts.count(request, new TextEncoder().encode(questionBody(question)).length);
    yield* ask(question, signal);
  }

  async *stream(request: GenerationRequest, { signal }: StreamOptions): AsyncGenerator<StreamEvent> {
    let hasStarted = false;
    const usage: TokenUsage = { promptTokens: 0, cachedTokens: 0, completionTokens: 0, reasoningTokens: 0 };
    let reason = '';
    try {
      for await (const event of this.askWith(request, questionOf(request), signal)) {
        switch (event.type) {
          case 'route':
            this.routes.set(request.id, event);
            break;
          case 'id':
            // Its receipt is found by the headers.
            break;
          case 'model':
            if (!hasStarted) yield { type: 'response-start', model: event.model, backend: this.id };
            hasStarted = true;
            break;
          case 'text':
            yield { type: 'text-delta', text: event.text };
            break;
          case 'thinking':
            yield { type: 'reasoning-delta', text: event.text };
            break;
          case 'tool-call': {
            const { index, name } = event;
            yield { type: 'tool-call-delta', index, arguments: event.arguments, ...(name === '' ? {} : { name }) };
            break;
          }
          case 'finish':
            reason = event.reason;
            break;
          case 'usage':
            usage.completionTokens = event.completionTokens;
            break;
        }
      }
    } catch (error) {
      if (signal.aborted) throw error;
      const known = asOwnError(error);
      if (!hasStarted) throw known;
      yield { type: 'error', code: known.code, message: known.message, retryable: known.retryable };
      return;
    }
    yield { type: 'usage', usage, timings: {} };
    yield { type: 'finish', reason: { unified: unifiedOf(reason), raw: reason === '' ? 'stop' : reason } };
  }

  embed({ model }: EmbeddingRequest): Promise<EmbeddingResult> {
    return Promise.reject(
      makeError('unsupported_feature', { model, feature: 'embeddings', advice: 'Ask the server itself.' }),
    );
  }

  async dispose(): Promise<void> {}
}

/** Only text comes here: what holds pictures or sound is no question for the page's own decision. */
function questionOf({ input, route }: GenerationRequest): Question {
  const messages: WireMessage[] =
    input.kind === 'completion'
      ? []
      : input.messages.flatMap((message): WireMessage[] => {
          if (message.role !== 'user' && message.role !== 'assistant') return [];
          const texts = message.content.map((part) => (part.type === 'text' ? part.text : ''));
          return [{ role: message.role, content: texts.join('\n') }];
        });
  return { model: 'auto', messages, ...(route?.preference === undefined ? {} : { preference: route.preference }) };
}

function unifiedOf(reason: string): 'stop' | 'length' | 'tool-calls' | 'content-filter' {
  if (reason === 'length') return 'length';
  if (reason === 'tool_calls') return 'tool-calls';
  return reason === 'content_filter' ? 'content-filter' : 'stop';
}

function asOwnError(error: unknown): DuanyunError {
  if (error instanceof DuanyunError) return error;
  if (!(error instanceof ApiError)) return makeError('response_invalid', { reason: 'the page does not understand it' });
  if (error.code in errorCatalogue) return new DuanyunError(error.code as ErrorCode, error.message);
  if (error.code === 'unreachable') return makeError('cloud_unavailable', { reason: 'the server does not answer' });
  if (error.code === 'stream_broken') return makeError('stream_broken', {});
  return makeError('response_invalid', { reason: 'the page does not understand it' });
}
