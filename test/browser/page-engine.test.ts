/** The engine inside the page, in a real browser with real weights: the contract of every backend. */
import wasmUrl from '@wllama/wllama/esm/wasm/wllama.wasm?url';
import { describe, expect, inject, it } from 'vitest';
import { WllamaBackend } from '../../web/src/in-page/engine/wllama-backend.ts';
import type { PageModel } from '../../web/src/in-page/engine/page-model.ts';
import { plainRequest } from '../../src/core/plain-request.ts';
import { collect, runBackendContract } from '../contract/backend-contract.ts';

const response = await fetch(inject('weightsServer'));
const weights = response.ok ? await response.blob() : undefined;
const missing = response.ok ? '' : await response.text();

const model: PageModel = {
  id: 'smollm2-135m',
  displayName: 'SmolLM2-135M-Instruct',
  licence: 'Apache-2.0',
  sizeBytes: weights?.size ?? 0,
  sha256: '',
  contextTokens: 2048,
  languages: ['en'],
  sampling: {},
};

async function newBackend(): Promise<WllamaBackend> {
  const backend = new WllamaBackend({ wasmUrl, threads: 1, openWeights: async () => weights ?? new Blob() });
  await backend.use(model);
  return backend;
}

if (weights === undefined) it('the engine in the page', ({ skip }) => skip(missing));

describe.runIf(weights !== undefined)('the engine in the page', () => {
  runBackendContract({ newBackend, model: model.id, expectOwnAnswer: (_, text) => expect(text.trim()).not.toBe('') });

  it('refuses what it cannot do before it loads anything', async () => {
    const backend = await newBackend();
    const refused = async (request: Parameters<typeof collect>[1]): Promise<unknown> =>
      collect(backend, request).then(
        () => undefined,
        (error: { code?: unknown }) => error.code,
      );
    const picture = {
      type: 'image' as const,
      source: { kind: 'url' as const, url: 'data:,' },
      detail: 'auto' as const,
    };
    const withPicture = plainRequest('p', '', { model: model.id });
    if (withPicture.input.kind === 'chat') withPicture.input.messages = [{ role: 'user', content: [picture] }];
    expect(await refused(withPicture)).toBe('unsupported_modality');
    expect(await refused(plainRequest('l', 'Hi', { model: model.id, logprobs: 1 }))).toBe('unsupported_feature');
    expect(backend.loadedModel).toBeUndefined();
    await backend.dispose();
  });

  it('says that a prompt is too long, and goes on', async () => {
    const backend = await newBackend();
    const long = plainRequest('long', 'word '.repeat(3000), { model: model.id });
    expect((await collect(backend, long)).at(-1)).toMatchObject({ type: 'error', code: 'context_length_exceeded' });
    const short = plainRequest('short', 'Hi', { model: model.id, maxTokens: 4 });
    expect((await collect(backend, short)).at(-1)).toMatchObject({ type: 'finish' });
    await backend.dispose();
  });

  it('says that the engine has ended when its worker does, in an answer or between two, and starts another', async () => {
    const Own = globalThis.Worker;
    const workers: Worker[] = [];
    globalThis.Worker = class extends Own {
      constructor(url: string | URL, options?: WorkerOptions) {
        super(url, options);
        workers.push(this);
      }
    };
    try {
      const backend = await newBackend();
      // What a browser says when a worker has no memory left.
      const end = (): unknown => workers.at(-1)?.dispatchEvent(new ErrorEvent('error', { message: 'Out of memory' }));
      const long = plainRequest('long', 'Write a long story.', { model: model.id, maxTokens: 500 });
      const events = [];
      for await (const event of backend.stream(long, { signal: new AbortController().signal })) {
        if (event.type === 'text-delta' && !events.some(({ type }) => type === 'text-delta')) end();
        events.push(event);
      }
      expect(events.at(-1)).toMatchObject({ type: 'error', code: 'engine_crashed', retryable: true });
      const short = plainRequest('short', 'Hi', { model: model.id, maxTokens: 4 });
      expect((await collect(backend, short)).at(-1)).toMatchObject({ type: 'finish' });
      end();
      expect((await collect(backend, short)).at(-1)).toMatchObject({ type: 'finish' });
      expect(workers.length).toBeGreaterThanOrEqual(3);
      await backend.dispose();
    } finally {
      globalThis.Worker = Own;
    }
  });

  it('says that weights are no model, and loads those that are when it is asked again', async () => {
    let content = new Blob(['this is no model']);
    const backend = new WllamaBackend({ wasmUrl, threads: 1, openWeights: async () => content });
    await backend.use(model);
    const request = plainRequest('broken', 'Hi', { model: model.id, maxTokens: 4 });
    await expect(collect(backend, request)).rejects.toMatchObject({ code: 'engine_unavailable' });
    content = weights ?? content;
    expect((await collect(backend, request)).at(-1)).toMatchObject({ type: 'finish' });
    await backend.dispose();
  });
});
