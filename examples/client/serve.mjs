/**
 * Serves `browser.html` and the built library beside it; any server for static files would do.
 *
 *   node examples/client/serve.mjs [port]        # then open the address it prints
 */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import path from 'node:path';
import { argv, stdout } from 'node:process';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const library = path.join(here, '..', '..', 'dist', 'client');

const server = createServer((request, response) => void answer(request, response));
server.listen(Number(argv[2] ?? 5173), '127.0.0.1', () => {
  stdout.write(`http://127.0.0.1:${server.address().port}/?server=http://127.0.0.1:8000\n`);
});

async function answer(request, response) {
  const { pathname } = new URL(request.url ?? '/', 'http://localhost');
  const name = /^\/client\/([\w-]+\.js)$/.exec(pathname)?.[1];
  const file = pathname === '/' ? path.join(here, 'browser.html') : name && path.join(library, name);
  const content = await readFile(file ?? '').catch(() => undefined);
  const type = name === undefined ? 'text/html' : 'text/javascript';
  if (content === undefined) response.writeHead(404).end();
  else response.writeHead(200, { 'content-type': `${type}; charset=utf-8` }).end(content);
}
