import { makeError } from '../core/errors.ts';

/** The requests that are being answered, so that a shutdown can wait for them and then end them. */
export class Drain {
  #controllers = new Set<AbortController>();
  #draining = false;
  #leaving = false;
  #waiting: (() => void)[] = [];

  get active(): number {
    return this.#controllers.size;
  }

  /** It will drain soon: `/health` says so, and requests are still taken. */
  get leaving(): boolean {
    return this.#leaving;
  }

  announce(): void {
    this.#leaving = true;
  }

  get draining(): boolean {
    return this.#draining;
  }

  /** @throws `shutting_down` once the drain has begun */
  enter(controller: AbortController): () => void {
    this.check();
    this.#controllers.add(controller);
    return () => {
      this.#controllers.delete(controller);
      if (this.#controllers.size > 0) return;
      for (const resolve of this.#waiting.splice(0)) resolve();
    };
  }

  /** @throws `shutting_down` */
  check(): void {
    if (this.#draining) throw makeError('shutting_down', {});
  }

  begin(): void {
    this.#leaving = true;
    this.#draining = true;
  }

  /** Ends what still runs; each request is told `shutting_down`. */
  abortAll(): void {
    for (const controller of this.#controllers) controller.abort(makeError('shutting_down', {}));
  }

  /** Resolves to whether all requests ended within the time. */
  async idle(timeoutMs: number): Promise<boolean> {
    if (this.#controllers.size === 0) return true;
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<boolean>((resolve) => {
      timer = setTimeout(() => resolve(false), timeoutMs);
    });
    const empty = new Promise<boolean>((resolve) => {
      this.#waiting.push(() => resolve(true));
    });
    const result = await Promise.race([timeout, empty]);
    clearTimeout(timer);
    return result;
  }
}
