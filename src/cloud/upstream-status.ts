/** What a status other than 200 means. */
import { makeError } from '../core/errors.ts';
import { parseRetryAfter } from './retry-after.ts';
import { UpstreamFault } from './upstream-fault.ts';

export type StatusAnswer = { status: number; header: (name: string) => string | undefined; text: string };

export function statusFault({ status, header, text }: StatusAnswer, model: string, wallTimeMs: number): UpstreamFault {
  const retryAfterMs = parseRetryAfter(header('retry-after'), wallTimeMs);
  switch (true) {
    case status >= 300 && status < 400:
      return new UpstreamFault('redirect', 'the upstream answered with a redirect, which is refused');
    case status === 429 || status === 503:
      return new UpstreamFault(
        status === 429 || retryAfterMs !== undefined ? 'busy' : 'failed',
        'the upstream is busy',
        { retryAfterMs },
      );
    case status === 401 || status === 403:
      return new UpstreamFault('credentials', 'the upstream refuses our API key');
    case status === 404:
      return new UpstreamFault('unknown-model', `the upstream does not serve ${model}`);
    case status >= 500 || status === 408:
      return new UpstreamFault('failed', `the upstream failed with status ${status}`);
    default:
      return refusedRequest(status, text, model);
  }
}

/** The upstream's own words go nowhere: they may quote the request. Only what is said of the length is read. */
function refusedRequest(status: number, text: string, model: string): UpstreamFault {
  const limit = /maximum context length is (\d+)/i.exec(text)?.[1];
  if (limit !== undefined) {
    const promptTokens = /(\d+)\s*(?:input\s*)?tokens?\b(?!.{0,40}maximum)/i.exec(
      text.replace(/maximum context length is \d+ tokens?/i, ''),
    )?.[1];
    const own = makeError('context_length_exceeded', {
      promptTokens: promptTokens ?? 'too many',
      model,
      contextTokens: limit,
    });
    return new UpstreamFault('refused-request', 'the prompt is too long', { own });
  }
  return new UpstreamFault('refused-request', refusalText(status, text));
}

/** The name of the fault and of the field, where the upstream gives them in a form that can hold no sentence. */
function refusalText(status: number, text: string): string {
  const word = (name: string): string | undefined =>
    new RegExp(`"${name}"\\s*:\\s*"([\\w.[\\]-]{1,60})"`).exec(text)?.[1];
  const kind = word('type');
  const field = word('param');
  return `status ${status}${kind === undefined ? '' : `, ${kind}`}${field === undefined ? '' : `, field ${field}`}`;
}
