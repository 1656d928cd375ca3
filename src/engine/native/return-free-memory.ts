/** Gives what is no longer used back to the system now, where the collector and the C library would keep it for later. */
import v8 from 'node:v8';
import vm from 'node:vm';
import koffi from 'koffi';

let collect: (() => void) | undefined;

/** Takes some milliseconds. Beside the collector only glibc needs to be told; elsewhere that step does nothing. */
export function returnFreeMemory(): void {
  if (collect === undefined) {
    v8.setFlagsFromString('--expose-gc');
    collect = vm.runInNewContext('gc') as () => void;
  }
  // Twice: buffers outside the heap are freed after the collection that found them unused.
  collect();
  collect();
  if (process.platform !== 'linux') return;
  try {
    koffi.load('libc.so.6').func('int malloc_trim(size_t)')(0);
  } catch {
    // Another C library, such as musl: it returns memory by itself.
  }
}
