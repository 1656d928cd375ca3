import * as z from 'zod';
import { chatSchema } from './chat-schema.ts';
import { completionSchema } from './completion-request.ts';
import { embeddingSchema } from './embedding.ts';
import { minutesFormSchema, minutesRequestSchema } from './minutes.ts';
import { benchmarkSchema, compareSchema } from './benchmark.ts';
import { newKeySchema } from './gateway-key.ts';
import { policyCheckSchema } from './policy-check.ts';
import { pullSchema, removeSchema, switchSchema } from './pull.ts';
import { responsesSchema } from './responses-schema.ts';
import { audioFormSchema } from './transcription.ts';
import { statisticsReportSchema } from './statistics-report.ts';

type Operation = {
  summary: string;
  body?: string;
  /** As `body`, sent as multipart/form-data. */
  form?: string;
  answer: string;
  stream?: boolean;
  parameter?: string;
  open?: boolean;
  /** Answered by an upgrade of the connection. */
  socket?: boolean;
};

const bodies: Record<string, z.ZodType> = {
  ChatCompletionRequest: chatSchema,
  CompletionRequest: completionSchema,
  EmbeddingRequest: embeddingSchema,
  ResponsesRequest: responsesSchema,
  PullRequest: pullSchema,
  RemoveRequest: removeSchema,
  SwitchRequest: switchSchema,
  BenchmarkRequest: benchmarkSchema,
  BenchmarkPair: compareSchema,
  PolicyText: policyCheckSchema,
  NewGatewayKey: newKeySchema,
  StatisticsReport: statisticsReportSchema,
  AudioForm: audioFormSchema,
  MinutesRequest: minutesRequestSchema,
  MinutesForm: minutesFormSchema,
};

/** Every route of the server, by path and method. `server` tests that it serves exactly these. */
export const operations: Record<string, Partial<Record<'get' | 'post', Operation>>> = {
  '/': { get: { summary: 'Where to find what.', answer: 'Pointer' } },
  '/health': {
    get: { summary: '200 exactly when requests can be answered, else 503.', answer: 'Health', open: true },
  },
  '/v1/models': { get: { summary: 'The models that can be named.', answer: 'ModelList' } },
  '/v1/models/{id}': { get: { summary: 'One model.', answer: 'Model', parameter: 'id' } },
  '/v1/chat/completions': {
    post: { summary: 'Answer a conversation.', body: 'ChatCompletionRequest', answer: 'ChatCompletion', stream: true },
  },
  '/v1/completions': {
    post: { summary: 'Continue raw text.', body: 'CompletionRequest', answer: 'Completion', stream: true },
  },
  '/v1/embeddings': {
    post: { summary: 'Embed texts.', body: 'EmbeddingRequest', answer: 'EmbeddingList' },
  },
  '/v1/responses': {
    post: { summary: 'Answer without keeping anything.', body: 'ResponsesRequest', answer: 'Response', stream: true },
  },
  '/v1/models/pull': {
    post: { summary: 'Fetch a model; progress as events.', body: 'PullRequest', answer: 'PullEvent', stream: true },
  },
  '/v1/models/remove': {
    post: { summary: 'Free the disk of a model that does not answer now.', body: 'RemoveRequest', answer: 'Removed' },
  },
  '/v1/models/switch': {
    post: { summary: 'Let another installed model answer on the device.', body: 'SwitchRequest', answer: 'Switched' },
  },
  '/v1/audio/transcriptions': {
    post: { summary: 'Write down speech.', form: 'AudioForm', answer: 'Transcription', stream: true },
  },
  '/v1/audio/translations': {
    post: { summary: 'Write down speech in English.', form: 'AudioForm', answer: 'Transcription', stream: true },
  },
  '/v1/realtime': {
    get: {
      summary:
        'WebSocket, with ?intent=transcription: live dictation by the events of OpenAI’s realtime interface. Heard on the device.',
      answer: 'RealtimeEvent',
      socket: true,
    },
  },
  '/v1/audio/dictation': {
    get: { summary: 'The same WebSocket under a plain name.', answer: 'RealtimeEvent', socket: true },
  },
  '/v1/minutes': {
    post: {
      summary: 'Minutes of a meeting, from a recording or its transcript; always made on the device.',
      body: 'MinutesRequest',
      form: 'MinutesForm',
      answer: 'Minutes',
      stream: true,
    },
  },
  '/v1/modules': { get: { summary: 'Parts of the device engine: state and memory.', answer: 'ModuleList' } },
  '/v1/modules/{name}/load': {
    post: { summary: 'Load a module before its first use.', answer: 'Module', parameter: 'name' },
  },
  '/v1/modules/{name}/unload': {
    post: { summary: 'Unload a module when its running uses end.', answer: 'Module', parameter: 'name' },
  },
  '/v1/duanyun/catalogue': { get: { summary: 'All models that could be pulled.', answer: 'Catalogue' } },
  '/v1/duanyun/weights': {
    get: { summary: 'Models that the page of this server can run inside the browser.', answer: 'PageWeightsList' },
  },
  '/v1/duanyun/weights/{sha256}': {
    get: {
      summary: 'The file of such a model, from a byte on where `Range: bytes=N-` is sent. For this server’s own page.',
      answer: 'Weights',
      parameter: 'sha256',
    },
  },
  '/v1/route': {
    get: { summary: 'What decisions are made from now: policy and state of both sides.', answer: 'RouteSituation' },
    post: {
      summary: 'Where a conversation would run, and why; runs nothing.',
      body: 'ChatCompletionRequest',
      answer: 'RouteExplanation',
    },
  },
  '/v1/policy': { get: { summary: 'The routing rules that hold, as YAML.', answer: 'PolicyText' } },
  '/v1/policy/check': {
    post: { summary: 'Whether routing rules are valid; changes nothing.', body: 'PolicyText', answer: 'Policy' },
  },
  '/v1/receipts': { get: { summary: 'The newest receipts (`?limit=`, default 100).', answer: 'ReceiptList' } },
  '/v1/receipts/{id}': {
    get: { summary: 'Where a request ran, why, and what left.', answer: 'Receipt', parameter: 'id' },
  },
  '/v1/stats/preview': {
    get: { summary: 'The anonymous report that would be sent for today.', answer: 'StatisticsPreview' },
  },
  '/v1/benchmarks': {
    get: { summary: 'Benchmarks that this server ran.', answer: 'BenchmarkList' },
    post: { summary: 'Start a benchmark of this server.', body: 'BenchmarkRequest', answer: 'Benchmark' },
  },
  '/v1/benchmarks/stop': { post: { summary: 'Stop the one that runs; its report is written.', answer: 'Stopped' } },
  '/v1/benchmarks/compare': {
    post: { summary: 'Hold a second run against a first.', body: 'BenchmarkPair', answer: 'BenchmarkComparison' },
  },
  '/v1/benchmarks/{id}/report': {
    get: { summary: 'Its report: HTML, or `?form=markdown`.', answer: 'Report', parameter: 'id' },
  },
  '/v1/gateway/upstreams': { get: { summary: 'The servers behind the gateway.', answer: 'UpstreamList' } },
  '/v1/gateway/keys': {
    get: { summary: 'Keys of clients and their use this month.', answer: 'GatewayKeyList' },
    post: { summary: 'Make a key; it is told this once.', body: 'NewGatewayKey', answer: 'GatewayKey' },
  },
  '/v1/gateway/keys/{id}/revoke': { post: { summary: 'End a key.', answer: 'Revoked', parameter: 'id' } },
  '/v1/stats': {
    get: { summary: 'Totals of the anonymous statistics that were received.', answer: 'StatisticsTotals' },
    post: { summary: 'Receive one anonymous report.', body: 'StatisticsReport', answer: 'Accepted' },
  },
  '/metrics': { get: { summary: 'Prometheus metrics.', answer: 'Metrics' } },
  '/openapi.json': { get: { summary: 'This document.', answer: 'OpenApi' } },
};

const errorSchema = {
  type: 'object',
  required: ['error'],
  properties: {
    error: {
      type: 'object',
      required: ['message', 'type', 'param', 'code'],
      properties: {
        message: { type: 'string' },
        type: { type: 'string' },
        param: { type: ['string', 'null'] },
        code: { type: 'string', description: 'See docs/errors.md.' },
      },
    },
  },
};

/**
 * The OpenAPI 3.1 document. Request bodies are generated from the very schemas that check them.
 *
 * @param paths only these are described; default: all
 */
export function openApiDocument(version: string, paths: string[] = Object.keys(operations)): object {
  const schemas: Record<string, object> = { Error: errorSchema };
  for (const [name, schema] of Object.entries(bodies)) {
    const { $schema: _, ...document } = z.toJSONSchema(schema, { io: 'input', target: 'draft-2020-12' });
    schemas[name] = document;
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Duanyun',
      version,
      description: 'One OpenAI-compatible entry that runs each request on the device or in the cloud.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    paths: Object.fromEntries(paths.map((path) => [path, pathItem(path)])),
    components: {
      schemas,
      securitySchemes: { key: { type: 'http', scheme: 'bearer' } },
      responses: {
        Error: {
          description: 'An error from the catalogue.',
          content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
        },
      },
    },
    security: [{ key: [] }, {}],
  };
}

function pathItem(path: string): object {
  const methods = operations[path] ?? {};
  return Object.fromEntries(
    Object.entries(methods).map(([method, operation]) => [method, operationObject(method, path, operation)]),
  );
}

function operationObject(method: string, path: string, operation: Operation): object {
  const json = path === '/metrics' ? 'text/plain' : 'application/json';
  return {
    operationId: `${method}${path.replaceAll(/[^a-z]+(\w?)/gi, (_, letter: string) => letter.toUpperCase())}`,
    summary: operation.summary,
    ...(operation.open === true ? { security: [] } : {}),
    ...(operation.parameter === undefined
      ? {}
      : { parameters: [{ name: operation.parameter, in: 'path', required: true, schema: { type: 'string' } }] }),
    ...requestBody(operation),
    responses: {
      [operation.socket === true ? 101 : 200]: {
        description: operation.answer,
        content: { [json]: {}, ...(operation.stream === true ? { 'text/event-stream': {} } : {}) },
      },
      default: { $ref: '#/components/responses/Error' },
    },
  };
}

function requestBody({ body, form }: Operation): object {
  const content = {
    ...(body === undefined ? {} : { 'application/json': { schema: { $ref: `#/components/schemas/${body}` } } }),
    ...(form === undefined ? {} : { 'multipart/form-data': { schema: { $ref: `#/components/schemas/${form}` } } }),
  };
  return body === undefined && form === undefined ? {} : { requestBody: { required: true, content } };
}
