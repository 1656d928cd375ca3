// A worker for the tests of its supervisor, on the built child's side.
import { serveWorker } from '../../../dist/engine/host/serve-worker.js';

let ballast;

serveWorker({
  async load({ fail, hang, die, megabytes = 0 }) {
    if (fail) throw new Error('broken file');
    if (die) process.exit(3);
    if (hang) await new Promise(() => {});
    ballast = Buffer.alloc(megabytes * 1024 * 1024, 1);
    return { pid: process.pid, ballastBytes: ballast.length };
  },
  async call(request, context) {
    const { signal } = context;
    if (request === 'crash') process.kill(process.pid, 'SIGKILL');
    if (request === 'fail') throw new Error('no');
    if (request === 'wait') {
      context.onProgress('waiting');
      await new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      });
    }
    if (request === 'read') {
      const { sizeBytes } = context.file;
      const ranges = [await context.file.read(0, 3), await context.file.read(sizeBytes - 2, sizeBytes)];
      return JSON.stringify({ sizeBytes, ranges: ranges.map((range) => Array.from(range)) });
    }
    if (request === 'read late') {
      // Nobody waits any more: the read must end, or the worker holds the call for ever.
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
      await context.file.read(0, 1).catch(() => context.onProgress('unread'));
    }
    return `${request}!`;
  },
});
