/** A decision without a server: a device that is ready and a cloud that answers are taken for granted. */
import type { Config } from '../../config/load-config.ts';
import type { Backend, ModelCapabilities } from '../../core/backend.ts';
import { plainRequest } from '../../core/plain-request.ts';
import { systemClock } from '../../core/clock.ts';
import { makeError } from '../../core/errors.ts';
import { silentLog } from '../../core/log.ts';
import { EgressGate } from '../../cloud/egress-gate.ts';
import type { CloudSnapshot } from '../../cloud/cloud-snapshot.ts';
import { type Explanation, HybridService } from '../../hybrid/hybrid-service.ts';
import { openPolicy } from '../../hybrid/policy-file.ts';

const usualContextTokens = 8192;

export async function explainText(config: Config, text: string): Promise<Explanation> {
  const models: CloudSnapshot['models'] = (config.cloudModel.length === 0 ? ['cloud'] : config.cloudModel).map((id) =>
    Object.assign(capabilities(id), {
      modalities: [...config.cloudModalities],
      breaker: 'closed' as const,
      firstTokenMs: 500,
      tokensPerSecond: 30,
    }),
  );
  const service = new HybridService({
    device: described('device', [capabilities('device')]),
    ...(config.cloudUrl.length === 0
      ? {}
      : { cloud: Object.assign(described('cloud', models), { snapshot: () => ({ reachable: true, models }) }) }),
    gate: new EgressGate({ clock: systemClock }),
    policy: openPolicy(config.policy, systemClock, silentLog),
    aliasesOf: () => [],
    createdSeconds: 0,
  });
  return service.explain(plainRequest('explain', text));
}

/** Says what it could do and does nothing: explaining runs nothing. */
function described(id: string, models: ModelCapabilities[]): Backend {
  const refusal = (): never => {
    throw makeError('engine_unavailable', { reason: 'this command only explains' });
  };
  return {
    id,
    capabilities: () => models,
    health: () => ({ status: 'ready' }),
    stream: refusal,
    embed: refusal,
    dispose: () => Promise.resolve(),
  };
}

function capabilities(id: string): ModelCapabilities {
  return {
    id,
    contextTokens: usualContextTokens,
    modalities: ['text'],
    tools: true,
    reasoning: true,
    embeddings: true,
  };
}
