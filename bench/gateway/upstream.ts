/**
 * A process of its own that stands for a model server: it streams words at a steady pace, each with the time at which it was
 * sent, or answers at once in one small body. Prints its address as one line.
 */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

const model = 'scripted-1';
const whole = JSON.stringify({
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1_760_000_000,
  model,
  choices: [{ index: 0, message: { role: 'assistant', content: 'Hello there.' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 10, completion_tokens: 3, total_tokens: 13 },
});

/** `t`: microseconds of the machine's monotonic clock, which all its processes share. */
function chunk(delta: object, finish: string | null): string {
  const choices = [{ index: 0, delta, logprobs: null, finish_reason: finish }];
  const t = Number(process.hrtime.bigint() / 1000n);
  return `data: ${JSON.stringify({ id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1_760_000_000, model, choices, t })}\n\n`;
}

const usage = `data: ${JSON.stringify({ id: 'chatcmpl-1', object: 'chat.completion.chunk', model, choices: [], usage: { prompt_tokens: 10, completion_tokens: 50, total_tokens: 60 } })}\n\n`;

type Asked = { stream?: boolean; max_tokens?: number; stream_options?: { include_usage?: boolean } };

/**
 * The pace rides in the model's name of the address: `/50/v1` is a word each 50 ms. Each word has its own due time, so that a
 * moment in which this process could not run does not move all streams into step for good.
 */
function stream(response: ServerResponse, asked: Asked, paceMs: number): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const words = asked.max_tokens ?? 50;
  const startedMs = performance.now();
  let sent = 0;
  let timer: NodeJS.Timeout;
  const next = (): void => {
    timer = setTimeout(say, startedMs + (sent + 1) * paceMs - performance.now());
  };
  const say = (): void => {
    if (sent < words) {
      response.write(chunk({ content: 'word ' }, null));
      sent++;
      next();
      return;
    }
    response.write(chunk({}, 'stop'));
    if (asked.stream_options?.include_usage === true) response.write(usage);
    response.end('data: [DONE]\n\n');
  };
  next();
  response.on('close', () => clearTimeout(timer));
}

const server = createServer({ keepAliveTimeout: 120_000 }, (incoming, response) => {
  const url = incoming.url ?? '';
  if (incoming.method === 'GET') {
    const isList = url.endsWith('/models');
    response.writeHead(isList || url.endsWith('/health') ? 200 : 404, { 'content-type': 'application/json' });
    response.end(isList ? JSON.stringify({ object: 'list', data: [{ id: model, object: 'model' }] }) : '');
    return;
  }
  const parts: Buffer[] = [];
  incoming.on('data', (part: Buffer) => parts.push(part));
  incoming.on('end', () => {
    const asked = JSON.parse(Buffer.concat(parts).toString()) as Asked;
    if (asked.stream === true) {
      stream(response, asked, Number(/^\/(\d+)\//.exec(url)?.[1] ?? 50));
      return;
    }
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(whole) });
    response.end(whole);
  });
});
server.listen(0, '127.0.0.1', 4096, () => {
  process.send?.({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
});
process.on('disconnect', () => process.exit(0));
