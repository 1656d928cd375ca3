/** Asks a running server about its modules. */
import { z } from 'zod';
import { DuanyunError, errorCatalogue, makeError, type ErrorCode } from '../core/errors.ts';

const moduleSchema = z.object({
  name: z.string(),
  state: z.string(),
  model: z.string().optional(),
  required_bytes: z.number().optional(),
  resident_bytes: z.number(),
  active_uses: z.number(),
  loads: z.number(),
  load_ms: z.number().optional(),
  last_used_at: z.number().optional(),
  progress: z.number().optional(),
  reason: z.string().optional(),
});
const listSchema = z.object({ data: z.array(moduleSchema) });
const errorSchema = z.object({ error: z.object({ message: z.string(), code: z.string() }) });

export type ShownModule = z.infer<typeof moduleSchema>;

export class ModulesClient {
  readonly #url: string;
  readonly #headers: Record<string, string>;

  /** @param url address of the server, with or without `/v1` */
  constructor(url: string, apiKey: string | undefined) {
    this.#url = url.replace(/\/+$/, '').replace(/\/v1$/, '');
    this.#headers = apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` };
  }

  async list(signal: AbortSignal): Promise<ShownModule[]> {
    return listSchema.parse(await this.#ask('/v1/modules', 'GET', signal)).data;
  }

  /** Throws what the server says is wrong. */
  async change(name: string, action: 'load' | 'unload', signal: AbortSignal): Promise<ShownModule> {
    const path = `/v1/modules/${encodeURIComponent(name)}/${action}`;
    return moduleSchema.parse(await this.#ask(path, 'POST', signal));
  }

  async #ask(path: string, method: string, signal: AbortSignal): Promise<unknown> {
    let response: Response;
    try {
      response = await fetch(this.#url + path, { method, headers: this.#headers, signal });
    } catch (cause) {
      signal.throwIfAborted();
      throw makeError('server_unreachable', { url: this.#url, reason: 'no answer' }, { cause });
    }
    const body: unknown = await response.json().catch(() => undefined);
    if (response.ok) return body;
    const known = errorSchema.safeParse(body);
    if (known.success && Object.hasOwn(errorCatalogue, known.data.error.code)) {
      throw new DuanyunError(known.data.error.code as ErrorCode, known.data.error.message);
    }
    throw makeError('server_unreachable', { url: this.#url, reason: `it answered with status ${response.status}` });
  }
}
