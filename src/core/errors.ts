/**
 * The one catalogue of errors a user can meet. `docs/errors.md` explains each; `errors.test.ts` holds the two together.
 * `message` may hold `{name}` placeholders. What is not in the template (paths, stack traces, upstream bodies) goes to
 * the log as `detail` and never to a client.
 */
export const errorCatalogue = {
  invalid_request: { status: 400, retryable: false, message: '{reason}' },
  invalid_json: { status: 400, retryable: false, message: 'The request body is not valid JSON: {reason}.' },
  invalid_utf8: { status: 400, retryable: false, message: 'The request body is not valid UTF-8.' },
  json_too_deep: { status: 400, retryable: false, message: 'The request body is nested deeper than {limit} levels.' },
  context_length_exceeded: {
    status: 400,
    retryable: false,
    message:
      'The prompt has {promptTokens} tokens and the context of {model} holds {contextTokens}. Shorten it, or send "truncate": "auto" to keep the system prompt and the newest turns.',
  },
  kv_budget_too_small: {
    status: 400,
    retryable: false,
    message:
      'A cache budget of {budget} tokens is too small for this request: its system prompt and pictures, which are always kept, need at least {needed}. Send a larger duanyun.kv_budget.',
  },
  schema_too_complex: {
    status: 400,
    retryable: false,
    message: 'The JSON schema is too complex to enforce: {reason}.',
  },
  unsupported_schema: { status: 400, retryable: false, message: 'The JSON schema cannot be enforced: {reason}.' },
  unsupported_modality: { status: 400, retryable: false, message: '{model} does not read {modality}. {advice}' },
  unsupported_feature: { status: 400, retryable: false, message: '{model} does not support {feature}. {advice}' },
  upstream_refused: { status: 400, retryable: false, message: 'The model server refused the request: {reason}.' },
  image_invalid: { status: 400, retryable: false, message: 'The picture cannot be read: {reason}.' },
  image_too_large: { status: 400, retryable: false, message: 'The picture is too large: {reason}.' },
  image_url_refused: {
    status: 400,
    retryable: false,
    message: 'The picture at this address was not fetched: {reason}.',
  },
  unauthorized: {
    status: 401,
    retryable: false,
    message: 'A valid API key is required: send "Authorization: Bearer <key>".',
  },
  key_not_valid: { status: 401, retryable: false, message: 'This API key {reason}.' },
  key_forbidden: { status: 403, retryable: false, message: 'This API key may not do that: {reason}.' },
  forbidden_host: {
    status: 403,
    retryable: false,
    message: 'The Host header {host} is not allowed. Add it with --allow-host.',
  },
  forbidden_origin: {
    status: 403,
    retryable: false,
    message: 'Requests from the origin {origin} are not allowed. Add it with --allow-origin.',
  },
  route_not_found: {
    status: 404,
    retryable: false,
    message: 'There is no {method} {path}. See /openapi.json for what there is.',
  },
  model_not_found: { status: 404, retryable: false, message: 'There is no model {model}. Available: {available}.' },
  module_not_found: { status: 404, retryable: false, message: 'There is no module {module}. There are: {available}.' },
  module_not_installed: { status: 400, retryable: false, message: 'The {module} module cannot be loaded: {reason}.' },
  module_does_not_fit: {
    status: 507,
    retryable: false,
    message:
      'The {module} module needs about {neededMiB} MiB of memory and {availableMiB} MiB are left for it. {advice}',
  },
  module_crashed: {
    status: 503,
    retryable: true,
    message: 'The process of the {module} module ended while it was needed. The next use loads it again.',
  },
  audio_invalid: { status: 400, retryable: false, message: 'The sound cannot be read: {reason}.' },
  audio_too_long: {
    status: 413,
    retryable: false,
    message:
      'The sound is longer than {limitMinutes} minutes. Send it in parts, or allow more with --max-audio-minutes.',
  },
  not_found: { status: 404, retryable: false, message: '{what} was not found.' },
  method_not_allowed: { status: 405, retryable: false, message: '{path} does not accept {method}.' },
  request_timeout: { status: 408, retryable: true, message: 'The request body did not arrive within {seconds} s.' },
  conflict: { status: 409, retryable: false, message: '{reason}' },
  body_too_large: { status: 413, retryable: false, message: 'The request body is larger than {limitMiB} MiB.' },
  unsupported_media_type: { status: 415, retryable: false, message: 'The body must be {expected}.' },
  queue_full: {
    status: 429,
    retryable: true,
    message: 'The queue is full ({queued} waiting). Try again in {retryAfterSeconds} s.',
  },
  rate_limited: {
    status: 429,
    retryable: true,
    message: 'This API key may use {limit} {what} a minute. Try again in {retryAfterSeconds} s.',
  },
  concurrency_limited: {
    status: 429,
    retryable: true,
    message: 'This API key has {running} requests running and {waiting} waiting, which is its share.',
  },
  budget_exceeded: {
    status: 429,
    retryable: false,
    message: "This API key's budget for the month is used up. It begins anew on {date} (UTC).",
  },
  client_closed: { status: 499, retryable: true, message: 'The client closed the connection.' },
  internal: { status: 500, retryable: false, message: 'Internal error. The log has it under request {requestId}.' },
  stream_broken: { status: 502, retryable: true, message: 'The answer broke off before its end.' },
  engine_unavailable: { status: 503, retryable: true, message: 'The engine is not ready: {reason}.' },
  engine_crashed: {
    status: 503,
    retryable: true,
    message: 'The engine process ended while it worked on this request. It is being restarted.',
  },
  engine_overloaded: {
    status: 503,
    retryable: true,
    message: 'The engine could not take the request in time: {reason}.',
  },
  engine_failed: { status: 500, retryable: false, message: 'The engine could not work on this request: {reason}.' },
  cloud_unavailable: { status: 503, retryable: true, message: 'The cloud cannot answer: {reason}.' },
  cloud_refused: { status: 502, retryable: false, message: 'The cloud refused the request: {reason}.' },
  overloaded: {
    status: 503,
    retryable: true,
    message: 'The server is full: {running} requests run and {waiting} wait.',
  },
  queue_timeout: { status: 503, retryable: true, message: 'The request waited {seconds} s without getting its turn.' },
  state_unavailable: { status: 503, retryable: true, message: 'The database of the gateway cannot be used: {reason}.' },
  no_route: { status: 503, retryable: true, message: 'Nothing can take this request now: {reason}.' },
  route_refused: { status: 403, retryable: false, message: 'The rules leave no target for this request: {reason}.' },
  egress_refused: {
    status: 403,
    retryable: false,
    message: 'This request must not leave the device: {reason}.',
  },
  policy_invalid: { status: 400, retryable: false, message: 'Policy: {reason}.' },
  shutting_down: { status: 503, retryable: true, message: 'The server is shutting down.' },
  model_too_large: {
    status: 507,
    retryable: false,
    message: '{model} needs about {neededMiB} MiB of memory and {availableMiB} MiB are available. {advice}',
  },
  disk_full: {
    status: 507,
    retryable: false,
    message: 'Not enough disk space in {path}: {neededMiB} MiB needed, {availableMiB} MiB free.',
  },
  session_invalid: { status: 422, retryable: false, message: 'The saved session cannot be used: {reason}.' },
  keyring_unavailable: {
    status: 503,
    retryable: false,
    message: 'The keyring of the system cannot be used: {reason}. Unlock it, or use --session-key file.',
  },
  session_mismatch: {
    status: 422,
    retryable: false,
    message: 'The saved session belongs to {model} or to other settings of the cache.',
  },
  model_file_invalid: { status: 422, retryable: false, message: '{file} is not a usable GGUF model: {reason}.' },
  adapter_invalid: { status: 422, retryable: false, message: '{file} is not a usable LoRA adapter: {reason}.' },
  adapter_mismatch: {
    status: 409,
    retryable: false,
    message: 'The adapter {adapter} does not belong to {model}: {reason}.',
  },
  draft_mismatch: {
    status: 409,
    retryable: false,
    message:
      'The model {draft} cannot guess for {model}: {reason}. Name another with --draft-model, or use --speculation auto.',
  },
  training_data_invalid: { status: 422, retryable: false, message: '{file}{place}: {reason}. Nothing was trained.' },
  training_failed: { status: 500, retryable: true, message: 'The training ended: {reason}. {advice}' },
  source_mismatch: { status: 409, retryable: false, message: '{file} is no better source for {model}: {reason}.' },
  optimize_failed: {
    status: 500,
    retryable: true,
    message: 'The model could not be optimised: {reason}. What was in use before stays in use.',
  },
  hash_mismatch: {
    status: 502,
    retryable: false,
    message: 'No source gave {file} with the expected sha256: {reason}.',
  },
  download_failed: { status: 502, retryable: true, message: '{file} could not be fetched: {reason}.' },
  offline: {
    status: 503,
    retryable: false,
    message: '{file} is not on this machine and --offline forbids fetching it.',
  },
  store_locked: { status: 503, retryable: true, message: 'Another process (pid {pid}) is changing {what}.' },
  native_mismatch: {
    status: 500,
    retryable: false,
    message: 'The native library is not the build this version expects: {reason}.',
  },
  unsupported_platform: { status: 500, retryable: false, message: 'There is no native library for {platform}.' },
  config_invalid: { status: 400, retryable: false, message: 'Configuration: {reason}.' },
  server_unreachable: {
    status: 502,
    retryable: true,
    message: 'No Duanyun server answers at {url}: {reason}.',
  },
  client_timeout: { status: 504, retryable: true, message: 'The answer {what} within {seconds} s.' },
  response_invalid: { status: 502, retryable: false, message: 'That is no answer of Duanyun: {reason}.' },
  port_in_use: {
    status: 500,
    retryable: false,
    message: 'Port {port} on {host} is in use. Choose another with --port.',
  },
  insecure_bind: {
    status: 500,
    retryable: false,
    message:
      'Listening on {host} without an API key would let anyone on the network in. Set DUANYUN_API_KEY or --api-key-file, or bind 127.0.0.1.',
  },
} as const satisfies Record<string, { status: number; retryable: boolean; message: string }>;

export type ErrorCode = keyof typeof errorCatalogue;

/** Names of the `{placeholders}` in a template. */
type Placeholders<Template extends string> = Template extends `${string}{${infer Name}}${infer Rest}`
  ? Name | Placeholders<Rest>
  : never;
export type ErrorParameters<Code extends ErrorCode> = {
  [Name in Placeholders<(typeof errorCatalogue)[Code]['message']>]: string | number;
};

export type ErrorOptions = {
  cause?: unknown;
  /** For the log only. */
  detail?: string;
  /** The request field at fault, as the client wrote it: `messages[0].content`. */
  param?: string;
  retryAfterSeconds?: number;
};

/** The only error type that crosses a folder boundary. Its message is safe to show to a client. */
export class DuanyunError extends Error {
  readonly code: ErrorCode;
  readonly status: number;
  readonly retryable: boolean;
  readonly detail: string | undefined;
  readonly param: string | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'DuanyunError';
    this.code = code;
    this.status = errorCatalogue[code].status;
    this.retryable = errorCatalogue[code].retryable;
    this.detail = options.detail;
    this.param = options.param;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}

/** Makes an error from the catalogue; the type of `parameters` follows from the template. */
export function makeError<Code extends ErrorCode>(
  code: Code,
  parameters: ErrorParameters<Code>,
  options?: ErrorOptions,
): DuanyunError {
  const values = parameters as Record<string, string | number>;
  const message = errorCatalogue[code].message.replace(/\{(\w+)\}/g, (_, name: string) => String(values[name]));
  return new DuanyunError(code, message, options);
}

/** The error itself when it is one of ours, otherwise `internal` with the original as its cause. */
export function toDuanyunError(error: unknown, requestId = 'unknown'): DuanyunError {
  if (error instanceof DuanyunError) return error;
  const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return makeError('internal', { requestId }, { cause: error, detail });
}
