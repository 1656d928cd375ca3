/**
 * `duanyun/ai-sdk`: a provider for Vercel's AI SDK over `@ai-sdk/openai-compatible`. It adds where an answer ran
 * (`providerMetadata.duanyun`), Duanyun's own fields as provider options, and streams that never look finished when they
 * were cut: that package takes an answer without `[DONE]` for a whole one.
 */
import {
  createOpenAICompatible,
  type OpenAICompatibleProvider,
  type OpenAICompatibleProviderSettings,
} from '@ai-sdk/openai-compatible';
import type { RoutePreference } from '../core/chat.ts';
import { type Route, routeFrom } from './errors.ts';

export type { Route } from './errors.ts';

export type DuanyunProviderSettings = {
  /** With or without `/v1`. Default `http://127.0.0.1:8000`. */
  baseURL?: string | undefined;
  apiKey?: string | undefined;
  headers?: Record<string, string> | undefined;
  fetch?: OpenAICompatibleProviderSettings['fetch'];
};

/**
 * `providerOptions: { duanyun: { … } satisfies DuanyunProviderOptions }`. Any other field goes into the request as it is
 * named there.
 */
export type DuanyunProviderOptions = {
  /** Where to run; tightens the server's policy and never loosens it. */
  preference?: RoutePreference;
  /** Keeps the request and the rest of its conversation on the device. */
  privacy?: 'private';
  /** In the policy's currency. */
  maxCost?: number;
  /** For the whole answer. */
  deadlineMs?: number;
  /** Tokens that the device's cache keeps at most. */
  kvBudget?: number;
  /** Keeps the conversation's state on the device under this name. */
  session?: string;
  enableThinking?: boolean;
  returnReasoning?: boolean;
  truncate?: 'error' | 'auto';
  reasoningEffort?: 'none' | 'minimal' | 'low' | 'medium' | 'high' | 'xhigh';
};

export type DuanyunProvider = OpenAICompatibleProvider;

type LanguageModel = ReturnType<DuanyunProvider['languageModel']>;
type StreamPart =
  Awaited<ReturnType<LanguageModel['doStream']>>['stream'] extends ReadableStream<infer Part> ? Part : never;
type Metadata = NonNullable<Awaited<ReturnType<LanguageModel['doGenerate']>>['providerMetadata']>;

const name = 'duanyun';
const defaultBaseUrl = 'http://127.0.0.1:8000';

export function createDuanyun(settings: DuanyunProviderSettings = {}): DuanyunProvider {
  const root = (settings.baseURL ?? defaultBaseUrl).replace(/\/+$/, '').replace(/\/v1$/, '');
  const provider = createOpenAICompatible({
    name,
    baseURL: `${root}/v1`,
    includeUsage: true,
    supportsStructuredOutputs: true,
    transformRequestBody: withWishes,
    fetch: guarded(settings.fetch ?? ((...parts) => fetch(...parts))),
    ...(settings.apiKey === undefined ? {} : { apiKey: settings.apiKey }),
    ...(settings.headers === undefined ? {} : { headers: settings.headers }),
  });
  const languageModel = (id: string): LanguageModel => withRoute(provider.languageModel(id));
  return Object.assign((id: string) => languageModel(id), provider, {
    languageModel,
    chatModel: languageModel,
  }) as DuanyunProvider;
}

/** With the settings of the environment's usual place: a server on this machine. */
export const duanyun: DuanyunProvider = createDuanyun();

const wishNames: Record<string, string> = {
  preference: 'preference',
  privacy: 'privacy',
  maxCost: 'max_cost',
  deadlineMs: 'deadline_ms',
  kvBudget: 'kv_budget',
  session: 'session',
};
const fieldNames: Record<string, string> = { enableThinking: 'enable_thinking', returnReasoning: 'return_reasoning' };

/** The package spreads `providerOptions.duanyun` over the body; here they get their places and the wire's names. */
function withWishes(body: Record<string, unknown>): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  const wishes: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(body)) {
    const wish = wishNames[key];
    if (wish === undefined) fields[fieldNames[key] ?? key] = value;
    else if (value !== undefined) wishes[wish] = value;
  }
  return Object.keys(wishes).length === 0 ? fields : { ...fields, duanyun: wishes };
}

function withRoute(model: LanguageModel): LanguageModel {
  return {
    specificationVersion: model.specificationVersion,
    provider: model.provider,
    modelId: model.modelId,
    get supportedUrls() {
      return model.supportedUrls;
    },
    async doGenerate(options) {
      const result = await model.doGenerate(options);
      return { ...result, providerMetadata: routeMetadata(result.providerMetadata, result.response?.headers) };
    },
    async doStream(options) {
      const result = await model.doStream(options);
      let isBroken = false;
      const ending = new TransformStream<StreamPart, StreamPart>({
        transform(part, controller) {
          isBroken ||= part.type === 'error';
          if (part.type !== 'finish') controller.enqueue(part);
          else {
            const providerMetadata = routeMetadata(part.providerMetadata, result.response?.headers);
            // The package believes a reason to finish that came before the error.
            const finishReason = isBroken ? ({ ...part.finishReason, unified: 'error' } as const) : part.finishReason;
            controller.enqueue({ ...part, finishReason, providerMetadata });
          }
        },
      });
      return { ...result, stream: result.stream.pipeThrough(ending) };
    },
  };
}

/** Where an answer ran, out of `result.providerMetadata`. `undefined` where the server did not say. */
export function routeOf(metadata: Metadata | undefined): Route | undefined {
  const own = metadata?.[name];
  return typeof own?.['target'] === 'string' ? (own as Route) : undefined;
}

function routeMetadata(metadata: Metadata | undefined, headers: Record<string, string> = {}): Metadata {
  const route = routeFrom({ status: 200, header: (key) => headers[key] });
  return { ...metadata, [name]: { ...metadata?.[name], ...route } };
}

type Fetch = NonNullable<OpenAICompatibleProviderSettings['fetch']>;

function guarded(inner: Fetch): Fetch {
  return async (input, init) => {
    const answer = await inner(input, init);
    const isStream = /^text\/event-stream\b/i.test(answer.headers.get('content-type') ?? '');
    if (!answer.ok || !isStream || answer.body === null) return answer;
    const { status, statusText, headers } = answer;
    return new Response(answer.body.pipeThrough(endGuard()), { status, statusText, headers });
  };
}

/** Longer than the end of a stream and a comment behind it. */
const tailLength = 256;

const brokenEvent =
  '\n\ndata: {"error":{"message":"The answer broke off before its end.","type":"server_error","param":null,"code":"stream_broken"}}\n\n';

/** Passes bytes on. A stream that ends without `[DONE]` gets an error event at its end, unless the server sent one. */
function endGuard(): TransformStream<Uint8Array, Uint8Array> {
  const decoder = new TextDecoder();
  let tail = '';
  let hasTold = false;
  return new TransformStream({
    transform(bytes, controller) {
      const text = tail + decoder.decode(bytes, { stream: true });
      hasTold ||= /^data: ?\{"error"/m.test(text);
      tail = text.slice(-tailLength);
      controller.enqueue(bytes);
    },
    flush(controller) {
      if (hasTold || /^data: ?\[DONE\]\r?$/m.test(tail)) return;
      controller.enqueue(new TextEncoder().encode(brokenEvent));
    },
  });
}
