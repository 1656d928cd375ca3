/**
 * Tensors of a file that `torch.save` wrote in its older form (before 1.6): five pickles and then the numbers. The pickles are
 * read by a small machine that knows what such files hold and calls nothing: any other instruction or class ends the reading.
 */
import { readFile } from 'node:fs/promises';
import { makeError } from '../../core/errors.ts';

export type TorchTensor = { shape: number[]; data: Float32Array };

const magic = 0x1950a86a20f9469cfc6cn;
const storageTypes = new Set(['torch.FloatStorage', 'torch.LongStorage']);
const mostBytes = 256 * 1024 * 1024;

type Storage = { key: string; isFloat: boolean };
type Rebuilt = { storage: Storage; offset: number; shape: number[]; stride: number[] };
const mark = Symbol('mark');

/** The float tensors of the dictionary `section`. Throws `model_file_invalid`. */
export async function readTorchFile(path: string, section: string): Promise<Map<string, TorchTensor>> {
  const bytes = await readFile(path);
  try {
    if (bytes.length > mostBytes) throw new Error('it is too large');
    return tensorsOf(bytes, section);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw makeError('model_file_invalid', { file: 'The speaker model', reason }, { cause });
  }
}

function tensorsOf(bytes: Buffer, section: string): Map<string, TorchTensor> {
  const reader = new PickleReader(bytes);
  if (reader.read() !== magic) throw new Error('it is not a file of torch');
  reader.read();
  reader.read();
  const content = reader.read();
  const keys = reader.read();
  if (!(content instanceof Map) || !Array.isArray(keys)) throw new Error('its content is not a dictionary');
  const named = (content as Map<unknown, unknown>).get(section);
  if (!(named instanceof Map)) throw new Error(`it has no ${section}`);
  const isFloat = new Map(reader.storages.map((storage) => [storage.key, storage.isFloat]));
  const starts = new Map<string, { start: number; count: number }>();
  let at = reader.position;
  for (const key of keys as unknown[]) {
    const count = Number(bytes.readBigInt64LE(at));
    at += 8;
    const size = isFloat.get(String(key)) === false ? 8 : 4;
    if (count < 0 || at + count * size > bytes.length) throw new Error('it is cut');
    starts.set(String(key), { start: at, count });
    at += count * size;
  }
  const tensors = new Map<string, TorchTensor>();
  for (const [name, value] of named as Map<unknown, unknown>) {
    if (!isRebuilt(value) || !value.storage.isFloat) continue;
    const storage = starts.get(value.storage.key);
    const count = value.shape.reduce((product, size) => product * size, 1);
    if (storage === undefined || value.offset + count > storage.count)
      throw new Error('a tensor reaches past its numbers');
    if (!isContiguous(value)) throw new Error('a tensor is not stored row by row');
    const data = new Float32Array(count);
    const first = storage.start + 4 * value.offset;
    for (let index = 0; index < count; index++) data[index] = bytes.readFloatLE(first + 4 * index);
    tensors.set(String(name), { shape: value.shape, data });
  }
  return tensors;
}

function isRebuilt(value: unknown): value is Rebuilt {
  return typeof value === 'object' && value !== null && 'storage' in value;
}

function isContiguous({ shape, stride }: Rebuilt): boolean {
  let expected = 1;
  return shape.toReversed().every((size, index) => {
    const fits = size === 1 || stride[shape.length - 1 - index] === expected;
    expected *= size;
    return fits;
  });
}

/** https://docs.python.org/3/library/pickletools.html: the instructions of protocol 2 that occur. */
class PickleReader {
  readonly storages: Storage[] = [];
  readonly #bytes: Buffer;
  position = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  read(): unknown {
    const stack: unknown[] = [];
    const memo = new Map<number, unknown>();
    const toMark = (): unknown[] => {
      const items = stack.splice(stack.lastIndexOf(mark));
      return items.slice(1);
    };
    for (;;) {
      const code = this.#bytes.readUInt8(this.position++);
      switch (String.fromCharCode(code)) {
        case '\u0080':
          this.position++;
          break;
        case '.':
          return stack.pop();
        case '(':
          stack.push(mark);
          break;
        case '}':
          stack.push(new Map());
          break;
        case ']':
          stack.push([]);
          break;
        case ')':
          stack.push([]);
          break;
        case 'N':
          stack.push(undefined);
          break;
        case '\u0088':
          stack.push(true);
          break;
        case '\u0089':
          stack.push(false);
          break;
        case 'J':
          stack.push(this.#bytes.readInt32LE(this.#skip(4)));
          break;
        case 'K':
          stack.push(this.#bytes.readUInt8(this.#skip(1)));
          break;
        case 'M':
          stack.push(this.#bytes.readUInt16LE(this.#skip(2)));
          break;
        case 'G':
          stack.push(this.#bytes.readDoubleBE(this.#skip(8)));
          break;
        case '\u008a':
          stack.push(this.#long());
          break;
        case 'X':
          stack.push(this.#text(this.#bytes.readUInt32LE(this.#skip(4))));
          break;
        case 'c':
          stack.push({ global: `${this.#line()}.${this.#line()}` });
          break;
        case 'q':
          memo.set(this.#bytes.readUInt8(this.#skip(1)), stack.at(-1));
          break;
        case 'r':
          memo.set(this.#bytes.readUInt32LE(this.#skip(4)), stack.at(-1));
          break;
        case 'h':
          stack.push(memo.get(this.#bytes.readUInt8(this.#skip(1))));
          break;
        case 'j':
          stack.push(memo.get(this.#bytes.readUInt32LE(this.#skip(4))));
          break;
        case 't':
          stack.push(toMark());
          break;
        case '\u0085':
          stack.push(stack.splice(-1));
          break;
        case '\u0086':
          stack.push(stack.splice(-2));
          break;
        case '\u0087':
          stack.push(stack.splice(-3));
          break;
        case 's':
          setItems(stack, stack.splice(-2));
          break;
        case 'u':
          setItems(stack, toMark());
          break;
        case 'a':
          append(stack, stack.splice(-1));
          break;
        case 'e':
          append(stack, toMark());
          break;
        case 'Q':
          stack.push(this.#storage(stack.pop()));
          break;
        case 'R':
          stack.push(rebuilt(...(stack.splice(-2) as [unknown, unknown])));
          break;
        case 'b':
          // State of an object that is not needed.
          stack.pop();
          break;
        default:
          throw new Error(`it holds the instruction ${code}, which no tensor needs`);
      }
    }
  }

  #skip(count: number): number {
    const at = this.position;
    this.position += count;
    return at;
  }

  #long(): bigint {
    const size = this.#bytes.readUInt8(this.#skip(1));
    let value = 0n;
    for (let index = 0; index < size; index++) {
      value |= BigInt(this.#bytes.readUInt8(this.position + index)) << BigInt(8 * index);
    }
    this.position += size;
    return value;
  }

  #text(length: number): string {
    const at = this.#skip(length);
    if (this.position > this.#bytes.length) throw new Error('it is cut');
    return this.#bytes.toString('utf8', at, at + length);
  }

  #line(): string {
    const end = this.#bytes.indexOf('\n', this.position);
    if (end < 0) throw new Error('it is cut');
    const text = this.#bytes.toString('utf8', this.position, end);
    this.position = end + 1;
    return text;
  }

  #storage(value: unknown): Storage {
    const [kind, type, key] = Array.isArray(value) ? (value as unknown[]) : [];
    const { global: name = '' } = (type ?? {}) as { global?: string };
    if (kind !== 'storage' || !storageTypes.has(name)) throw new Error('it holds numbers of an unknown type');
    const storage = { key: String(key), isFloat: name === 'torch.FloatStorage' };
    this.storages.push(storage);
    return storage;
  }
}

/** The two calls that a file of tensors makes. */
function rebuilt(callee: unknown, parameters: unknown): unknown {
  const { global: name } = callee as { global?: string };
  if (name === 'collections.OrderedDict') return new Map();
  const [storage, offset, shape, stride] = parameters as [Storage, number, number[], number[]];
  if (name === 'torch._utils._rebuild_tensor_v2') return { storage, offset, shape, stride };
  if (name === 'torch._utils._rebuild_parameter') return storage;
  throw new Error('it calls something that no tensor needs');
}

function setItems(stack: readonly unknown[], items: readonly unknown[]): void {
  const target = stack.at(-1);
  if (!(target instanceof Map)) throw new Error('it is damaged');
  for (let index = 0; index + 1 < items.length; index += 2) target.set(items[index], items[index + 1]);
}

function append(stack: readonly unknown[], items: readonly unknown[]): void {
  const target = stack.at(-1);
  if (!Array.isArray(target)) throw new Error('it is damaged');
  target.push(...items);
}
