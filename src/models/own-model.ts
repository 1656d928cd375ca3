import { basename } from 'node:path';
import type { ModelEntry } from '../core/catalogue.ts';
import type { GgufHeader } from './gguf.ts';
import { estimateMemoryBytes } from './memory-estimate.ts';

/** Context for which the memory need is stated, in tokens. */
const statedContextTokens = 8192;
const fallbackContextTokens = 4096;

/** An entry for a user's own GGUF file: what its header tells, and cautious guesses for the rest. */
export function describeOwnModel(path: string, header: GgufHeader): ModelEntry {
  const file = basename(path);
  const contextTokens = header.contextLength ?? fallbackContextTokens;
  const template = header.chatTemplate ?? '';
  const isGlm = header.architecture.startsWith('glm') || header.architecture.startsWith('chatglm');
  // Hermes-style templates write the tag themselves; a template without it cannot call tools in that form.
  const toolFormat = isGlm ? 'glm' : template.includes('<tool_call>') ? 'hermes' : 'none';
  const thinks = template.includes('<think>') || template.includes('enable_thinking');
  const estimate = estimateMemoryBytes(header, { contextTokens: Math.min(contextTokens, statedContextTokens) });
  return {
    id: toId(file),
    aliases: [],
    displayName: header.name ?? file.replace(/\.gguf$/i, ''),
    description: `Your own file, architecture ${header.architecture}.`,
    licence: licenceOf(header),
    verified: false,
    parameters: header.tensors.reduce((sum, { shape }) => sum + shape.reduce((product, size) => product * size, 1), 0),
    contextTokens,
    modalities: ['text'],
    tools: toolFormat !== 'none',
    reasoning: thinks ? 'optional' : 'none',
    languages: [],
    memoryBytes: estimate.totalBytes,
    sampling: {},
    quirks: { toolFormat, reasoningFormat: thinks ? (isGlm ? 'glm' : 'think') : 'none' },
    files: [{ role: 'weights', name: file, sizeBytes: header.fileSizeBytes, sources: [{ kind: 'path', path }] }],
  };
}

function toId(file: string): string {
  const id = file
    .replace(/\.gguf$/i, '')
    .toLowerCase()
    .replace(/[^a-z0-9.-]+/g, '-')
    .replace(/^[^a-z0-9]+/, '');
  return id === '' ? 'own-model' : id;
}

function licenceOf(header: GgufHeader): string {
  const licence = header.metadata.get('general.license');
  return typeof licence === 'string' && licence !== '' ? licence : 'unknown';
}
