/** What this client adds to a token's time: loopback, event loop and receiving, measured against stamps of the sender. */
import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { percentile } from '../metrics/statistics.ts';
import { startPacedServer } from './paced-server.ts';
import type { Exchange } from './receiver-messages.ts';
import type { Receiver } from './receiver.ts';
import { SseReader } from './sse-reader.ts';

export type ClientOverhead = {
  connections: number;
  tokens: number;
  /** Everything between the sender's stamp and ours, a token. */
  p50Ms: number;
  p99Ms: number;
  /** Of the tokens during which the receiving thread had a processor all the time: its own share. Linux only. */
  ownP99Ms?: number;
  /** Share of the tokens during which it had to wait for one: the machine was crowded. Linux only. */
  delayedShare?: number;
};

/** A thread that waited less than this between two readings was not held up; reading the count takes some of it itself. */
const undisturbedMs = 0.05;
const gapMs = 50;

/**
 * Opens `connections` streams of 20 tokens a second each to a paced server in a thread of this process and compares when a
 * token was written with when the receiving thread stamped it. The sender's own share is in the figure: it is an upper bound.
 */
export async function measureOverhead(
  receiver: Receiver,
  connections: number,
  signal: AbortSignal,
  tokens = 40,
): Promise<ClientOverhead> {
  // All streams hang on the one signal.
  setMaxListeners(0, signal);
  const server = await startPacedServer({ firstMs: 200, gapMs, tokens });
  const one = async (index: number): Promise<Exchange> => {
    // Spread over one gap, as independent users are; in step they would measure the sender's loop.
    await sleep((index * gapMs) / connections);
    const url = `${server.url}/chat/completions`;
    const sending = { url, headers: {}, body: '{}', maxEvents: tokens * 4, timeoutMs: 60_000, probe: true };
    return receiver.exchange(sending, signal);
  };
  const all = (): Promise<Exchange[]> => Promise.all(Array.from({ length: connections }, (_, index) => one(index)));
  try {
    // Connections and compiled code first.
    await all();
    return { connections, ...overheadOf(await all()) };
  } finally {
    await server.dispose();
  }
}

type Arrival = { writtenMs: number; atMs: number; waitedMs: number };

/** @param exchanges answers of the paced server, received by one thread */
export function overheadOf(exchanges: readonly Exchange[]): Omit<ClientOverhead, 'connections'> {
  const arrivals = exchanges.flatMap(arrivalsOf).toSorted((a, b) => a.atMs - b.atMs);
  const lags = arrivals.map(({ atMs, writtenMs }) => atMs - writtenMs);
  const figures = {
    tokens: lags.length,
    p50Ms: percentile(lags, 50) ?? Number.NaN,
    p99Ms: percentile(lags, 99) ?? Number.NaN,
  };
  if (!arrivals.every(({ waitedMs }) => Number.isFinite(waitedMs))) return figures;
  const own: number[] = [];
  let before = 0;
  for (const { writtenMs, atMs, waitedMs } of arrivals) {
    // The last reading before this token was written: what was waited since then, this token may have waited.
    while ((arrivals[before + 1]?.atMs ?? Number.POSITIVE_INFINITY) <= writtenMs) before += 1;
    const base = arrivals[before];
    if (base !== undefined && base.atMs <= writtenMs && waitedMs - base.waitedMs < undisturbedMs) {
      own.push(atMs - writtenMs);
    }
  }
  const ownP99Ms = percentile(own, 99);
  return {
    ...figures,
    delayedShare: 1 - own.length / Math.max(1, arrivals.length),
    ...(ownP99Ms === undefined ? {} : { ownP99Ms }),
  };
}

function arrivalsOf({ sentMs, bytes, sizes, atMs, waitedMs }: Exchange): Arrival[] {
  const reader = new SseReader();
  const found: Arrival[] = [];
  let offset = 0;
  for (const [index, size] of sizes.entries()) {
    for (const data of reader.push(bytes.subarray(offset, (offset += size)))) {
      const writtenMs = Number(/"sent_ms":([\d.]+)/.exec(data)?.[1]);
      if (!Number.isFinite(writtenMs)) continue;
      found.push({ writtenMs, atMs: sentMs + (atMs[index] ?? 0), waitedMs: waitedMs[index] ?? Number.NaN });
    }
  }
  return found;
}
