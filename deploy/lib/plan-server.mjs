/**
 * From the model's folder, the GPUs and the wishes to a plan. Prints lines for `run_autoglm_server.sh`: `plan NAME VALUE`, `warn TEXT`,
 * `error TEXT`, `mend COMMAND`. Exit codes: 0 a plan, 4 the model is not whole, 5 the hardware does not do.
 */
import os from 'node:os';
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { describeGpus, divides, largestTensorParallel, memoryNeed, readGpus } from './choose-parallelism.mjs';
import { inspectModel } from './inspect-model.mjs';

/** vLLM refuses float16 for these: their numbers run over. */
const neverFloat16 = new Set(['gemma2', 'gemma3', 'gemma3_text', 'plamo2', 'glm4']);
const defaultContextTokens = 8192;
const gibibyte = 1024 ** 3;

const { values: wishes } = parseArgs({
  options: {
    model: { type: 'string' },
    device: { type: 'string' },
    gpus: { type: 'string', default: '' },
    visible: { type: 'string', default: '' },
    'tensor-parallel': { type: 'string', default: 'auto' },
    'pipeline-parallel': { type: 'string', default: 'auto' },
    nodes: { type: 'string', default: '1' },
    dtype: { type: 'string', default: 'auto' },
    'max-seq-len': { type: 'string', default: 'auto' },
    utilization: { type: 'string' },
  },
});

const result = inspectModel(wishes.model);
if ('problems' in result) {
  for (const problem of result.problems) say('error', problem);
  say(
    'mend',
    `hf download zai-org/AutoGLM-Phone-9B --local-dir ${wishes.model}   # resumes; or: modelscope download --model ZhipuAI/AutoGLM-Phone-9B --local_dir ${wishes.model}`,
  );
  process.exit(4);
}
const { facts } = result;
const dtype = chooseType();
const contextTokens = chooseContext();
say('plan', `tokenizer ${facts.tokenizerFolder}`);
say('plan', `dtype ${dtype}`);
say('plan', `context ${contextTokens}`);
say('plan', `weights_mib ${Math.ceil(facts.weightBytes / 1024 ** 2)}`);
say('plan', `images ${facts.readsImages ? 'yes' : 'no'}`);
if (wishes.device === 'cpu') planCpu();
else planGpus();

function chooseType() {
  if (wishes.dtype !== 'auto') return wishes.dtype;
  // Processors compute few kinds of float16; vLLM falls back to slow ways there.
  if (wishes.device === 'cpu') return 'bfloat16';
  if (!neverFloat16.has(facts.modelType)) return 'float16';
  say('warn', `models of the kind ${facts.modelType} are not exact in float16; bfloat16 is used`);
  return 'bfloat16';
}

function chooseContext() {
  const longest = facts.longestContextTokens ?? Number.POSITIVE_INFINITY;
  if (wishes['max-seq-len'] === 'auto') {
    if (longest >= defaultContextTokens) return defaultContextTokens;
    say(
      'warn',
      `the model was trained for ${longest} tokens, so max_seq_len is ${longest} and not ${defaultContextTokens}`,
    );
    return longest;
  }
  const wanted = Number(wishes['max-seq-len']);
  if (wanted <= longest) return wanted;
  refuse(
    `--max-seq-len ${wanted} is more than the ${longest} tokens that the model was trained for`,
    `--max-seq-len ${longest}`,
  );
}

function planCpu() {
  const cacheBytes = 4 * facts.keyValueHeads * facts.headSize * facts.layers * contextTokens;
  // Room for a few full conversations, between 1 and 8 GiB; vLLM takes all of it at the start.
  const cacheGib = Math.min(8, Math.max(1, Math.ceil((4 * cacheBytes) / gibibyte)));
  const availableMib = availableMemoryMib();
  const neededMib = Math.ceil(facts.weightBytes / 1024 ** 2) + cacheGib * 1024 + 2048;
  if (neededMib > availableMib) {
    refuse(
      `the model needs about ${gigabytes(neededMib)} of memory and ${gigabytes(availableMib)} is free`,
      'close other programs, or take a smaller model: --model DIR',
    );
  }
  const cpu = os.cpus()[0]?.model.trim() ?? 'unknown processor';
  say('plan', `cpu_cache_gib ${cacheGib}`);
  say(
    'plan',
    `detected CPU: ${cpu}, ${os.availableParallelism()} cores, ${gigabytes(os.totalmem() / 1024 ** 2)} memory (no GPU is used)`,
  );
  say('plan', 'tensor 1');
  say('plan', 'pipeline 1');
}

function planGpus() {
  const gpus = readGpus(readFileSync(wishes.gpus, 'utf8'), wishes.visible);
  if (gpus.length === 0) {
    refuse(
      wishes.visible === '' ? 'nvidia-smi lists no GPU' : `CUDA_VISIBLE_DEVICES=${wishes.visible} leaves no GPU`,
      wishes.visible === ''
        ? 'nvidia-smi   # must list a GPU; without one: --device cpu'
        : 'unset CUDA_VISIBLE_DEVICES',
    );
  }
  const nodes = Number(wishes.nodes);
  const pipeline = wishes['pipeline-parallel'] === 'auto' ? nodes : Number(wishes['pipeline-parallel']);
  const perStage = Math.floor((gpus.length * nodes) / pipeline);
  if (perStage < 1) {
    refuse(
      `--pipeline-parallel ${pipeline} needs ${pipeline} GPUs and there are ${gpus.length * nodes}`,
      `--pipeline-parallel ${gpus.length * nodes}`,
    );
  }
  const tensor = chooseTensor(gpus.length, perStage, nodes);
  const used = Math.min(gpus.length, Math.ceil((tensor * pipeline) / nodes));
  if (used < gpus.length) {
    say(
      'warn',
      `${gpus.length - used} of ${gpus.length} GPUs stay unused: the model's ${facts.attentionHeads} attention heads cannot be shared evenly by more`,
    );
  }
  checkMemory(gpus, tensor, pipeline);
  say('plan', `detected ${describeGpus(gpus)}`);
  say('plan', `tensor ${tensor}`);
  say('plan', `pipeline ${pipeline}`);
}

function chooseTensor(local, perStage, nodes) {
  // One stage stays within one machine where it can: tensor parallelism talks at every layer.
  if (wishes['tensor-parallel'] === 'auto')
    return largestTensorParallel(facts, nodes > 1 ? Math.min(local, perStage) : perStage);
  const wanted = Number(wishes['tensor-parallel']);
  if (wanted > perStage) {
    refuse(
      `--tensor-parallel ${wanted} needs ${wanted} GPUs a stage and there are ${perStage}`,
      `--tensor-parallel ${largestTensorParallel(facts, perStage)}`,
    );
  }
  if (!divides(facts, wanted)) {
    refuse(
      `--tensor-parallel ${wanted} does not divide the model's ${facts.attentionHeads} attention heads and ${facts.keyValueHeads} key-value heads`,
      `--tensor-parallel ${largestTensorParallel(facts, wanted)}`,
    );
  }
  return wanted;
}

function checkMemory(gpus, tensorParallel, pipelineParallel) {
  const utilization = Number(wishes.utilization);
  const { neededMib, usableMib, freeMib } = memoryNeed(facts, {
    tensorParallel,
    pipelineParallel,
    contextTokens,
    utilization,
    gpus,
  });
  if (neededMib > usableMib) {
    refuse(
      `not enough GPU memory: weights and cache need about ${gigabytes(neededMib)} on each of ${tensorParallel * pipelineParallel} GPUs, and ${gigabytes(usableMib)} of the smallest may be used`,
      'use more GPUs, weights in 8 or 4 bits (--model DIR), or a shorter --max-seq-len',
    );
  }
  if (usableMib > freeMib) {
    refuse(
      `not enough free GPU memory: vLLM takes ${gigabytes(usableMib)} of each GPU and only ${gigabytes(freeMib)} is free; another program uses it`,
      `nvidia-smi   # shows the programs; end them, or: --gpu-memory-utilization ${Math.max(0.05, Math.floor((freeMib / usableMib) * utilization * 20 - 1) / 20)}`,
    );
  }
}

function availableMemoryMib() {
  try {
    const match = /^MemAvailable:\s+(\d+) kB/m.exec(readFileSync('/proc/meminfo', 'utf8'));
    if (match !== null) return Number(match[1]) / 1024;
  } catch {
    // Not Linux.
  }
  return os.freemem() / 1024 ** 2;
}

function gigabytes(mib) {
  return `${(mib / 1024).toFixed(mib < 10_240 ? 1 : 0)}GB`;
}

function refuse(error, mend) {
  say('error', error);
  say('mend', mend);
  process.exit(5);
}

function say(kind, text) {
  process.stdout.write(`${kind} ${text.replaceAll(/[\r\n]/g, ' ')}\n`);
}
