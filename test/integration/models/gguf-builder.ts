/** Writes small GGUF files for tests: real enough for the header check, any size, the same bytes every time. */
import { createCipheriv } from 'node:crypto';

export type BuilderValue =
  | { type: 'uint32'; value: number }
  | { type: 'float32'; value: number }
  | { type: 'string'; value: string }
  | { type: 'strings'; value: string[] };

export type BuilderTensor = { name: string; shape: bigint[]; type: number; offset: bigint };

export type BuilderOptions = {
  version?: number;
  pairs?: [string, BuilderValue][];
  tensors?: BuilderTensor[];
  dataBytes?: number;
  alignment?: number;
};

/** A header that claims one F32 tensor as large as the data. */
export function buildGguf(options: BuilderOptions = {}): Buffer {
  const alignment = options.alignment ?? 32;
  const dataBytes = options.dataBytes ?? 1024;
  const pairs = options.pairs ?? [
    ['general.architecture', { type: 'string', value: 'llama' }],
    ['general.name', { type: 'string', value: 'Test' }],
    ['llama.context_length', { type: 'uint32', value: 2048 }],
    ['llama.block_count', { type: 'uint32', value: 2 }],
    ['llama.embedding_length', { type: 'uint32', value: 64 }],
    ['llama.attention.head_count', { type: 'uint32', value: 4 }],
    ['llama.attention.head_count_kv', { type: 'uint32', value: 2 }],
    ['tokenizer.chat_template', { type: 'string', value: '{{ messages }}' }],
    ['tokenizer.ggml.tokens', { type: 'strings', value: Array.from({ length: 3000 }, (_, index) => `token${index}`) }],
  ];
  const tensors = options.tensors ?? [{ name: 'weight', shape: [BigInt(dataBytes / 4)], type: 0, offset: 0n }];
  const chunks = [
    Buffer.from('GGUF'),
    u32(options.version ?? 3),
    u64(BigInt(tensors.length)),
    u64(BigInt(pairs.length)),
  ];
  for (const [key, value] of pairs) chunks.push(text(key), encode(value));
  for (const { name, shape, type, offset } of tensors) {
    chunks.push(text(name), u32(shape.length), ...shape.map(u64), u32(type), u64(offset));
  }
  const header = Buffer.concat(chunks);
  const padding = Buffer.alloc((alignment - (header.length % alignment)) % alignment);
  return Buffer.concat([header, padding, noise(dataBytes)]);
}

/** Bytes that do not compress, the same on every run. */
export function noise(length: number): Buffer {
  return createCipheriv('aes-128-ctr', Buffer.alloc(16), Buffer.alloc(16)).update(Buffer.alloc(length));
}

function encode(value: BuilderValue): Buffer {
  switch (value.type) {
    case 'uint32':
      return Buffer.concat([u32(4), u32(value.value)]);
    case 'float32': {
      const bytes = Buffer.alloc(4);
      bytes.writeFloatLE(value.value);
      return Buffer.concat([u32(6), bytes]);
    }
    case 'string':
      return Buffer.concat([u32(8), text(value.value)]);
    case 'strings':
      return Buffer.concat([u32(9), u32(8), u64(BigInt(value.value.length)), ...value.value.map(text)]);
  }
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([u64(BigInt(bytes.length)), bytes]);
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function u64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return bytes;
}
