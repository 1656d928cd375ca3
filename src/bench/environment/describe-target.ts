/** What a server tells of itself, and what can be measured from outside. */
import { setTimeout as sleep } from 'node:timers/promises';
import { once } from 'node:events';
import { connect, isIP } from 'node:net';
import { z } from 'zod';
import type { Target } from '../client/load-client.ts';
import { percentile } from '../metrics/statistics.ts';
import type { TargetDescription } from '../record.ts';
import { localServerFacts, mib } from './local-server.ts';
import { machineFacts, unavailable, type Facts } from './machine.ts';
import { listenerPid } from './process-tree.ts';

const requestTimeoutMs = 5000;
const modelsSchema = z.looseObject({ data: z.array(z.looseObject({ id: z.string() })).min(1) });

/** @throws Error that says why nothing answers */
export async function listModels(url: string, apiKey: string | undefined, signal: AbortSignal): Promise<string[]> {
  const body = await getJson(`${url}/models`, apiKey, signal);
  return modelsSchema.parse(body).data.map(({ id }) => id);
}

/** Where the answers of a target are computed. `decided`: the entry picks a side for each request. */
export type Place = 'here' | 'elsewhere' | 'behind-entry' | 'decided';

/** @param given facts that the user states, `device` = `AWS p4d.24xlarge`: they cannot be seen from outside */
export async function describeTarget(
  target: Target,
  given: Record<string, string>,
  signal: AbortSignal,
): Promise<TargetDescription> {
  const { hostname, origin, port, protocol } = new URL(target.url);
  const isLoopback =
    hostname === 'localhost' || hostname === '[::1]' || (isIP(hostname) === 4 && hostname.startsWith('127.'));
  const kind = await serverKind(origin, target, signal);
  const place = placeOf(kind.name, target.model, isLoopback);
  const portNumber = Number(port || (protocol === 'https:' ? 443 : 80));
  const roundTripMs = await measureRoundTrip(`${target.url}/models`, target.apiKey, signal);
  const pid = isLoopback ? await listenerPid(portNumber) : undefined;
  const stated = Object.fromEntries(
    Object.entries(given).map(([name, value]) => [name, { value, reason: 'stated by the user' }]),
  );
  return {
    name: target.name,
    url: withoutSecrets(target.url),
    model: target.model,
    kind: kind.name,
    local: place === 'here' || place === 'decided',
    place,
    ...(roundTripMs === undefined ? {} : { roundTripMs }),
    environment: {
      ...(place === 'here' || place === 'decided' ? await machineFacts() : factsOfElsewhere(place)),
      network: { value: await networkFact(place, hostname.replace(/^\[|\]$/g, ''), portNumber, roundTripMs) },
      deployment: { value: place === 'behind-entry' ? `a server behind ${kind.name}` : kind.name },
      'server version': kind.version === undefined ? unavailable('the server does not say') : { value: kind.version },
      ...(place === 'behind-entry' ? behindEntry : await modelAndSoftware(target, kind, pid)),
      ...stated,
    },
  };
}

/** `cloud` of a Duanyun entry on this machine is computed elsewhere, whatever its address says. */
export function placeOf(kind: string, model: string, isLoopback: boolean): Place {
  if (kind === 'Duanyun' && model === 'cloud') return 'behind-entry';
  if (!isLoopback) return 'elsewhere';
  return kind === 'Duanyun' && (model === 'auto' || model === 'autoglm-phone-9b') ? 'decided' : 'here';
}

const behindEntry: Facts = {
  quantisation: unavailable('the server stands behind the entry'),
  'model file': unavailable('the server stands behind the entry'),
};

function factsOfElsewhere(place: Place): Facts {
  const reason =
    place === 'behind-entry' ? 'behind the entry; state it with --fact' : 'a remote machine; state it with --fact';
  const names = ['device', 'processor', 'instruction sets', 'memory', 'memory kind', 'storage', 'operating system'];
  return Object.fromEntries(names.map((name) => [name, unavailable(reason)]));
}

async function modelAndSoftware(target: Target, kind: ServerKind, pid: number | undefined): Promise<Facts> {
  const seen = pid === undefined ? {} : await localServerFacts(pid);
  const { files, loadMs } = kind;
  const modelFile =
    kind.modelFile === undefined
      ? (seen['model file'] ?? unavailable('the server does not say'))
      : { value: kind.modelFile };
  const sizeBytes = files?.reduce((sum, file) => sum + (file.size_bytes ?? 0), 0) ?? 0;
  const noPid = unavailable('the server’s process is not on this machine, belongs to another user, or is not shown');
  return {
    ...seen,
    'model file': modelFile,
    quantisation:
      seen['quantisation'] ?? quantisationOf(target.model, 'reason' in modelFile ? undefined : modelFile.value),
    'model on disk': sizeBytes > 0 ? { value: mib(sizeBytes) } : (seen['model on disk'] ?? noPid),
    'software on disk': seen['software on disk'] ?? noPid,
    ...(loadMs === undefined ? {} : { 'model loaded in': { value: `${(loadMs / 1000).toFixed(1)} s` } }),
  };
}

async function networkFact(place: Place, host: string, port: number, roundTripMs: number | undefined): Promise<string> {
  const where = { here: 'loopback', decided: 'loopback', elsewhere: 'remote', 'behind-entry': 'through the entry' }[
    place
  ];
  const connectMs = await measureConnect(host, port);
  const parts = [where];
  if (connectMs !== undefined) parts.push(`TCP connect ${connectMs.toFixed(2)} ms`);
  if (roundTripMs !== undefined) parts.push(`HTTP round trip ${roundTripMs.toFixed(2)} ms`);
  return `${parts.join(', ')}${parts.length > 1 ? ' (medians of 7)' : ''}`;
}

/** One round trip of the network, without the server's own work. */
async function measureConnect(host: string, port: number): Promise<number | undefined> {
  const times: number[] = [];
  for (let count = 0; count < 7; count++) {
    const startMs = performance.now();
    const socket = connect({ host, port, timeout: requestTimeoutMs });
    try {
      await once(socket, 'connect');
      times.push(performance.now() - startMs);
    } catch {
      return undefined;
    } finally {
      socket.destroy();
    }
  }
  return percentile(times, 50);
}

const weightsSchema = z.looseObject({
  weights: z.looseObject({
    files: z.array(z.looseObject({ name: z.string(), size_bytes: z.number().optional() })).min(1),
    load_ms: z.number().optional(),
  }),
});
type WeightFile = { name: string; size_bytes?: number | undefined };
type ServerKind = { name: string; version?: string; modelFile?: string; files?: WeightFile[]; loadMs?: number };

async function serverKind(origin: string, { url, apiKey, model }: Target, signal: AbortSignal): Promise<ServerKind> {
  const ask = async (path: string): Promise<Record<string, unknown>> =>
    (await getJson(path.startsWith('/') ? origin + path : path, apiKey, signal).catch(() => ({}))) as Record<
      string,
      unknown
    >;
  const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
  const made = (name: string, version: string | undefined, modelFile?: string): ServerKind => ({
    name,
    ...(version === undefined ? {} : { version }),
    ...(modelFile === undefined ? {} : { modelFile }),
  });
  const root = await ask('/');
  if (root['name'] === 'duanyun') {
    const own = made('Duanyun', text(root['version']));
    const told = weightsSchema.safeParse(await ask(`${url}/models/${encodeURIComponent(model)}`));
    if (!told.success) return own;
    const { files, load_ms: loadMs } = told.data.weights;
    const modelFile = files.map(({ name }) => name).join(', ');
    return { ...own, modelFile, files, ...(loadMs === undefined ? {} : { loadMs }) };
  }
  const props = await ask('/props');
  if ('default_generation_settings' in props) {
    const file = text(props['model_path'])?.split(/[\\/]/).at(-1);
    return made('llama-server', text(props['build_info']), file);
  }
  const ollama = await ask('/api/version');
  if ('version' in ollama) return made('Ollama', text(ollama['version']));
  const vllm = await ask('/version');
  if ('version' in vllm) return made('vLLM or alike', text(vllm['version']));
  return made('OpenAI-compatible server', undefined);
}

function quantisationOf(model: string, file: string | undefined) {
  const found = /(?:^|[-_.:])(i?q\d(?:_[a-z0-9]+)*|fp?16|bf16|fp8|int[48]|awq|gptq|mxfp4)(?=$|[-_.])/i.exec(
    file ?? model,
  )?.[1];
  return found === undefined ? unavailable('neither the model nor its file names one') : { value: found };
}

async function measureRoundTrip(
  url: string,
  apiKey: string | undefined,
  signal: AbortSignal,
): Promise<number | undefined> {
  const times: number[] = [];
  for (let count = 0; count < 8; count++) {
    const startMs = performance.now();
    try {
      await getJson(url, apiKey, signal);
    } catch {
      return undefined;
    }
    // The first one opens the connection.
    if (count > 0) times.push(performance.now() - startMs);
    await sleep(5, undefined, { signal });
  }
  return percentile(times, 50);
}

async function getJson(url: string, apiKey: string | undefined, signal: AbortSignal): Promise<unknown> {
  const response = await fetch(url, {
    headers: apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` },
    signal: AbortSignal.any([signal, AbortSignal.timeout(requestTimeoutMs)]),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`status ${response.status}`);
  return JSON.parse(text);
}

/** A key in an address must not stand in a report that is passed around. */
export function withoutSecrets(url: string): string {
  const parsed = new URL(url);
  parsed.username = '';
  parsed.password = '';
  parsed.search = '';
  return parsed.href.replace(/\/$/, '');
}
