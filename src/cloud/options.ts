import type { Modality } from '../core/backend.ts';

export type CloudModel = {
  id: string;
  /** Default: what `/v1/models` says (`max_model_len`), else 8192. */
  contextTokens?: number;
  /** Default text only: no server says it, and a picture sent to a text model is an error. */
  modalities?: Modality[];
  /** Default true. */
  tools?: boolean;
  /** Default true. */
  reasoning?: boolean;
  /** Default false. */
  embeddings?: boolean;
};

export type UpstreamOptions = {
  /** `https://host[:port][/path]`, with or without `/v1`. */
  url: string;
  apiKey?: string;
  /** What it serves. Empty: asked of `/v1/models`. */
  models?: CloudModel[];
  /** What holds for models that `/v1/models` names. */
  modelDefaults?: Omit<CloudModel, 'id'>;
  /** PEM text to trust beside the built-in roots. */
  certificatePem?: string;
  proxy?: { httpProxy?: string; httpsProxy?: string; noProxy?: string };
};

export type CloudLimits = {
  /** Until a connection stands, TLS included. Default 3 s. */
  connectMs: number;
  /** From the request to the first token. Default 30 s. */
  firstTokenMs: number;
  /** Between two pieces of an answer; keep-alive comments do not count. Default 20 s. */
  silenceMs: number;
  /** For a whole embedding. Default 30 s. */
  embeddingMs: number;
  /** Tries of one request in all, over all upstreams. Default 3. */
  attempts: number;
  /** First pause before the same upstream is tried again; doubled each time, of which a random half is taken. Default 100 ms. */
  retryDelayMs: number;
  /** A `Retry-After` up to this is waited for; a longer one is passed on. Default 2 s. */
  maxRetryWaitMs: number;
  /** Start a second try elsewhere when the first token takes this long. Default: never. */
  hedgeAfterMs?: number;
  /** Pause between health probes of an upstream that works. Default 5 s. */
  probeMs: number;
  /** The same while it does not: how soon a returned network is noticed. Default 500 ms. */
  downProbeMs: number;
  /** A probe that takes longer failed. Default 2 s. */
  probeTimeoutMs: number;
};

export const defaultLimits: CloudLimits = {
  connectMs: 3000,
  firstTokenMs: 30_000,
  silenceMs: 20_000,
  embeddingMs: 30_000,
  attempts: 3,
  retryDelayMs: 100,
  maxRetryWaitMs: 2000,
  probeMs: 5000,
  downProbeMs: 500,
  probeTimeoutMs: 2000,
};
