/**
 * A process of its own for `bench/server/overhead.ts`: the real entry on a scripted backend, and beside it a bare
 * `node:http` server that writes the same bytes without any of our code. Prints both addresses as one line of JSON.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemClock } from '../../src/core/clock.ts';
import { silentLog } from '../../src/core/log.ts';
import { startServer } from '../../src/server/start.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { answer, ScriptedBackend } from './scripted-backend.ts';

const text = 'word '.repeat(16).trimEnd();
const chunk = (delta: object, finish: string | null) =>
  `data: ${JSON.stringify({
    id: 'chatcmpl-00000000000000000000000000000000',
    object: 'chat.completion.chunk',
    created: 1_760_000_000,
    model: 'scripted-1',
    choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
  })}\n\n`;

/** Reads the body, parses it, writes one chunk for each word: what any server must do. */
const bare = createServer((incoming, outgoing) => {
  const parts: Buffer[] = [];
  incoming.on('data', (part: Buffer) => parts.push(part));
  incoming.on('end', () => {
    const body = JSON.parse(Buffer.concat(parts).toString()) as { stream?: boolean };
    if (body.stream !== true) {
      outgoing.writeHead(200, { 'content-type': 'application/json' });
      outgoing.end(JSON.stringify({ choices: [{ index: 0, message: { role: 'assistant', content: text } }] }));
      return;
    }
    outgoing.writeHead(200, { 'content-type': 'text/event-stream' });
    outgoing.write(chunk({ role: 'assistant', content: '' }, null));
    for (const word of text.match(/\S+\s*/g) ?? []) outgoing.write(chunk({ content: word }, null));
    outgoing.write(chunk({}, 'stop'));
    outgoing.end('data: [DONE]\n\n');
  });
});
bare.listen(0, '127.0.0.1', () => void announce());

async function announce(): Promise<void> {
  const metrics = createMetrics();
  const server = await startServer({
    service: new ScriptedBackend({ script: () => answer(text) }),
    log: silentLog,
    metrics,
    renderMetrics: () => metrics.render(),
    clock: systemClock,
    options: { port: 0 },
  });
  const { port } = bare.address() as AddressInfo;
  console.log(JSON.stringify({ ours: server.url, bare: `http://127.0.0.1:${port}` }));
}

// The bench ends this process by closing its standard input.
process.stdin.resume().on('end', () => process.exit(0));
