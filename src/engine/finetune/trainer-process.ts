/** The command's side of the process that trains. */
import { makeError } from '../../core/errors.ts';
import { NativeChild } from '../host/native-child.ts';
import { fromWireError } from '../host/wire-error.ts';
import type { FinetuneJob, FromTrainer, JobResult, ToTrainer, TrainerEvent, TrainJob } from './messages.ts';

export type TrainerProcessOptions = {
  environment: Readonly<Record<string, string | undefined>>;
  childScript: string;
  onEvent: (event: TrainerEvent) => void;
};

type Waiting = { resolve: (result: JobResult[keyof JobResult]) => void; reject: (error: unknown) => void };

export class TrainerProcess {
  readonly #child: NativeChild<ToTrainer, FromTrainer>;
  #waiting: Waiting | undefined;
  #ended: string | undefined;

  constructor({ environment, childScript, onEvent }: TrainerProcessOptions) {
    this.#child = new NativeChild<ToTrainer, FromTrainer>({
      script: childScript,
      environment,
      onMessage: (message) => {
        if (message.type === 'event') onEvent(message.event);
        else if (message.type === 'done') this.#waiting?.resolve(message.result);
        else this.#waiting?.reject(fromWireError(message.error));
      },
      onExit: (reason) => {
        this.#ended = reason;
        this.#waiting?.reject(this.#lost());
      },
    });
  }

  /** Throws what the job failed with, `training_failed` when the process died of it, the signal's reason at once. */
  run<Job extends FinetuneJob>(job: Job, signal: AbortSignal): Promise<JobResult[Job['kind']]> {
    return this.#start(job, signal, () => {
      // A native call cannot be interrupted, so the process goes.
      this.#child.kill();
      this.#waiting?.reject(signal.reason);
    });
  }

  /** As `run`, but the signal only asks it to stop after its step and to keep its state. */
  train(job: TrainJob, signal: AbortSignal): Promise<JobResult['train']> {
    return this.#start(job, signal, () => this.#child.send({ kind: 'pause' }));
  }

  async dispose(): Promise<void> {
    if (this.#ended !== undefined) return;
    this.#child.kill();
    await this.#child.end({ kind: 'pause' });
  }

  #start<Job extends FinetuneJob>(job: Job, signal: AbortSignal, onAbort: () => void): Promise<JobResult[Job['kind']]> {
    if (this.#ended !== undefined) return Promise.reject(this.#lost());
    const result = new Promise<JobResult[keyof JobResult]>((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    this.#child.send(job);
    return result.finally(() => {
      signal.removeEventListener('abort', onAbort);
      this.#waiting = undefined;
    }) as Promise<JobResult[Job['kind']]>;
  }

  #lost(): Error {
    const advice = 'The same command goes on from the last checkpoint.';
    return makeError(
      'training_failed',
      { reason: `its process is gone (${this.#ended ?? 'killed'})`, advice },
      { detail: this.#child.lastLines.join('\n') },
    );
  }
}
