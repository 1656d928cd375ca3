/** Whether a file is the same model as the published one, in more bits. */
import { makeError } from '../../core/errors.ts';
import type { GgufHeader, GgufValue } from '../../models/gguf.ts';

/** A file that is rounded from and measured against, in place of the published one. */
export type BetterSource = {
  path: string;
  /** As in `TunedModel`: `sha256:…` or `file:size:mtime`. */
  identity: string;
  /** What to call it to the user. */
  name: string;
};

/** Only these say how the numbers in the file were made, not what the model computes. */
const ignoredKeys = /\.(context_length|quantized_by)$/;

/** Throws `source_mismatch` with the first difference. */
export function checkBetterSource(
  better: GgufHeader,
  published: GgufHeader,
  names: { file: string; model: string },
): void {
  const reason = differenceOf(better, published);
  if (reason !== undefined) throw makeError('source_mismatch', { ...names, reason });
}

function differenceOf(better: GgufHeader, published: GgufHeader): string | undefined {
  const { architecture } = published;
  if (better.architecture !== architecture) return `its architecture is ${better.architecture}, not ${architecture}`;
  for (const [key, value] of published.metadata) {
    if (!/^tokenizer\.ggml\.(model|pre|tokens|bos_token_id|eos_token_id)$/.test(key)) continue;
    if (textOf(better.metadata.get(key)) !== textOf(value)) return `its vocabulary differs in ${key}`;
  }
  for (const [key, value] of published.metadata) {
    if (!key.startsWith(`${architecture}.`) || ignoredKeys.test(key)) continue;
    const other = better.metadata.get(key);
    if (other !== undefined && textOf(other) !== textOf(value)) {
      return `its ${key} is ${textOf(other)}, not ${textOf(value)}`;
    }
  }
  return tensorDifference(better, published) ?? precisionFault(better, published);
}

function tensorDifference(better: GgufHeader, published: GgufHeader): string | undefined {
  const shapes = new Map(better.tensors.map(({ name, shape }) => [name, shape.join('×')]));
  for (const { name, shape } of published.tensors) {
    const other = shapes.get(name);
    if (other === undefined) return `it has no tensor ${name}`;
    if (other !== shape.join('×')) return `its tensor ${name} is ${other}, not ${shape.join('×')}`;
    shapes.delete(name);
  }
  const [extra] = shapes.keys();
  return extra === undefined ? undefined : `it has a tensor ${extra} that the model has not`;
}

function precisionFault(better: GgufHeader, published: GgufHeader): string | undefined {
  const bytes = ({ tensors }: GgufHeader) => tensors.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  return bytes(better) > bytes(published) ? undefined : 'it has no more bits than the published file';
}

/** Of long lists only the length is known here; the tokens themselves are compared where both files are open. */
function textOf(value: GgufValue | undefined): string {
  if (typeof value === 'object' && !Array.isArray(value)) return `list of ${value.skippedLength}`;
  return Array.isArray(value) ? value.join(',') : String(value);
}
