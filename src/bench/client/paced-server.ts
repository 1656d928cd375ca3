/**
 * A server in a thread of its own that sends tokens at set times: the truth that the load client is held against, and the
 * measure of what the client itself adds. Each token's time is counted from the request's arrival, so that lateness does
 * not add up. Each chunk carries the moment it was written, by the clock that all threads of this machine share.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

export type Pace = {
  /** Request → first token. */
  firstMs: number;
  /** Between two tokens. */
  gapMs: number;
  tokens: number;
};

/** Plain JavaScript in a string: a worker's file would have another name in the sources than in the build. */
const program = `
const { createServer } = require('node:http');
const { parentPort, workerData: pace } = require('node:worker_threads');
const now = () => Number(process.hrtime.bigint()) / 1e6;
const frame = (value) => 'data: ' + JSON.stringify(value) + '\\n\\n';
const chunk = (delta, finish, more) => frame({ id: 'chatcmpl-paced', object: 'chat.completion.chunk', created: 1, model: 'paced',
  choices: [{ index: 0, delta, finish_reason: finish }], ...more });
const server = createServer((incoming, outgoing) => {
  const arrived = now();
  if (incoming.method === 'GET') {
    outgoing.writeHead(200, { 'content-type': 'application/json' });
    outgoing.end(JSON.stringify({ status: 'ok', object: 'list', data: [{ id: 'paced', object: 'model', created: 1, owned_by: 'duanyun' }] }));
    return;
  }
  incoming.resume().on('end', () => {
    outgoing.writeHead(200, { 'content-type': 'text/event-stream' });
    let sent = 0;
    const step = () => {
      if (outgoing.destroyed) return;
      outgoing.write(chunk({ role: 'assistant', content: 'word ' }, null, { sent_ms: now() }));
      sent += 1;
      if (sent < pace.tokens) return wait(arrived + pace.firstMs + sent * pace.gapMs);
      outgoing.write(chunk({}, 'stop', {}));
      outgoing.write(frame({ id: 'chatcmpl-paced', object: 'chat.completion.chunk', created: 1, model: 'paced', choices: [],
        usage: { prompt_tokens: 5, completion_tokens: sent, total_tokens: 5 + sent } }));
      outgoing.end('data: [DONE]\\n\\n');
    };
    const wait = (untilMs) => setTimeout(step, Math.max(0, untilMs - now()));
    wait(arrived + pace.firstMs);
  });
});
server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));
`;

/** Opened by the caller, who disposes of it. @returns the address with `/v1` */
export async function startPacedServer(pace: Pace): Promise<{ url: string; dispose(): Promise<void> }> {
  const worker = new Worker(program, { eval: true, workerData: pace });
  const [port] = (await once(worker, 'message')) as [number];
  return {
    url: `http://127.0.0.1:${port}/v1`,
    async dispose() {
      await worker.terminate();
    },
  };
}
