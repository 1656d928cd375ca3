/** `@wllama/wllama` alone, as its own documents show it, in a page that is isolated like ours. */
import { createReadStream, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const document = `<!doctype html><title>bare</title><script type="module">
import { Wllama } from '/wllama/index.js';
const wllama = new Wllama({ default: '/wllama/wasm/wllama.wasm' }, { suppressNativeLog: true });
globalThis.load = async (options) => {
  await wllama.loadModel([await (await fetch('/weights')).blob()], options);
};
globalThis.decode = async (params, pieces) => {
  const times = [];
  const stop = new AbortController();
  const onData = (chunk) => {
    if (!chunk.choices?.[0]?.delta?.content) return;
    times.push(performance.now());
    if (times.length === pieces) stop.abort();
  };
  await wllama.createChatCompletion({ ...params, stream: true, onData, abortSignal: stop.signal }).catch((error) => {
    if (!stop.signal.aborted) throw error;
  });
  return times;
};
globalThis.isLoaded = true;
</script>`;

export type BarePage = { url: string; close(): Promise<void> };

export async function serveBarePage(weightsPath: string): Promise<BarePage> {
  const library = path.dirname(fileURLToPath(import.meta.resolve('@wllama/wllama/esm/index.js')));
  const server = createServer((request, response) => {
    response.setHeader('cross-origin-opener-policy', 'same-origin');
    response.setHeader('cross-origin-embedder-policy', 'require-corp');
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    if (pathname === '/weights') createReadStream(weightsPath).pipe(response);
    else if (pathname === '/') response.setHeader('content-type', 'text/html').end(document);
    else if (pathname === '/wllama/index.js' || pathname === '/wllama/wasm/wllama.wasm') {
      const type = pathname.endsWith('.js') ? 'text/javascript' : 'application/wasm';
      response.setHeader('content-type', type).end(readFileSync(path.join(library, pathname.slice('/wllama/'.length))));
    } else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
