/** A hybrid service between a scripted device and a recording cloud. */
import { FakeCloud } from '../../../test/support/fake-cloud.ts';
import { ScriptedBackend } from '../../../test/support/scripted-backend.ts';
import { CloudBackend, type CloudOptions } from '../../cloud/cloud-backend.ts';
import { EgressGate } from '../../cloud/egress-gate.ts';
import type { Modality } from '../../core/backend.ts';
import type { ChatMessage, GenerationRequest } from '../../core/chat.ts';
import { plainChat, plainRequest } from '../../core/plain-request.ts';
import { systemClock } from '../../core/clock.ts';
import type { StreamEvent } from '../../core/events.ts';
import { parsePolicy } from '../../routing/policy.ts';
import { createHybridControl } from '../control.ts';
import { HybridService, type HybridOptions } from '../hybrid-service.ts';
import { silentLog } from '../../core/log.ts';
import type { Receipt } from '../receipts.ts';
import { Statistics } from '../statistics.ts';

export type Setup = {
  service: HybridService;
  control: ReturnType<typeof createHybridControl>;
  device: ScriptedBackend;
  cloud: FakeCloud;
  backend: CloudBackend;
  gate: EgressGate;
  /** Receipts in the order in which they were completed. */
  receipts: Receipt[];
  close(): Promise<void>;
};

export type SetupOptions = {
  /** As a policy file gives it. Default: the cloud is preferred, so that what does not go there had a reason. */
  policy?: object;
  hybrid?: Partial<HybridOptions>;
  cloud?: Partial<CloudOptions>;
  budgetMs?: number;
  upstreamUrl?: string;
  /** What the upstream serves. Default: `cloud-1`. */
  cloudModels?: string[];
  /** What each side's model reads. Default: the device everything, the cloud text. */
  modalities?: { device?: Modality[]; cloud?: Modality[] };
};

const inCloud = { preference: 'prefer_in_cloud', thresholds: { preference_margin: 10 } };

export async function setUp(options: SetupOptions = {}): Promise<Setup> {
  const cloud = await new FakeCloud().start();
  const gate = new EgressGate({ clock: systemClock, budgetMs: options.budgetMs ?? 2000 });
  const backend = new CloudBackend({
    gate,
    upstreams: [
      {
        url: options.upstreamUrl ?? cloud.url,
        models: (options.cloudModels ?? ['cloud-1']).map((id) => ({
          id,
          contextTokens: 8192,
          modalities: options.modalities?.cloud ?? ['text'],
        })),
      },
    ],
    ...options.cloud,
    limits: {
      attempts: 2,
      retryDelayMs: 1,
      ...options.cloud?.limits,
    },
  });
  const device = new ScriptedBackend({
    id: 'device',
    models: ['small-1'],
    ...(options.modalities?.device === undefined ? {} : { modalities: options.modalities.device }),
  });
  const receipts: Receipt[] = [];
  const statistics = new Statistics({ clock: systemClock, log: silentLog });
  const policy = parsePolicy(options.policy ?? inCloud);
  const service = new HybridService({
    device,
    cloud: backend,
    gate,
    policy: { current: () => policy },
    aliasesOf: () => [],
    createdSeconds: 1,
    onReceipt: (receipt) => {
      receipts.push(structuredClone(receipt));
      statistics.add(receipt);
    },
    ...options.hybrid,
  });
  return {
    service,
    control: createHybridControl({ service, statistics, statsUrl: '' }),
    device,
    cloud,
    backend,
    gate,
    receipts,
    async close() {
      await backend.dispose();
      await cloud.stop();
    },
  };
}

let serial = 0;

export function chat(messages: (string | ChatMessage)[], fields: Partial<GenerationRequest> = {}): GenerationRequest {
  serial += 1;
  const written = messages.map((each, index) =>
    typeof each === 'string' ? (index % 2 === 0 ? user(each) : assistant(each)) : each,
  );
  return plainRequest(`chat-${serial}`, plainChat('', { messages: written }), fields);
}

export function user(text: string): ChatMessage {
  return { role: 'user', content: [{ type: 'text', text }] };
}

export function assistant(text: string): ChatMessage {
  return { role: 'assistant', content: [{ type: 'text', text }], toolCalls: [] };
}

export async function collect(
  service: HybridService,
  request: GenerationRequest,
  signal = new AbortController().signal,
): Promise<StreamEvent[]> {
  const events: StreamEvent[] = [];
  for await (const event of service.stream(request, { signal })) events.push(event);
  return events;
}

export function textOf(events: StreamEvent[]): string {
  return events.map((event) => (event.type === 'text-delta' ? event.text : '')).join('');
}

/** `device`, `cloud` or the code of the refusal. */
export async function targetOf(service: HybridService, request: GenerationRequest): Promise<string> {
  try {
    const events = await collect(service, request);
    const [start] = events;
    return start?.type === 'response-start' ? (start.receipt?.target ?? 'none') : 'none';
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}
