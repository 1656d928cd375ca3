import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CloudBackend } from '../../src/cloud/cloud-backend.ts';
import { EgressGate } from '../../src/cloud/egress-gate.ts';
import type { Backend } from '../../src/core/backend.ts';
import { systemClock } from '../../src/core/clock.ts';
import { askedText, FakeCloud, sendDelta, sendEnd, startStream, type Play } from '../support/fake-cloud.ts';
import { runBackendContract } from './backend-contract.ts';

/** Like a model: long questions slowly, never more than `max_tokens` words, characters cut in the middle. */
const playModel: Play = async (request, response) => {
  if (request.path.endsWith('/embeddings')) {
    const data = (request.body['input'] as unknown[]).map((input, index) => {
      const embedding = [...createHash('sha256').update(JSON.stringify(input)).digest()].map((byte) => byte - 127.5);
      return { index, embedding };
    });
    const body = { model: 'cloud-1', data, usage: { prompt_tokens: data.length } };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    return;
  }
  const question = askedText(request);
  const limit = Number(request.body['max_tokens'] ?? 16);
  startStream(response);
  sendDelta(response, { role: 'assistant', content: '' });
  if (!question.startsWith('Count')) {
    // The parrot is one character in two halves, over two chunks.
    for (const piece of ['你', '好 \uD83E', '\uDD9C ', question]) sendDelta(response, { content: piece });
    sendEnd(response, 4);
    return;
  }
  for (let number = 1; number <= limit && !response.destroyed; number++) {
    await sleep(2);
    sendDelta(response, { content: `${number} ` });
  }
  sendEnd(response, limit, 'length');
};

/** The contract's requests are public; whoever runs a cloud backend has to say so to the gate. */
function judged(backend: CloudBackend, gate: EgressGate): Backend {
  const judge = (request: object) => gate.judge(request, () => ({ private: false, reasons: [] }));
  return {
    id: backend.id,
    capabilities: () => backend.capabilities(),
    async *stream(request, options) {
      await judge(request);
      yield* backend.stream(request, options);
    },
    async embed(request, options) {
      await judge(request);
      return backend.embed(request, options);
    },
    health: () => backend.health(),
    dispose: () => backend.dispose(),
  };
}

describe.each([
  ['with embeddings', true],
  ['without embeddings', false],
])('the cloud backend, %s', (_, embeddings) => {
  const cloud = new FakeCloud();
  cloud.play = playModel;
  beforeAll(async () => void (await cloud.start()));
  afterAll(() => cloud.stop());

  runBackendContract({
    model: 'cloud-1',
    newBackend: () => {
      const gate = new EgressGate({ clock: systemClock });
      const upstreams = [{ url: cloud.url, models: [{ id: 'cloud-1', embeddings }] }];
      return judged(new CloudBackend({ gate, upstreams }), gate);
    },
  });

  it('sends nothing for a request that nobody judged', async () => {
    const gate = new EgressGate({ clock: systemClock });
    const backend = new CloudBackend({
      gate,
      upstreams: [{ url: cloud.url, models: [{ id: 'cloud-1', embeddings: true }] }],
    });
    const before = cloud.bodies.length;
    const embed = backend.embed({ id: 'e', model: 'cloud-1', inputs: ['x'] }, { signal: new AbortController().signal });
    await expect(embed).rejects.toMatchObject({ code: 'egress_refused' });
    expect(cloud.bodies).toHaveLength(before);
    await backend.dispose();
  });
});
