/** Looks at a folder with a model as vLLM reads it, without loading anything: is it whole, and what does it ask of the hardware? */
import { closeSync, existsSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import path from 'node:path';

/** Of a file of weights: more than this in its header means that it is no such file. */
const largestHeaderBytes = 100 * 1024 * 1024;

/**
 * @typedef {object} ModelFacts
 * @property {string} modelType
 * @property {string} architecture
 * @property {number} attentionHeads
 * @property {number} keyValueHeads
 * @property {number} layers
 * @property {number} headSize
 * @property {number | undefined} longestContextTokens what the model was trained for
 * @property {number} weightBytes
 * @property {boolean} readsImages
 * @property {number | undefined} visionHeads
 * @property {string} tokenizerFolder
 */

/**
 * @param {string} folder
 * @returns {{ facts: ModelFacts } | { problems: string[] }} problems are for people, one a line
 */
export function inspectModel(folder) {
  if (!existsSync(folder)) return { problems: [`the model folder ${folder} does not exist`] };
  if (!statSync(folder).isDirectory()) return { problems: [`${folder} is not a folder`] };
  const problems = [];
  const config = readJson(path.join(folder, 'config.json'), problems);
  const tokenizerFolder = findTokenizer(folder);
  if (tokenizerFolder === undefined) {
    problems.push(`${folder} has no tokenizer (tokenizer.json, tokenizer.model or vocab.json with merges.txt)`);
  }
  const weightBytes = checkWeights(folder, problems);
  const facts = config === undefined ? undefined : factsOf(config, problems);
  if (problems.length > 0 || facts === undefined) return { problems };
  return { facts: { ...facts, weightBytes, tokenizerFolder: tokenizerFolder ?? folder } };
}

function factsOf(config, problems) {
  // Models that also read pictures keep what concerns the text in a part of its own.
  const text = config.text_config ?? config.llm_config ?? config;
  const attentionHeads = text.num_attention_heads;
  const layers = text.num_hidden_layers;
  if (!isCount(attentionHeads) || !isCount(layers)) {
    problems.push('config.json does not say num_attention_heads and num_hidden_layers');
    return undefined;
  }
  const vision = config.vision_config;
  return {
    modelType: String(config.model_type ?? ''),
    architecture: String(config.architectures?.[0] ?? ''),
    attentionHeads,
    keyValueHeads: isCount(text.num_key_value_heads) ? text.num_key_value_heads : attentionHeads,
    layers,
    headSize: isCount(text.head_dim) ? text.head_dim : Math.ceil((text.hidden_size ?? 0) / attentionHeads),
    longestContextTokens: isCount(text.max_position_embeddings) ? text.max_position_embeddings : undefined,
    readsImages: vision !== undefined,
    visionHeads: isCount(vision?.num_heads) ? vision.num_heads : undefined,
  };
}

function findTokenizer(folder) {
  for (const candidate of [path.join(folder, 'tokenizer'), folder]) {
    const has = (name) => sizeOf(path.join(candidate, name)) > 0;
    const hasVocabulary = has('tokenizer.json') || has('tokenizer.model') || (has('vocab.json') && has('merges.txt'));
    if (hasVocabulary && (candidate !== folder || has('tokenizer_config.json') || has('tokenizer.json'))) {
      return candidate;
    }
  }
  return undefined;
}

/** Returns the bytes of all weights; every file that an index names must be there and as long as its own header says. */
function checkWeights(folder, problems) {
  for (const name of ['model.safetensors.index.json', 'pytorch_model.bin.index.json']) {
    if (!existsSync(path.join(folder, name))) continue;
    const index = readJson(path.join(folder, name), problems);
    const files = [...new Set(Object.values(index?.weight_map ?? {}))].map(String).toSorted();
    if (index !== undefined && files.length === 0) problems.push(`${name} names no weights`);
    return files.reduce((sum, file) => sum + checkWeightFile(folder, file, problems), 0);
  }
  for (const name of ['model.safetensors', 'pytorch_model.bin']) {
    if (existsSync(path.join(folder, name))) return checkWeightFile(folder, name, problems);
  }
  problems.push(`${folder} has no weights (model.safetensors.index.json or model.safetensors)`);
  return 0;
}

function checkWeightFile(folder, name, problems) {
  if (name !== path.basename(name)) {
    problems.push(`the index names a file outside of the folder: ${name}`);
    return 0;
  }
  const file = path.join(folder, name);
  const sizeBytes = sizeOf(file);
  if (sizeBytes < 0) problems.push(`weights missing: ${name}`);
  else if (sizeBytes === 0) problems.push(`weights empty: ${name}`);
  else if (isLargeFilePointer(file, sizeBytes)) {
    problems.push(`${name} is only a pointer of Git LFS, the weights themselves were never fetched`);
  } else if (name.endsWith('.safetensors')) {
    const expectedBytes = expectedSize(file);
    if (expectedBytes === undefined) problems.push(`weights damaged: ${name} does not begin like a safetensors file`);
    else if (expectedBytes !== sizeBytes) {
      problems.push(`weights incomplete: ${name} has ${sizeBytes} bytes, its header says ${expectedBytes}`);
    }
  }
  return Math.max(sizeBytes, 0);
}

/** A safetensors file begins with the length of its header (64 bits, little-endian); the header says where the data ends. */
function expectedSize(file) {
  try {
    const length = Number(readStart(file, 0, 8).readBigUInt64LE());
    if (length < 2 || length > largestHeaderBytes) return undefined;
    const header = JSON.parse(readStart(file, 8, length).toString('utf8'));
    const ends = Object.entries(header)
      .filter(([name]) => name !== '__metadata__')
      .map(([, tensor]) => tensor.data_offsets[1]);
    return 8 + length + Math.max(0, ...ends);
  } catch {
    return undefined;
  }
}

function isLargeFilePointer(file, sizeBytes) {
  return sizeBytes < 1024 && readFileSync(file, 'utf8').startsWith('version https://git-lfs');
}

function readStart(file, position, length) {
  const descriptor = openSync(file, 'r');
  try {
    const buffer = Buffer.alloc(length);
    const read = readSync(descriptor, buffer, 0, length, position);
    return buffer.subarray(0, read);
  } finally {
    closeSync(descriptor);
  }
}

function readJson(file, problems) {
  const name = path.basename(file);
  if (!existsSync(file)) {
    problems.push(`${name} is missing`);
    return undefined;
  }
  try {
    const value = JSON.parse(readFileSync(file, 'utf8'));
    if (typeof value === 'object' && value !== null) return value;
  } catch {
    // Said below.
  }
  problems.push(`${name} is not valid JSON`);
  return undefined;
}

/** -1 where there is no such file. */
function sizeOf(file) {
  try {
    return statSync(file).size;
  } catch {
    return -1;
  }
}

function isCount(value) {
  return Number.isInteger(value) && value > 0;
}
