/** The command's side of the process that requantises and measures. */
import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { makeError } from '../../core/errors.ts';
import { fromWireError } from '../host/wire-error.ts';
import { RecentLines } from '../host/recent-lines.ts';
import type { FromOptimizeProcess, JobResult, OptimizeJob } from './messages.ts';

export type OptimizeProcessOptions = {
  environment: Readonly<Record<string, string | undefined>>;
  /** Path of the child's script; the tests give another. */
  childScript?: string;
};

export class OptimizeProcess {
  readonly #child: ChildProcess;
  readonly #errorOutput = new RecentLines(40);
  #ended = false;

  constructor({ environment, childScript }: OptimizeProcessOptions) {
    const script = childScript ?? fileURLToPath(new URL('./optimize-main.js', import.meta.url));
    this.#child = fork(script, [], {
      env: environment,
      execArgv: [],
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => this.#errorOutput.add(text));
    this.#child.once('exit', () => {
      this.#ended = true;
    });
  }

  /** One job at a time. Throws what the job failed with, or `engine_crashed` when the process died of it. */
  run<Job extends OptimizeJob>(
    job: Job,
    { signal, onProgress }: { signal: AbortSignal; onProgress: (share: number) => void },
  ): Promise<JobResult[Job['kind']]> {
    return new Promise((resolve, reject) => {
      const child = this.#child;
      const finish = (settle: () => void) => {
        child.off('message', onMessage);
        child.off('exit', onExit);
        signal.removeEventListener('abort', onAbort);
        settle();
      };
      const onMessage = (message: unknown) => {
        const said = message as FromOptimizeProcess;
        if (said.type === 'progress') onProgress(said.share);
        else if (said.type === 'done') finish(() => resolve(said.result as JobResult[Job['kind']]));
        else finish(() => reject(fromWireError(said.error)));
      };
      const onExit = () =>
        finish(() => reject(makeError('engine_crashed', {}, { detail: this.#errorOutput.lines().join('\n') })));
      // A native call cannot be interrupted, so the process goes.
      const onAbort = () => {
        child.kill('SIGKILL');
        finish(() => reject(signal.reason as Error));
      };
      if (signal.aborted) return onAbort();
      if (this.#ended) return onExit();
      child.on('message', onMessage);
      child.once('exit', onExit);
      signal.addEventListener('abort', onAbort, { once: true });
      child.send(job);
    });
  }

  async dispose(): Promise<void> {
    if (this.#ended) return;
    const ended = new Promise<void>((resolve) => this.#child.once('exit', () => resolve()));
    this.#child.kill('SIGKILL');
    await ended;
  }
}
