/** What a server tells of itself, and what can be measured from outside. */
import { setTimeout as sleep } from 'node:timers/promises';
import { isIP } from 'node:net';
import { z } from 'zod';
import type { Target } from '../client/load-client.ts';
import { percentile } from '../metrics/statistics.ts';
import type { TargetDescription } from '../record.ts';
import { machineFacts, unavailable, type Facts } from './machine.ts';

const requestTimeoutMs = 5000;
const modelsSchema = z.looseObject({ data: z.array(z.looseObject({ id: z.string() })).min(1) });

/** @throws Error that says why nothing answers */
export async function listModels(url: string, apiKey: string | undefined, signal: AbortSignal): Promise<string[]> {
  const body = await getJson(`${url}/models`, apiKey, signal);
  return modelsSchema.parse(body).data.map(({ id }) => id);
}

/** @param given facts that the user states, `device` = `AWS p4d.24xlarge`: they cannot be seen from outside */
export async function describeTarget(
  target: Target,
  given: Record<string, string>,
  signal: AbortSignal,
): Promise<TargetDescription> {
  const { hostname, origin } = new URL(target.url);
  const local =
    hostname === 'localhost' || hostname === '[::1]' || (isIP(hostname) === 4 && hostname.startsWith('127.'));
  const kind = await serverKind(origin, target.apiKey, signal);
  const roundTripMs = await measureRoundTrip(`${target.url}/models`, target.apiKey, signal);
  const network = local ? 'loopback' : 'remote';
  const stated = Object.fromEntries(
    Object.entries(given).map(([name, value]) => [name, { value, reason: 'stated by the user' }]),
  );
  const remote = unavailable('a remote machine; state it with --fact');
  const machine: Facts = local
    ? await machineFacts()
    : { device: remote, processor: remote, memory: remote, storage: remote, 'operating system': remote };
  return {
    name: target.name,
    url: withoutSecrets(target.url),
    model: target.model,
    kind: kind.name,
    local,
    ...(roundTripMs === undefined ? {} : { roundTripMs }),
    environment: {
      ...machine,
      network: {
        value:
          roundTripMs === undefined ? network : `${network}, round trip ${roundTripMs.toFixed(2)} ms (median of 7)`,
      },
      deployment: { value: kind.name },
      'server version': kind.version === undefined ? unavailable('the server does not say') : { value: kind.version },
      quantisation: quantisationOf(target.model, kind.modelFile),
      'model file': kind.modelFile === undefined ? unavailable('the server does not say') : { value: kind.modelFile },
      ...stated,
    },
  };
}

type ServerKind = { name: string; version?: string; modelFile?: string };

async function serverKind(origin: string, apiKey: string | undefined, signal: AbortSignal): Promise<ServerKind> {
  const ask = async (path: string): Promise<Record<string, unknown>> =>
    (await getJson(`${origin}${path}`, apiKey, signal).catch(() => ({}))) as Record<string, unknown>;
  const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
  const made = (name: string, version: string | undefined, modelFile?: string): ServerKind => ({
    name,
    ...(version === undefined ? {} : { version }),
    ...(modelFile === undefined ? {} : { modelFile }),
  });
  const root = await ask('/');
  if (root['name'] === 'duanyun') return made('Duanyun', text(root['version']));
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
