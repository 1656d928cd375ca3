/** A process that answers one measurement at a time. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export type BareRequest =
  | { kind: 'generate'; streams: number; tokens: number; number: number }
  | { kind: 'prefill'; tokens: number; number: number };
export type Measurement = { tokens: number; milliseconds: number };

export class Contender {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** @param script beside this file, without its ending */
  static async start(script: string, parameters: string[]): Promise<Contender> {
    const child = fork(fileURLToPath(new URL(`./${script}.js`, import.meta.url)), parameters, {
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      // As the engine process has it, so that pages of memory make no difference.
      env: { ...process.env, GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1' },
    });
    await Promise.race([
      once(child, 'message'),
      once(child, 'exit').then(([code]) => {
        throw new Error(`${script} ended with code ${code}`);
      }),
    ]);
    return new Contender(child);
  }

  async measure(request: BareRequest): Promise<Measurement> {
    const answer = once(this.#child, 'message') as Promise<[Measurement]>;
    this.#child.send(request);
    return (await answer)[0];
  }

  async stop(): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.disconnect();
    await ended;
  }
}
