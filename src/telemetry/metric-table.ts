/** Help texts and buckets by name. A name that is not here works too, with its own name as help. */
export type MetricDescription = { help: string; buckets?: number[] };

/** 1 ms to 60 s. */
const latencyBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
/** A token each 1 ms to 2 s. */
const tokenBuckets = [0.001, 0.0025, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1, 2];
const countBuckets = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096];

export const metricTable: Record<string, MetricDescription> = {
  duanyun_http_requests_total: { help: 'HTTP requests that are over, by route, method and status.' },
  duanyun_http_request_duration_seconds: {
    help: 'From the arrival of a request to the end of its answer.',
    buckets: latencyBuckets,
  },
  duanyun_http_in_flight: { help: 'Requests for an answer that are running or waiting.' },
  duanyun_time_to_first_token_seconds: {
    help: 'From the parsed request to its first token, by model and target.',
    buckets: latencyBuckets,
  },
  duanyun_inter_token_seconds: { help: 'Between two deltas of one answer.', buckets: tokenBuckets },
  duanyun_prompt_tokens_total: { help: 'Tokens of prompts, cached ones included.' },
  duanyun_cached_prompt_tokens_total: { help: 'Tokens of prompts that came from the prefix cache.' },
  duanyun_completion_tokens_total: { help: 'Generated tokens, reasoning included.' },
  duanyun_generations_total: { help: 'Finished generations, by model, target and reason to stop.' },
  duanyun_streams_broken_total: { help: 'Streams that ended with an error event, by error code.' },
  duanyun_vision_cache_bytes: { help: 'Memory of the encoded pictures that are kept.' },
  duanyun_vision_pictures_encoded_total: { help: 'Pictures that were encoded.' },
  duanyun_vision_pictures_from_cache_total: { help: 'Pictures that were taken as they had been encoded before.' },
  duanyun_module_loaded: { help: '1 while the module is loaded.' },
  duanyun_module_active_uses: { help: 'Uses of the module that are running.' },
  duanyun_module_resident_bytes: { help: 'Memory that the module holds.' },
  duanyun_module_loads_total: { help: 'Loads of the module.' },
  duanyun_module_load_failures_total: { help: 'Loads of the module that failed.' },
  duanyun_module_load_seconds: { help: 'Duration of a load.', buckets: latencyBuckets },
  duanyun_module_unloads_total: { help: 'Unloads of the module, asked for or by idle time or for room.' },
  duanyun_module_crashes_total: { help: 'Ends of the module’s process that nobody asked for.' },
  duanyun_gateway_requests_total: { help: 'Requests that are over, by key and class of status.' },
  duanyun_gateway_refused_total: { help: 'Requests that were refused or failed, by error code.' },
  duanyun_gateway_tokens_total: { help: 'Tokens by key, of prompts and of answers.' },
  duanyun_gateway_cost_total: { help: 'Cost by key, in the currency of the prices.' },
  duanyun_gateway_running: { help: 'Requests that have a place.' },
  duanyun_gateway_waiting: { help: 'Requests that wait for a place.' },
  duanyun_gateway_queue_seconds: { help: 'From the check of the key to a place.', buckets: latencyBuckets },
  duanyun_gateway_database_up: { help: '1 while the database of keys and usage answers.' },
  duanyun_gateway_usage_batches_waiting: { help: 'Batches of usage that are not in the database yet.' },
  duanyun_gateway_audit_dropped_total: { help: 'Audit lines that were dropped while the disk was full.' },
  duanyun_client_disconnects_total: { help: 'Clients that left or did not read before their answer ended.' },
};

/** Where neither the table nor the caller says: by the unit in the name. */
export function bucketsFor(name: string): number[] {
  const described = metricTable[name]?.buckets;
  if (described !== undefined) return described;
  return name.endsWith('_seconds') ? latencyBuckets : countBuckets;
}
