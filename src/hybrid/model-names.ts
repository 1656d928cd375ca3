/** What the names in requests mean, and the list of names. */
import { adapterPrefix } from '../core/adapters.ts';
import type { Backend, ModelCapabilities } from '../core/backend.ts';
import { makeError } from '../core/errors.ts';
import type { ListedModel } from '../core/inference.ts';
import type { RouteTarget } from '../routing/types.ts';

/** The hybrid entry and the name that clients of the reference document send. */
const hybridNames = ['auto', 'autoglm-phone-9b'];
const sideNames: Record<string, RouteTarget> = { edge: 'device', cloud: 'cloud' };

export type ResolvedName = {
  /** Absent: routing chooses. */
  forced?: RouteTarget;
  /** The only models that may answer; absent: any. */
  deviceModel?: string;
  cloudModel?: string;
};

export type ModelNamesParts = {
  device: Pick<Backend, 'capabilities' | 'health'>;
  cloud?: Pick<Backend, 'capabilities'>;
  aliasesOf(modelId: string): readonly string[];
  /** Why an adapter that is here cannot be used, where it cannot. */
  adapterFault?: (name: string) => Error | undefined;
  /** Unix seconds shown as the models' date. */
  createdSeconds: number;
};

export class ModelNames {
  readonly #parts: ModelNamesParts;

  constructor(parts: ModelNamesParts) {
    this.#parts = parts;
  }

  /** @throws `model_not_found`; `engine_unavailable` while the device has not said what it runs */
  resolve(name: string): ResolvedName {
    const wanted = name.toLowerCase();
    if (hybridNames.includes(wanted)) return {};
    const side = sideNames[wanted];
    if (side === 'device' || (side === 'cloud' && this.#parts.cloud !== undefined)) return { forced: side };
    const device = this.#parts.device.capabilities();
    const own = device.find(({ id }) => id === wanted || this.#aliasesOf(id).includes(wanted));
    // An adapter exists here only, whatever a server of the cloud calls its models.
    if (own?.id.startsWith(adapterPrefix)) return { forced: 'device', deviceModel: own.id };
    const remote = this.#parts.cloud?.capabilities().find(({ id }) => id === name || id.toLowerCase() === wanted);
    // A model that both sides serve is routed like `auto`, with that model on either side.
    if (own !== undefined && remote !== undefined) return { deviceModel: own.id, cloudModel: remote.id };
    if (own !== undefined) return { forced: 'device', deviceModel: own.id };
    if (remote !== undefined) return { forced: 'cloud', cloudModel: remote.id };
    const health = this.#parts.device.health();
    if (device.length === 0 && health.status !== 'ready') {
      throw makeError('engine_unavailable', { reason: health.reason }, { retryAfterSeconds: 10 });
    }
    const fault = wanted.startsWith(adapterPrefix)
      ? this.#parts.adapterFault?.(wanted.slice(adapterPrefix.length))
      : undefined;
    if (fault !== undefined) throw fault;
    const available = this.list().flatMap(({ id, aliases }) => [id].concat(aliases));
    const model = name.length > 100 ? `${name.slice(0, 100)}…` : name;
    throw makeError('model_not_found', { model, available: available.join(', ') }, { param: 'model' });
  }

  list(): ListedModel[] {
    const device = this.#parts.device.capabilities();
    const remote = this.#parts.cloud?.capabilities() ?? [];
    const either = widest([...device, ...remote]);
    if (either === undefined) return [];
    const listed = [this.#entry('auto', hybridNames.slice(1), either)];
    if (device[0] !== undefined) listed.push(this.#entry('edge', [], device[0]));
    if (remote[0] !== undefined) listed.push(this.#entry('cloud', [], remote[0]));
    for (const model of device) listed.push(this.#entry(model.id, this.#aliasesOf(model.id), model));
    for (const model of remote) listed.push(this.#entry(model.id, [], model));
    // Each name once: the first that has it keeps it.
    const taken = new Set<string>();
    const free = (id: string): boolean => !taken.has(id) && taken.add(id).has(id);
    return listed.flatMap((model) =>
      free(model.id) ? [{ ...model, aliases: model.aliases.filter((alias) => free(alias)) }] : [],
    );
  }

  /** An adapter also goes by its bare name, where nothing else is called so. */
  #aliasesOf(id: string): readonly string[] {
    if (!id.startsWith(adapterPrefix)) return this.#parts.aliasesOf(id);
    const name = id.slice(adapterPrefix.length);
    const isTaken = this.#parts.cloud?.capabilities().some((model) => model.id.toLowerCase() === name) ?? false;
    return isTaken ? [] : [name];
  }

  #entry(id: string, aliases: readonly string[], capabilities: ModelCapabilities): ListedModel {
    return {
      id,
      aliases: [...aliases],
      ownedBy: 'duanyun',
      created: this.#parts.createdSeconds,
      capabilities: { ...capabilities, id },
    };
  }
}

/** What at least one side can do. */
function widest(models: ModelCapabilities[]): ModelCapabilities | undefined {
  const [first] = models;
  if (first === undefined) return undefined;
  return {
    id: first.id,
    contextTokens: Math.max(...models.map(({ contextTokens }) => contextTokens)),
    modalities: [...new Set(models.flatMap(({ modalities }) => modalities))],
    tools: models.some(({ tools }) => tools),
    reasoning: models.some(({ reasoning }) => reasoning),
    embeddings: models.some(({ embeddings }) => embeddings),
  };
}
