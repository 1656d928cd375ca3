/** Milliseconds by the monotonic clock that all threads and processes of this machine share; `performance.now()` starts anew in each thread. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
