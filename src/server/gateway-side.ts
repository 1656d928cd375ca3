/** What the role `cloud` adds to the entry: who calls, what that key may do, the books. In the role `device` all of it is absent. */
import type { Caller } from '../gateway/keys/key-record.ts';
import type { GatewayAdministration } from '../gateway/gateway-administration.ts';
import type { Gateway, Pass, RequestFacts } from '../gateway/gateway.ts';
import type { RelayService } from '../gateway/relay-service.ts';
import { makeError } from '../core/errors.ts';
import type { GenerationRequest } from '../core/chat.ts';
import type { Entry, EntryContext } from './entry.ts';
import type { AddressReader } from './client-address.ts';

export type GatewaySide = {
  gateway: Gateway;
  relay: RelayService;
  /** Default: the address of the connection. */
  address: AddressReader;
  /** Absent: keys are managed by the command only. */
  administration?: GatewayAdministration;
};

/** @throws what `Gateway.pass` throws */
export async function takePass(
  entry: Entry,
  c: EntryContext,
  facts: RequestFacts,
  signal: AbortSignal,
): Promise<Pass | undefined> {
  const side = entry.gateway;
  if (side === undefined) return undefined;
  const pass = await side.gateway.pass(callerOf(c), addressOf(side, c), facts, signal, (headers) => {
    c.set('rateHeaders', headers);
  });
  c.set('pass', pass);
  return pass;
}

/** Of all choices of one request. */
export function factsOf(entry: Entry, requests: readonly GenerationRequest[]): RequestFacts {
  const [first] = requests;
  const model = entry.gateway?.relay.modelOf(first?.model ?? 'auto') ?? '';
  const prompts = new Set(requests.map(({ input }) => input));
  let promptTokens = 0;
  for (const input of prompts) promptTokens += promptTokensOf(input);
  const maxTokens = first?.maxTokens === undefined ? undefined : first.maxTokens * requests.length;
  return { model, promptTokens, maxTokens, priority: first?.priority ?? 0 };
}

/** About four bytes are one token, in English as in Chinese; a picture counts as a thousand. */
function promptTokensOf(input: GenerationRequest['input']): number {
  if (input.kind === 'completion') {
    return typeof input.prompt === 'string' ? textTokens(input.prompt) : input.prompt.length;
  }
  let tokens = 0;
  for (const { content } of input.messages) {
    for (const part of content) tokens += part.type === 'text' ? textTokens(part.text) : mediaTokens;
  }
  return tokens;
}

const mediaTokens = 1000;

export function textTokens(text: string): number {
  return Math.ceil(Buffer.byteLength(text) / 4);
}

export function callerOf(c: EntryContext): Caller {
  return c.get('caller') ?? { id: 'anonymous', kind: 'anonymous', limits: {} };
}

export function addressOf(side: GatewaySide, c: EntryContext): string {
  return side.address(c.env?.incoming?.socket.remoteAddress, c.req.header('x-forwarded-for'));
}

/** Figures of all keys are not for the holder of one. @throws `key_forbidden` */
export function checkOperator(c: EntryContext): void {
  if (c.get('caller')?.kind !== 'key') return;
  throw makeError('key_forbidden', { reason: 'this page needs a key of DUANYUN_API_KEY or --api-key-file' });
}
