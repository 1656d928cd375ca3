/** How a model is spread over GPUs, and whether it fits them. Pure. */

const mebibyte = 1024 * 1024;
/** Per GPU beside weights and cache: CUDA context, activations and captured graphs; 1.5 GiB is what vLLM takes for models of this size. */
const overheadBytes = 1.5 * 1024 * mebibyte;

/** @typedef {{ index: number, name: string, totalMib: number, freeMib: number }} Gpu */

/**
 * Reads `nvidia-smi --query-gpu=index,uuid,name,memory.total,memory.free --format=csv,noheader,nounits`.
 * @param {string} text
 * @param {string | undefined} visible CUDA_VISIBLE_DEVICES: numbers or UUIDs that CUDA programs may use
 * @returns {Gpu[]}
 */
export function readGpus(text, visible) {
  const all = text
    .split('\n')
    .map((line) => line.split(',').map((field) => field.trim()))
    .filter((fields) => fields.length === 5 && /^\d+$/.test(fields[0]))
    .map(([index, uuid, name, total, free]) => ({
      index: Number(index),
      uuid,
      name,
      totalMib: Number(total),
      freeMib: Number(free),
    }))
    .filter(({ totalMib, freeMib }) => Number.isFinite(totalMib) && Number.isFinite(freeMib));
  if (visible === undefined || visible === '') return all;
  // As CUDA does: the list ends at the first entry that is no device.
  const chosen = [];
  for (const wanted of visible.split(',').map((each) => each.trim())) {
    const gpu = all.find(
      ({ index, uuid }) => String(index) === wanted || (wanted.length > 3 && uuid.startsWith(wanted)),
    );
    if (gpu === undefined) break;
    chosen.push(gpu);
  }
  return chosen;
}

/**
 * The most GPUs that the model's shape can be cut over: vLLM gives each an equal share of the attention heads and whole key
 * and value heads, or copies of them.
 * @param {{ attentionHeads: number, keyValueHeads: number, visionHeads?: number }} model
 * @param {number} available
 */
export function largestTensorParallel(model, available) {
  for (let size = available; size > 1; size--) if (divides(model, size)) return size;
  return 1;
}

/** Whether the model can be cut over that many GPUs. */
export function divides({ attentionHeads, keyValueHeads, visionHeads }, size) {
  const sharesKeys = keyValueHeads % size === 0 || size % keyValueHeads === 0;
  return attentionHeads % size === 0 && sharesKeys && (visionHeads === undefined || visionHeads % size === 0);
}

/**
 * Memory that one GPU must give, and what the smallest one has.
 * @param {{ weightBytes: number, layers: number, keyValueHeads: number, headSize: number }} model
 * @param {{ tensorParallel: number, pipelineParallel: number, contextTokens: number, utilization: number, gpus: Gpu[] }} plan
 */
export function memoryNeed(model, { tensorParallel, pipelineParallel, contextTokens, utilization, gpus }) {
  const share = tensorParallel * pipelineParallel;
  // Keys and values, two bytes each; heads that are copied are not shared.
  const headsPerGpu = Math.max(1, model.keyValueHeads / tensorParallel);
  const layersPerGpu = Math.ceil(model.layers / pipelineParallel);
  const cacheBytes = 2 * 2 * headsPerGpu * model.headSize * layersPerGpu * contextTokens;
  const neededMib = Math.ceil((model.weightBytes / share + cacheBytes + overheadBytes) / mebibyte);
  const usableMib = Math.floor(Math.min(...gpus.map(({ totalMib }) => totalMib)) * utilization);
  const freeMib = Math.min(...gpus.map((gpu) => gpu.freeMib));
  return { neededMib, usableMib, freeMib };
}

/** `2x NVIDIA GeForce RTX 4090 (24GB each)`, or one entry for each kind. */
export function describeGpus(gpus) {
  const kinds = new Map();
  for (const gpu of gpus) {
    const kind = `${gpu.name.startsWith('NVIDIA') ? '' : 'NVIDIA '}${gpu.name}|${Math.round(gpu.totalMib / 1024)}`;
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  }
  return [...kinds]
    .map(([kind, count]) => {
      const [name, gigabytes] = kind.split('|');
      return `${count}x ${name} (${gigabytes}GB${count > 1 ? ' each' : ''})`;
    })
    .join(', ');
}
