/** Weights for the tests that run inside a browser: a server of its own, because a page cannot read the store. */
import { createReadStream } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestProject } from 'vitest/node';
import { obtainWeights, type Weights } from '../support/obtain-weights.ts';

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  // Fetched when a test asks: a run of other tests fetches nothing.
  let weights: Promise<Weights> | undefined;
  const server = createServer((request, response) => {
    const serve = async (): Promise<void> => {
      weights ??= obtainWeights('smollm2-135m');
      const found = await weights;
      response.setHeader('access-control-allow-origin', '*');
      response.setHeader('cross-origin-resource-policy', 'cross-origin');
      if ('missing' in found) response.writeHead(404).end(found.missing);
      else createReadStream(found.model.weightsPath).pipe(response);
    };
    serve().catch((error: unknown) => response.writeHead(500).end(String(error)));
    request.resume();
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  project.provide('weightsServer', `http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  return async () => {
    server.closeAllConnections();
    await new Promise((resolve) => {
      server.close(resolve);
    });
  };
}
