/** What this client adds to a token's time: loopback, event loop and reading, measured against stamps of the sender. */
import { setMaxListeners } from 'node:events';
import { Agent, request } from 'undici';
import { percentile } from '../metrics/statistics.ts';
import { readWirePiece } from './chat-wire.ts';
import { startPacedServer } from './paced-server.ts';
import { SseReader } from './sse-reader.ts';

export type ClientOverhead = { connections: number; tokens: number; p50Ms: number; p99Ms: number };

/**
 * Opens `connections` streams of 20 tokens a second each to a paced server in a thread of this process and compares when a
 * token was written with when the load client's code had read it. The sender's own share is in the figure: it is an upper bound.
 */
export async function measureOverhead(connections: number, signal: AbortSignal): Promise<ClientOverhead> {
  const tokens = 20;
  // All streams hang on the one signal.
  setMaxListeners(0, signal);
  const server = await startPacedServer({ firstMs: 200, gapMs: 50, tokens });
  const agent = new Agent({ pipelining: 1 });
  const lags: number[] = [];
  const one = async (index: number): Promise<void> => {
    // Spread over one gap, as independent users are; in step they would measure the sender's loop.
    await new Promise((resolve) => {
      setTimeout(resolve, (index * 50) / connections);
    });
    const response = await request(`${server.url}/chat/completions`, {
      method: 'POST',
      body: '{}',
      dispatcher: agent,
      signal,
    });
    const reader = new SseReader();
    for await (const bytes of response.body) {
      // Where the load client takes its time, too: before it reads what came.
      const atMs = Number(process.hrtime.bigint()) / 1e6;
      for (const data of reader.push(bytes as Uint8Array)) {
        if (data === '[DONE]' || readWirePiece(data).kind === undefined) continue;
        lags.push(atMs - Number(/"sent_ms":([\d.]+)/.exec(data)?.[1]));
      }
    }
  };
  try {
    // Connections and compiled code first.
    await Promise.all(Array.from({ length: connections }, (_, index) => one(index)));
    lags.length = 0;
    await Promise.all(Array.from({ length: connections }, (_, index) => one(index)));
  } finally {
    await agent.destroy();
    await server.dispose();
  }
  return {
    connections,
    tokens: lags.length,
    p50Ms: percentile(lags, 50) ?? Number.NaN,
    p99Ms: percentile(lags, 99) ?? Number.NaN,
  };
}
