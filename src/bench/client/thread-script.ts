/** The file of a thread of this folder. Threads run what is built, also where a test runs the sources. */
export function threadScript(name: 'receiver-worker' | 'paced-server-worker'): URL {
  const folder = import.meta.url.endsWith('.ts') ? '../../../dist/bench/client/' : './';
  return new URL(`${folder}${name}.js`, import.meta.url);
}

/** Collecting garbage waits for helper threads that have no priority: so much room that it hardly ever happens. */
export const roomyHeap = { maxYoungGenerationSizeMb: 192 };
