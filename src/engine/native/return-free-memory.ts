/** Gives what was freed back to the system at once, where the C library keeps it for later. */
import koffi from 'koffi';

/** glibc only; elsewhere it does nothing. Also runs the garbage collector where the process allows it. */
export function returnFreeMemory(): void {
  (globalThis as { gc?: () => void }).gc?.();
  if (process.platform !== 'linux') return;
  try {
    koffi.load('libc.so.6').func('int malloc_trim(size_t)')(0);
  } catch {
    // Another C library, such as musl: it returns memory by itself.
  }
}
