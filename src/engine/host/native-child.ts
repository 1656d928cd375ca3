/**
 * One child process that owns native code, over Node's IPC. It ends with its parent (the closed channel tells it), and its
 * last words on standard error are kept for the log.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { RecentLines } from './recent-lines.ts';

export type NativeChildOptions<FromChild> = {
  /** Path of the script, which must be built: it runs without a loader. */
  script: string;
  environment: Readonly<Record<string, string | undefined>>;
  onMessage(message: FromChild): void;
  /** Exactly once, when it has ended for whatever reason. */
  onExit(reason: string): void;
};

const shutdownGraceMs = 3_000;

export class NativeChild<ToChild extends object, FromChild> {
  readonly #child: ChildProcess;
  readonly #errorOutput = new RecentLines(40);
  readonly #ended: Promise<void>;

  constructor(options: NativeChildOptions<FromChild>) {
    const child = fork(options.script, [], {
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      env: { ...options.environment },
    });
    this.#child = child;
    child.stderr?.setEncoding('utf8').on('data', (text: string) => this.#errorOutput.add(text));
    child.on('message', (message) => options.onMessage(message as FromChild));
    this.#ended = new Promise((resolve) => {
      const end = (reason: string): void => {
        child.removeAllListeners('exit').removeAllListeners('error');
        // A late error, such as a message that could not be sent, must not end the parent.
        child.on('error', () => {});
        options.onExit(reason);
        resolve();
      };
      child.once('error', (error) => end(error.message));
      child.once('exit', (code, signal) => end(signal ?? `exit code ${code}`));
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** What it last wrote to standard error. */
  get lastLines(): string[] {
    return this.#errorOutput.lines();
  }

  /** A failing send means that the process is dying; its end is then reported. */
  send(message: ToChild): void {
    this.#child.send(message, () => {});
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  /** Asks it to end, makes it end, and resolves when its memory is the system's again. */
  async end(goodbye: ToChild): Promise<void> {
    const timer = setTimeout(() => this.kill(), shutdownGraceMs);
    if (this.#child.connected) this.send(goodbye);
    await this.#ended;
    clearTimeout(timer);
  }
}
