/** Makes the body that goes to an upstream from the body of a client, and passes the answer on as it comes. */
import type { CloudBackend, Relay } from '../cloud/cloud-backend.ts';
import type { RelayCall } from '../cloud/relay-exchange.ts';
import type { GatewayService } from './gateway-service.ts';

export type { Relay } from '../cloud/cloud-backend.ts';
export type WireBody = Record<string, unknown>;
export type RelayPath = RelayCall['path'];

/** Words of this entry that no other server knows. */
const ownFields = ['duanyun', 'priority', 'truncate', 'return_reasoning', 'include_reasoning', 'enable_thinking'];

export class RelayService {
  readonly #cloud: Pick<CloudBackend, 'relay'>;
  readonly #service: GatewayService;

  constructor(cloud: Pick<CloudBackend, 'relay'>, service: GatewayService) {
    this.#cloud = cloud;
    this.#service = service;
  }

  modelOf(name: string): string {
    return this.#service.modelOf(name);
  }

  /** Whether an answer can go through as it comes; else it is read and written anew. */
  canPass(body: WireBody): boolean {
    return body['return_reasoning'] !== false && body['include_reasoning'] !== false && body['truncate'] !== 'auto';
  }

  /**
   * @param choices answers that must come to an end
   * @throws what `CloudBackend.relay` throws
   */
  async open(path: RelayPath, body: WireBody, model: string, choices: number, signal: AbortSignal): Promise<Relay> {
    const stream = body['stream'] === true && path !== '/embeddings';
    const streamOptions = body['stream_options'] as { include_usage?: unknown } | null | undefined;
    const wantsUsage = streamOptions?.include_usage === true;
    const outgoing = outgoingBody(body, model, stream && !wantsUsage);
    await this.#service.open(outgoing);
    const bytes = Buffer.from(JSON.stringify(outgoing));
    return this.#cloud.relay(outgoing, { path, body: bytes, stream, choices, wantsUsage }, model, signal);
  }
}

/** Everything that the client sent, but for this entry's own words. */
function outgoingBody(body: WireBody, model: string, addUsage: boolean): WireBody {
  const outgoing: WireBody = { ...body, model };
  for (const field of ownFields) if (field in outgoing) delete outgoing[field];
  if (typeof body['enable_thinking'] === 'boolean') {
    const given = body['chat_template_kwargs'];
    const kwargs = typeof given === 'object' && given !== null ? given : {};
    outgoing['chat_template_kwargs'] = { enable_thinking: body['enable_thinking'], ...kwargs };
  }
  if (addUsage) {
    const given = body['stream_options'];
    outgoing['stream_options'] = { ...(typeof given === 'object' && given !== null ? given : {}), include_usage: true };
  }
  return outgoing;
}
