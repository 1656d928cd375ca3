/** The thread of `paced-server.ts`. */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';
import type { Pace } from './paced-server.ts';
import { runAhead } from './run-ahead.ts';
import { monotonicMs } from './shared-clock.ts';

const pace = workerData as Pace;
// Between a stamp and its write a busy machine must not put other programs.
runAhead();

const opening = { id: 'chatcmpl-paced', object: 'chat.completion.chunk', created: 1, model: 'paced' };
const frame = (value: object): string => `data: ${JSON.stringify(value)}\n\n`;
const chunk = (delta: object, finish: string | null, more: object = {}): string =>
  frame({ ...opening, choices: [{ index: 0, delta, finish_reason: finish }], ...more });

const server = createServer((incoming, outgoing) => {
  const arrivedMs = monotonicMs();
  if (incoming.method === 'GET') {
    outgoing.writeHead(200, { 'content-type': 'application/json' });
    const model = { id: 'paced', object: 'model', created: 1, owned_by: 'duanyun' };
    outgoing.end(JSON.stringify({ status: 'ok', object: 'list', data: [model] }));
    return;
  }
  incoming.resume().on('end', () => answer(outgoing, arrivedMs));
});

function answer(outgoing: ServerResponse, arrivedMs: number): void {
  outgoing.writeHead(200, { 'content-type': 'text/event-stream' });
  let sent = 0;
  const step = (): void => {
    if (outgoing.destroyed) return;
    outgoing.write(chunk({ role: 'assistant', content: 'word ' }, null, { sent_ms: monotonicMs() }));
    sent += 1;
    if (sent < pace.tokens) {
      wait(arrivedMs + pace.firstMs + sent * pace.gapMs);
      return;
    }
    outgoing.write(chunk({}, 'stop'));
    const usage = { prompt_tokens: 5, completion_tokens: sent, total_tokens: 5 + sent };
    outgoing.write(frame({ ...opening, choices: [], usage }));
    outgoing.end('data: [DONE]\n\n');
  };
  const wait = (untilMs: number): void => {
    setTimeout(step, Math.max(0, untilMs - monotonicMs()));
  };
  wait(arrivedMs + pace.firstMs);
}

server.listen(pace.port ?? 0, '127.0.0.1', () => parentPort?.postMessage((server.address() as AddressInfo).port));
