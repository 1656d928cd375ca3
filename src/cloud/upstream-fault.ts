/** What went wrong with an upstream, before it becomes an error of the catalogue. */
import { DuanyunError, makeError } from '../core/errors.ts';

export type FaultKind =
  | 'connect'
  | 'dns'
  | 'tls'
  | 'broken'
  | 'redirect'
  | 'first-token-timeout'
  | 'silence'
  | 'half-stream'
  | 'garbage'
  | 'busy'
  | 'failed'
  | 'credentials'
  | 'unknown-model'
  | 'refused-request'
  | 'upstream-error';

/** `upstream`: nothing sent there will work now. `request`: this request will not work anywhere. */
type FaultRule = { blames: 'network' | 'upstream' | 'request' | 'nobody'; canRetry: boolean };

const rules: Record<FaultKind, FaultRule> = {
  connect: { blames: 'network', canRetry: true },
  dns: { blames: 'network', canRetry: true },
  tls: { blames: 'network', canRetry: false },
  broken: { blames: 'upstream', canRetry: true },
  redirect: { blames: 'network', canRetry: false },
  'first-token-timeout': { blames: 'upstream', canRetry: true },
  silence: { blames: 'upstream', canRetry: true },
  'half-stream': { blames: 'upstream', canRetry: true },
  garbage: { blames: 'upstream', canRetry: true },
  busy: { blames: 'nobody', canRetry: true },
  failed: { blames: 'upstream', canRetry: true },
  credentials: { blames: 'network', canRetry: false },
  'unknown-model': { blames: 'upstream', canRetry: false },
  'refused-request': { blames: 'request', canRetry: false },
  'upstream-error': { blames: 'upstream', canRetry: true },
};

export class UpstreamFault extends Error {
  readonly kind: FaultKind;
  readonly retryAfterMs: number | undefined;
  /** Already an error of the catalogue, where the upstream said something that has one. */
  readonly own: DuanyunError | undefined;

  constructor(
    kind: FaultKind,
    message: string,
    options: { cause?: unknown; retryAfterMs?: number | undefined; own?: DuanyunError } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.kind = kind;
    this.retryAfterMs = options.retryAfterMs;
    this.own = options.own;
  }

  get blames(): FaultRule['blames'] {
    return rules[this.kind].blames;
  }

  /** Whether the same request may be sent to the same upstream again; to another one it may whenever it is not to blame. */
  get canRetry(): boolean {
    return rules[this.kind].canRetry;
  }
}

/** The message is one of ours and never what the upstream wrote: that could quote the request. */
export function faultError(error: unknown): DuanyunError {
  if (error instanceof DuanyunError) return error;
  if (!(error instanceof UpstreamFault)) {
    const detail = error instanceof Error ? error.message : String(error);
    return makeError('cloud_unavailable', { reason: 'the connection failed' }, { cause: error, detail });
  }
  if (error.own !== undefined) return error.own;
  const detail = error.cause instanceof Error ? error.cause.message : undefined;
  const options = {
    cause: error,
    ...(detail === undefined ? {} : { detail }),
    ...(error.retryAfterMs === undefined ? {} : { retryAfterSeconds: Math.ceil(error.retryAfterMs / 1000) }),
  };
  if (error.blames === 'request') return makeError('cloud_refused', { reason: error.message }, options);
  return makeError('cloud_unavailable', { reason: error.message }, options);
}
