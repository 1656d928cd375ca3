/**
 * What every `Backend` promises, as one suite that each of them runs:
 *
 * ```ts
 * describe('cloud upstream', () => runBackendContract({ newBackend: () => new Upstream(…), model: 'x' }));
 * ```
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Backend } from '../../src/core/backend.ts';
import type { GenerationRequest } from '../../src/core/chat.ts';
import { plainChat, plainRequest } from '../../src/core/plain-request.ts';
import { DuanyunError } from '../../src/core/errors.ts';
import type { StreamEvent } from '../../src/core/events.ts';

export type BackendContract = {
  newBackend: () => Backend | Promise<Backend>;
  /** A model that the backend serves. */
  model: string;
  /** Fields to lay over every request. */
  request?: Partial<GenerationRequest>;
  /** A question whose answer takes longer than a second, for the abort tests. Default: count to 1,000. */
  longQuestion?: string;
  /** Checks that a text answers its question. Default: it equals what the question gives when it runs alone. */
  expectOwnAnswer?: (question: string, text: string) => void;
};

/** `abort` must end the iteration within this. */
const abortLimitMs = 1000;

export function runBackendContract(contract: BackendContract): void {
  const longQuestion = contract.longQuestion ?? 'Count from 1 to 1000, separated by spaces.';
  let backend: Backend;
  let serial = 0;

  const newRequest = (question: string, fields: Partial<GenerationRequest> = {}): GenerationRequest => {
    serial += 1;
    return plainRequest(`contract-${serial}`, plainChat(question, { parallelToolCalls: false }), {
      model: contract.model,
      sampling: { temperature: 0, seed: 1 },
      maxTokens: 16,
      ...contract.request,
      ...fields,
    });
  };

  describe('backend contract', () => {
    beforeAll(async () => {
      backend = await contract.newBackend();
    });
    afterAll(async () => {
      await backend.dispose();
    });

    it('names itself, its models and its state', () => {
      expect(backend.id).not.toBe('');
      expect(backend.capabilities().map((model) => model.id)).toContain(contract.model);
      expect(['ready', 'loading', 'unavailable']).toContain(backend.health().status);
    });

    it('sends its events in order: start, deltas, usage, one finish, nothing after it', async () => {
      const events = await collect(backend, newRequest('Say hello.'));
      expectOrder(events);
      expect(textOf(events)).not.toBe('');
      const last = events.at(-1);
      expect(last?.type).toBe('finish');
      if (last?.type === 'finish') expect(last.reason.raw).not.toBe('');
      const usage = events.find((event) => event.type === 'usage');
      expect(usage?.usage.completionTokens).toBeGreaterThan(0);
    });

    it('never splits a character over two events', async () => {
      const events = await collect(backend, newRequest('用中文和 emoji 🦜 问好，再写 𠮷野家。', { maxTokens: 48 }));
      for (const event of events) {
        if (event.type !== 'text-delta' && event.type !== 'reasoning-delta') continue;
        expect(event.text).not.toBe('');
        expect(/\p{Surrogate}/u.test(event.text), `lone surrogate in ${JSON.stringify(event.text)}`).toBe(false);
      }
    });

    it('stops at maxTokens and says so', async () => {
      const events = await collect(backend, newRequest(longQuestion, { maxTokens: 4 }));
      expectOrder(events);
      const usage = events.find((event) => event.type === 'usage');
      if (usage?.usage.completionTokens === 4) {
        expect(events.at(-1)).toMatchObject({ type: 'finish', reason: { unified: 'length' } });
      }
    });

    it('ends within a second of an abort in the middle, with the reason of the signal', async () => {
      const controller = new AbortController();
      const reason = new Error('the client left');
      let abortedAt = 0;
      const run = async () => {
        for await (const event of backend.stream(newRequest(longQuestion, { maxTokens: 2000 }), controller)) {
          if (event.type !== 'text-delta' && event.type !== 'reasoning-delta') continue;
          if (controller.signal.aborted) continue;
          abortedAt = performance.now();
          controller.abort(reason);
        }
      };
      await expect(run()).rejects.toBe(reason);
      expect(performance.now() - abortedAt).toBeLessThan(abortLimitMs);
    });

    it('ends within a second of an abort while it waits for its first event', async () => {
      const controller = new AbortController();
      const reason = new Error('gave up');
      const stream = backend.stream(newRequest(longQuestion, { maxTokens: 2000 }), controller);
      const iterator = stream[Symbol.asyncIterator]();
      const first = iterator.next();
      controller.abort(reason);
      const run = async () => {
        await first;
        while ((await iterator.next()).done !== true);
      };
      await expect(run()).rejects.toBe(reason);
    });

    it('does nothing for a signal that is aborted already', async () => {
      const reason = new Error('too late');
      await expect(collect(backend, newRequest('Hi'), AbortSignal.abort(reason))).rejects.toBe(reason);
    });

    it('refuses an unknown model from the first next(), before any event', async () => {
      const { signal } = new AbortController();
      const stream = backend.stream(newRequest('Hi', { model: 'no-such-model' }), { signal });
      const iterator = stream[Symbol.asyncIterator]();
      const error = await iterator.next().then(
        () => undefined,
        (caught: unknown) => caught,
      );
      expect(error).toBeInstanceOf(DuanyunError);
      expect(error).toMatchObject({ code: 'model_not_found' });
    });

    it('does not mix streams that run at once', async () => {
      const questions = ['Say red.', 'Say green.', 'Say blue.', 'Say yellow.'];
      const alone = new Map<string, string>();
      if (contract.expectOwnAnswer === undefined) {
        for (const question of questions) alone.set(question, textOf(await collect(backend, newRequest(question))));
      }
      const together = await Promise.all(questions.map((question) => collect(backend, newRequest(question))));
      for (const [index, events] of together.entries()) {
        expectOrder(events);
        const question = questions[index] ?? '';
        if (contract.expectOwnAnswer === undefined) expect(textOf(events)).toBe(alone.get(question));
        else contract.expectOwnAnswer(question, textOf(events));
      }
    });

    it('answers the next request after an abort', async () => {
      const controller = new AbortController();
      controller.abort(new Error('first'));
      await collect(backend, newRequest('Hi'), controller.signal).catch(() => {});
      expectOrder(await collect(backend, newRequest('Hi again.')));
    });

    it('embeds into unit vectors in the order of its inputs, or says that it cannot', async () => {
      const options = { signal: new AbortController().signal };
      const embed = backend.embed({ id: 'embed', model: contract.model, inputs: ['red', 'blue', 'red'] }, options);
      const offers = backend.capabilities().find((model) => model.id === contract.model)?.embeddings === true;
      if (!offers) {
        await expect(embed).rejects.toMatchObject({ code: 'unsupported_feature' });
        return;
      }
      const { vectors, promptTokens } = await embed;
      expect(vectors).toHaveLength(3);
      expect(promptTokens).toBeGreaterThan(0);
      for (const vector of vectors) expect(Math.hypot(...vector)).toBeCloseTo(1, 3);
      expect(cosine(vectors[0]!, vectors[2]!)).toBeGreaterThan(0.999);
      expect(cosine(vectors[0]!, vectors[1]!)).toBeLessThan(0.999);
    });

    it('can be disposed of twice, and refuses work after that', async () => {
      const other = await contract.newBackend();
      await other.dispose();
      await other.dispose();
      await expect(collect(other, newRequest('Hi'))).rejects.toBeInstanceOf(DuanyunError);
    });
  });
}

/** All events of one request. */
export async function collect(
  backend: Pick<Backend, 'stream'>,
  request: GenerationRequest,
  signal: AbortSignal = new AbortController().signal,
): Promise<StreamEvent[]> {
  const events: StreamEvent[] = [];
  for await (const event of backend.stream(request, { signal })) events.push(event);
  return events;
}

/** Fails unless the events keep the order that `StreamEvent` promises. */
export function expectOrder(events: StreamEvent[]): void {
  const types = events.map((event) => event.type);
  expect(types[0]).toBe('response-start');
  expect(types.filter((type) => type === 'response-start')).toHaveLength(1);
  const ends = types.filter((type) => type === 'finish' || type === 'error');
  expect(ends).toHaveLength(1);
  expect(types.at(-1)).toBe(ends[0]);
  if (ends[0] === 'finish') {
    expect(types.at(-2)).toBe('usage');
    expect(types.filter((type) => type === 'usage')).toHaveLength(1);
  }
}

function textOf(events: StreamEvent[]): string {
  return events
    .map((event) => (event.type === 'text-delta' || event.type === 'reasoning-delta' ? event.text : ''))
    .join('');
}

function cosine(left: Float32Array, right: Float32Array): number {
  return left.reduce((sum, value, index) => sum + value * (right[index] ?? 0), 0);
}
