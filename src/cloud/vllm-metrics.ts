/** How busy a vLLM server says it is. */
export type VllmLoad = { running: number; waiting: number; /** 0–1 */ cacheUsage: number };

const names = {
  running: ['vllm:num_requests_running'],
  waiting: ['vllm:num_requests_waiting'],
  // The second name is that of versions before 0.10.
  cacheUsage: ['vllm:kv_cache_usage_perc', 'vllm:gpu_cache_usage_perc'],
} as const;

/** From the text of `/metrics` (Prometheus exposition format); summed over engines. `undefined` where it is no vLLM. */
export function parseVllmMetrics(text: string): VllmLoad | undefined {
  const load: VllmLoad = { running: 0, waiting: 0, cacheUsage: 0 };
  let found = false;
  for (const line of text.split('\n')) {
    const match = /^(vllm:\w+)(?:\{[^}]*\})?\s+(\S+)/.exec(line);
    if (match === null) continue;
    const value = Number(match[2]);
    if (!Number.isFinite(value)) continue;
    for (const [key, aliases] of Object.entries(names) as [keyof VllmLoad, readonly string[]][]) {
      if (!aliases.includes(match[1] ?? '')) continue;
      found = true;
      load[key] = key === 'cacheUsage' ? Math.max(load[key], value) : load[key] + value;
    }
  }
  return found ? load : undefined;
}
