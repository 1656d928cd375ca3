import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import type { GenerationRequest } from '../core/chat.ts';
import { plainRequest } from '../core/plain-request.ts';
import { systemClock } from '../core/clock.ts';
import type { StreamEvent } from '../core/events.ts';
import { silentLog } from '../core/log.ts';
import { EngineBackend } from './engine-backend.ts';
import type { EngineOptions } from './host/messages.ts';

let backend: EngineBackend | undefined;
afterEach(() => backend?.dispose());

function create(weightsPath = 'fine'): EngineBackend {
  backend = new EngineBackend({
    engine: { weightsPath, entry: { id: 'fake', tools: false, reasoning: 'none' } } as EngineOptions,
    clock: systemClock,
    log: silentLog,
    onStatistics() {},
    environment: {},
    childScript: fileURLToPath(new URL('./host/fake-engine.mjs', import.meta.url)),
  });
  return backend;
}

function request(id: string, prompt: string): GenerationRequest {
  return plainRequest(id, { kind: 'completion', prompt, echo: false }, { model: 'fake' });
}

async function collect(events: AsyncIterable<StreamEvent>, onEvent?: (event: StreamEvent) => void) {
  const collected: StreamEvent[] = [];
  for await (const event of events) {
    collected.push(event);
    onEvent?.(event);
  }
  return collected;
}

const never = new AbortController().signal;
const start = async (weightsPath?: string) => {
  const started = create(weightsPath);
  await started.start(never);
  return started;
};
const alive = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

describe('EngineBackend', () => {
  it('answers through its process', async () => {
    const engine = await start();
    expect(engine.health()).toEqual({ status: 'ready' });
    const events = await collect(engine.stream(request('a', 'hello'), { signal: never }));
    expect(events.map((event) => event.type)).toEqual(['response-start', 'text-delta', 'finish']);
  });

  it('throws what the engine refuses, with its details', async () => {
    const engine = await start();
    await expect(collect(engine.stream(request('a', 'refuse'), { signal: never }))).rejects.toMatchObject({
      code: 'queue_full',
      status: 429,
      retryAfterSeconds: 2,
    });
  });

  it('ends every running stream with an error event when the process is killed, and answers the next request', async () => {
    const engine = await start();
    const firstPid = engine.pid!;
    let running = 0;
    const killWhenAllRun = (event: StreamEvent) => {
      if (event.type === 'text-delta' && ++running === 5) process.kill(firstPid, 'SIGKILL');
    };
    const streams = await Promise.all(
      Array.from({ length: 5 }, (_, index) =>
        collect(engine.stream(request(`r${index}`, 'hang'), { signal: never }), killWhenAllRun),
      ),
    );
    for (const events of streams) {
      expect(events.at(-1)).toMatchObject({ type: 'error', code: 'engine_crashed', retryable: true });
      expect(events.filter((event) => event.type === 'error')).toHaveLength(1);
    }
    const next = await collect(engine.stream(request('next', 'hello'), { signal: AbortSignal.timeout(5_000) }));
    expect(next.at(-1)?.type).toBe('finish');
    expect(engine.pid).not.toBe(firstPid);
  });

  it('answers a request that was sent to a process just killed, from the next one', async () => {
    const engine = await start();
    process.kill(engine.pid!, 'SIGKILL');
    const events = await collect(engine.stream(request('a', 'hello'), { signal: never }));
    expect(events.map((event) => event.type)).toEqual(['response-start', 'text-delta', 'finish']);
  });

  it('gives up a request that kills the second process too, and goes on with others', async () => {
    const engine = await start();
    await expect(collect(engine.stream(request('a', 'crash'), { signal: never }))).rejects.toMatchObject({
      code: 'engine_crashed',
    });
    const events = await collect(engine.stream(request('b', 'hello'), { signal: never }));
    expect(events.at(-1)?.type).toBe('finish');
  });

  it('refuses the name of another model', async () => {
    const engine = await start();
    const other = { ...request('a', 'hello'), model: 'gpt-4' };
    await expect(collect(engine.stream(other, { signal: never }))).rejects.toMatchObject({
      code: 'model_not_found',
      message: expect.stringContaining('fake'),
    });
  });

  it('ends the iteration with the reason of an aborted signal', async () => {
    const engine = await start();
    const controller = new AbortController();
    const reason = new Error('client left');
    const events = collect(engine.stream(request('a', 'hang'), { signal: controller.signal }), (event) => {
      if (event.type === 'text-delta') controller.abort(reason);
    });
    await expect(events).rejects.toBe(reason);
  });

  it('says why a model cannot be loaded and does not try again', async () => {
    const engine = create('invalid');
    await expect(engine.start(never)).rejects.toMatchObject({ code: 'model_file_invalid' });
    expect(engine.health()).toMatchObject({ status: 'unavailable' });
    await expect(collect(engine.stream(request('a', 'x'), { signal: never }))).rejects.toMatchObject({
      code: 'model_file_invalid',
    });
  });

  it('leaves no process behind when it is disposed, even twice', async () => {
    const engine = await start();
    const { pid } = engine;
    await engine.dispose();
    await engine.dispose();
    expect(alive(pid!)).toBe(false);
    await expect(collect(engine.stream(request('a', 'x'), { signal: never }))).rejects.toMatchObject({
      code: 'shutting_down',
    });
  });

  it('ends streams that run when it is disposed', async () => {
    const engine = await start();
    const events = await collect(engine.stream(request('a', 'hang'), { signal: never }), (event) => {
      if (event.type === 'text-delta') void engine.dispose();
    });
    expect(events.at(-1)).toMatchObject({ type: 'error', code: 'shutting_down' });
  });
});
