#!/usr/bin/env node
/**
 * Stands in for vLLM in the tests of the launch script: the command line, the log lines, the process tree and the HTTP answers that
 * the real one (0.32.0) was seen to have. STAND_IN_VLLM chooses what goes wrong.
 */
import { spawn } from 'node:child_process';
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import path from 'node:path';

const wish = JSON.parse(process.env.STAND_IN_VLLM ?? '{}');
const [command, model, ...flags] = process.argv.slice(2);

if (command === '--version') {
  process.stdout.write(`${wish.version ?? '0.32.0'}\n`);
  process.exit(wish.version === '' ? 1 : 0);
}
if (command === 'engine-core') {
  // As the real engine: a child that would live on by itself.
  setInterval(() => {}, 1000);
} else {
  serve();
}

function serve() {
  const known = new Set(readFileSync(path.join(import.meta.dirname, 'vllm-serve-flags.txt'), 'utf8').split('\n'));
  const unknown = flags.filter((flag) => flag.startsWith('--') && !known.has(flag.split('=')[0]));
  if (command !== 'serve' || unknown.length > 0) {
    process.stderr.write(`vllm: error: unrecognized arguments: ${unknown.join(' ')}\n`);
    process.exit(2);
  }
  const port = Number(flags[flags.indexOf('--port') + 1]);
  const names = [];
  for (let at = flags.indexOf('--served-model-name') + 1; at < flags.length && !flags[at].startsWith('--'); at++) {
    names.push(flags[at]);
  }
  const engine = spawn(process.execPath, [import.meta.filename, 'engine-core'], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (wish.record !== undefined) {
    appendFileSync(wish.record, `${JSON.stringify({ pid: process.pid, engine: engine.pid, model, flags })}\n`);
  }
  log('INFO', 'api_server.py:1', `non-default args: {'model_tag': '${model}'}`);
  if (wish.fail !== undefined) {
    log('ERROR', 'core.py:1', wish.fail);
    process.exit(1);
  }
  process.stderr.write(
    'Loading safetensors checkpoint shards:   0% Completed\rLoading safetensors checkpoint shards: 100% Completed\n',
  );
  const server = createServer((request, response) => answer(request, response, names));
  server.listen(port, '127.0.0.1', () => log('INFO', 'launcher.py:1', 'Application startup complete.'));
  process.once('SIGTERM', () => {
    engine.kill();
    process.exit(0);
  });
}

function answer(request, response, names) {
  const url = request.url ?? '';
  if (url === '/health') {
    response.writeHead(200).end();
  } else if (url === '/v1/models') {
    const data = names.map((id) => ({ id, object: 'model', owned_by: 'vllm', max_model_len: 8192 }));
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ object: 'list', data }));
  } else if (url === '/v1/chat/completions') {
    if (wish.dieOn !== undefined && existsSync(wish.dieOn)) process.exit(137);
    void replay(request, response);
  } else {
    response.writeHead(404).end();
  }
}

/** Recordings of the real one. */
async function replay(request, response) {
  let text = '';
  for await (const piece of request) text += String(piece);
  const [file, type] = JSON.parse(text).stream
    ? ['chat-stream.sse', 'text/event-stream; charset=utf-8']
    : ['chat-body.json', 'application/json'];
  const recording = path.join(import.meta.dirname, '..', '..', 'fixtures', 'vllm', file);
  response.writeHead(200, { 'content-type': type }).end(readFileSync(recording));
}

function log(level, place, text) {
  process.stderr.write(`(APIServer pid=${process.pid}) ${level} 11-27 10:00:00 [${place}] ${text}\n`);
}
