/** LoRA files for tests: the header is real, the numbers are noise. */
import { buildGguf, type BuilderTensor, type BuilderValue } from '../integration/models/gguf-builder.ts';

export type LoraOptions = {
  architecture?: string;
  /** Shapes of the weights it is for, by name. */
  weights: Readonly<Record<string, readonly [number, number]>>;
  rank?: number;
  /** In place of the usual values; `undefined` leaves one out. */
  metadata?: Readonly<Record<string, BuilderValue | undefined>>;
  /** Leaves these tensors out. */
  without?: readonly string[];
};

export function buildLora({
  architecture = 'llama',
  weights,
  rank = 2,
  metadata = {},
  without = [],
}: LoraOptions): Buffer {
  const pairs: Record<string, BuilderValue | undefined> = {
    'general.architecture': { type: 'string', value: architecture },
    'general.type': { type: 'string', value: 'adapter' },
    'adapter.type': { type: 'string', value: 'lora' },
    'adapter.lora.alpha': { type: 'float32', value: 4 },
    ...metadata,
  };
  let offset = 0n;
  const tensors: BuilderTensor[] = [];
  for (const [name, [inputs, outputs]] of Object.entries(weights)) {
    for (const [half, shape] of [
      ['a', [inputs, rank]],
      ['b', [rank, outputs]],
    ] as const) {
      const tensor = `${name}.lora_${half}`;
      if (without.includes(tensor)) continue;
      tensors.push({ name: tensor, shape: shape.map(BigInt), type: 0, offset });
      offset += BigInt(Math.ceil((shape[0] * shape[1] * 4) / 32) * 32);
    }
  }
  const given = Object.entries(pairs).flatMap(([key, value]) =>
    value === undefined ? [] : [[key, value] as [string, BuilderValue]],
  );
  return buildGguf({ pairs: given, tensors, dataBytes: Number(offset) });
}
