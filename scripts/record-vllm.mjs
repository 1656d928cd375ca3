/**
 * Records what a real vLLM says on the wire, for the tests of the default run: node scripts/record-vllm.mjs http://127.0.0.1:8001
 * Writes raw bodies to test/fixtures/vllm/ with the version in about.json. Needs a server that serves `autoglm-phone-9b`.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const [address = 'http://127.0.0.1:8001'] = process.argv.slice(2);
const folder = fileURLToPath(new URL('../test/fixtures/vllm/', import.meta.url));
const model = 'autoglm-phone-9b';
const question = [{ role: 'user', content: 'Say hello in Chinese and in English.' }];
const sampling = { temperature: 0, max_tokens: 12 };
const recordings = {
  'chat-stream': {
    path: '/v1/chat/completions',
    body: { model, messages: question, stream: true, stream_options: { include_usage: true }, ...sampling },
  },
  'chat-stream-without-usage': {
    path: '/v1/chat/completions',
    body: { model, messages: question, stream: true, ...sampling },
  },
  'chat-stream-continuous-usage': {
    path: '/v1/chat/completions',
    body: {
      model,
      messages: question,
      stream: true,
      stream_options: { include_usage: true, continuous_usage_stats: true },
      ...sampling,
      max_tokens: 4,
    },
  },
  'chat-stream-logprobs': {
    path: '/v1/chat/completions',
    body: {
      model,
      messages: question,
      stream: true,
      stream_options: { include_usage: true },
      logprobs: true,
      top_logprobs: 2,
      ...sampling,
      max_tokens: 3,
    },
  },
  'chat-body': { path: '/v1/chat/completions', body: { model, messages: question, ...sampling } },
  'completion-stream': {
    path: '/v1/completions',
    body: { model, prompt: 'Hello', stream: true, stream_options: { include_usage: true }, ...sampling, max_tokens: 4 },
  },
  'error-unknown-model': { path: '/v1/chat/completions', body: { model: 'no-such-model', messages: question } },
  'error-too-long': {
    path: '/v1/chat/completions',
    body: { model, messages: [{ role: 'user', content: 'word '.repeat(20_000) }], stream: true, max_tokens: 4 },
  },
  'error-bad-value': { path: '/v1/chat/completions', body: { model, messages: question, temperature: -1 } },
  'unknown-role': { path: '/v1/chat/completions', body: { model, messages: [{ role: 'nobody', content: 'x' }] } },
  'error-no-tools': {
    path: '/v1/chat/completions',
    body: {
      model,
      messages: question,
      tools: [{ type: 'function', function: { name: 'f', parameters: { type: 'object', properties: {} } } }],
      tool_choice: 'auto',
      ...sampling,
    },
  },
};

mkdirSync(folder, { recursive: true });
const about = { server: await version(), recorded: {} };
for (const [name, { path: route, body }] of Object.entries(recordings)) {
  const response = await fetch(`${address}${route}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  const type = response.headers.get('content-type') ?? '';
  save(name, route, { status: response.status, type }, text);
}
for (const [name, route] of [
  ['models', '/v1/models'],
  ['health', '/health'],
  ['metrics', '/metrics'],
]) {
  const response = await fetch(`${address}${route}`);
  const text = await response.text();
  const type = response.headers.get('content-type') ?? '';
  // Of the metrics those of vLLM itself, without the buckets.
  const kept =
    name === 'metrics'
      ? text
          .split('\n')
          .filter((line) => /^(# (HELP|TYPE) )?vllm:/.test(line) && !line.includes('_bucket'))
          .join('\n')
      : text;
  save(name, route, { status: response.status, type }, kept);
}
await recordAbort();
writeFileSync(path.join(folder, 'about.json'), `${JSON.stringify(about, undefined, 2)}\n`);

function save(name, route, { status, type }, text) {
  const file = `${name}.${type.startsWith('text/event-stream') ? 'sse' : type.includes('json') ? 'json' : 'txt'}`;
  writeFileSync(path.join(folder, file), text);
  about.recorded[name] = { file, path: route, status, contentType: type };
  process.stdout.write(`${name}: ${status} ${type}, ${text.length} characters\n`);
}

/** The client goes after the third chunk: what had come by then. */
async function recordAbort() {
  const abort = new AbortController();
  const body = JSON.stringify({ model, messages: question, stream: true, temperature: 0, max_tokens: 64 });
  const response = await fetch(`${address}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
    signal: abort.signal,
  });
  let text = '';
  try {
    for await (const piece of response.body) {
      text += Buffer.from(piece).toString('utf8');
      if (text.split('\n\n').length > 4) abort.abort();
    }
  } catch {
    // The abort.
  }
  save('chat-stream-aborted', '/v1/chat/completions', { status: 200, type: 'text/event-stream' }, text);
}

async function version() {
  const response = await fetch(`${address}/version`);
  return `vLLM ${(await response.json()).version}`;
}
