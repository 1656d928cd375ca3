/** `node:timers/promises` in the page, as far as `src/hybrid/` uses it: see the aliases in `vite.config.ts`. */

/** @throws the signal's reason */
export function setTimeout<Value>(
  delayMs: number,
  value?: Value,
  { signal }: { signal?: AbortSignal; ref?: boolean } = {},
): Promise<Value | undefined> {
  return new Promise((resolve, reject) => {
    const end = (): void => {
      globalThis.clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = globalThis.setTimeout(() => {
      signal?.removeEventListener('abort', end);
      resolve(value);
    }, delayMs);
    if (signal?.aborted === true) end();
    else signal?.addEventListener('abort', end, { once: true });
  });
}
