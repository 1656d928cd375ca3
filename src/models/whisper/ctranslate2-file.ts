import { open, type FileHandle } from 'node:fs/promises';
import { makeError } from '../../core/errors.ts';

/**
 * The `model.bin` of CTranslate2, version 6: a flat list of named tensors, read without the library. Little endian throughout:
 * format version u32, name of the specification, its revision u32, number of tensors u32, then per tensor: name, rank u8,
 * dimensions u32 each, type u8, size u32, data. Strings are a u16 length that counts the closing zero.
 * Source: CTranslate2 `src/models/model.cc` (Model::load).
 */
export type TensorPlace = { shape: number[]; type: TensorType; offset: number; sizeBytes: number };
export type TensorType = 'float32' | 'int8' | 'int16' | 'int32' | 'float16';

const typesByCode: readonly TensorType[] = ['float32', 'int8', 'int16', 'int32', 'float16'];
const bytesByType: Record<TensorType, number> = { float32: 4, int8: 1, int16: 2, int32: 4, float16: 2 };
/** Far above any model of this kind; a file that claims more is broken. */
const mostTensors = 100_000;
const mostNameBytes = 1024;

export class Ctranslate2File {
  readonly #file: FileHandle;
  readonly #tensors: ReadonlyMap<string, TensorPlace>;

  private constructor(file: FileHandle, tensors: ReadonlyMap<string, TensorPlace>) {
    this.#file = file;
    this.#tensors = tensors;
  }

  /** Reads the list of tensors, not their data. Throws `model_file_invalid`. */
  static async open(path: string): Promise<Ctranslate2File> {
    const file = await open(path, 'r');
    try {
      return new Ctranslate2File(file, await readDirectory(file));
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  shape(name: string): readonly number[] {
    return this.#place(name).shape;
  }

  has(name: string): boolean {
    return this.#tensors.has(name);
  }

  /** The numbers of a float tensor, widened to 32 bits. */
  async floats(name: string): Promise<Float32Array<ArrayBuffer>> {
    const place = this.#place(name);
    const bytes = new Uint8Array(place.sizeBytes);
    await readExactly(this.#file, bytes, place.offset);
    if (place.type === 'float32') return new Float32Array(bytes.buffer);
    if (place.type === 'float16') return widenHalves(new Uint16Array(bytes.buffer));
    throw invalid(`tensor ${name} holds ${place.type}, not floats`);
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  #place(name: string): TensorPlace {
    const place = this.#tensors.get(name);
    if (place === undefined) throw invalid(`tensor ${name} is missing`);
    return place;
  }
}

/** IEEE 754 half precision to single, exact. */
export function widenHalves(halves: Uint16Array): Float32Array<ArrayBuffer> {
  const wide = new Float32Array(halves.length);
  const table = halfTable();
  for (let index = 0; index < halves.length; index++) wide[index] = table[halves[index] as number] as number;
  return wide;
}

let cachedHalfTable: Float32Array | undefined;
function halfTable(): Float32Array {
  if (cachedHalfTable !== undefined) return cachedHalfTable;
  const table = new Float32Array(65_536);
  for (let bits = 0; bits < 65_536; bits++) {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >> 10) & 0x1f;
    const fraction = bits & 0x3ff;
    if (exponent === 0) table[bits] = sign * fraction * 2 ** -24;
    else if (exponent === 31) table[bits] = fraction === 0 ? sign * Infinity : NaN;
    else table[bits] = sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  }
  cachedHalfTable = table;
  return table;
}

async function readDirectory(file: FileHandle): Promise<Map<string, TensorPlace>> {
  const fileBytes = (await file.stat()).size;
  const reader = new SequentialReader(file, fileBytes);
  const version = await reader.u32();
  if (version !== 6) throw invalid(`format version ${version}, only 6 is read`);
  const specification = await reader.string();
  if (specification !== 'WhisperSpec') throw invalid(`a model of kind ${specification.slice(0, 40)}, not Whisper`);
  await reader.u32();
  const count = await reader.u32();
  if (count > mostTensors) throw invalid(`${count} tensors`);
  const tensors = new Map<string, TensorPlace>();
  for (let index = 0; index < count; index++) {
    const name = await reader.string();
    const rank = await reader.u8();
    if (rank > 8) throw invalid(`tensor ${name} has ${rank} dimensions`);
    const shape: number[] = [];
    for (let axis = 0; axis < rank; axis++) shape.push(await reader.u32());
    const type = typesByCode[await reader.u8()];
    if (type === undefined) throw invalid(`tensor ${name} has an unknown type`);
    const sizeBytes = await reader.u32();
    const expected = shape.reduce((product, size) => product * size, 1) * bytesByType[type];
    if (sizeBytes !== expected) throw invalid(`tensor ${name} has ${sizeBytes} bytes instead of ${expected}`);
    tensors.set(name, { shape, type, offset: reader.position, sizeBytes });
    reader.skip(sizeBytes);
  }
  return tensors;
}

/** Small reads through one buffer; a read past the end is an error, never short. */
class SequentialReader {
  position = 0;
  readonly #file: FileHandle;
  readonly #fileBytes: number;
  #buffer = new Uint8Array(0);
  #bufferStart = 0;

  constructor(file: FileHandle, fileBytes: number) {
    this.#file = file;
    this.#fileBytes = fileBytes;
  }

  async u8(): Promise<number> {
    return (await this.#take(1)).getUint8(0);
  }
  async u32(): Promise<number> {
    return (await this.#take(4)).getUint32(0, true);
  }
  async string(): Promise<string> {
    const length = (await this.#take(2)).getUint16(0, true);
    if (length === 0 || length > mostNameBytes) throw invalid(`a name of ${length} bytes`);
    const view = await this.#take(length);
    return Buffer.from(view.buffer, view.byteOffset, length - 1).toString('latin1');
  }
  skip(bytes: number): void {
    this.position += bytes;
    if (this.position > this.#fileBytes) throw invalid('the file ends inside a tensor');
  }

  async #take(bytes: number): Promise<DataView> {
    const end = this.position + bytes;
    if (end > this.#fileBytes) throw invalid('the file ends inside its list of tensors');
    if (this.position < this.#bufferStart || end > this.#bufferStart + this.#buffer.length) {
      this.#buffer = new Uint8Array(Math.min(4096, this.#fileBytes - this.position));
      this.#bufferStart = this.position;
      await readExactly(this.#file, this.#buffer, this.position);
    }
    const view = new DataView(this.#buffer.buffer, this.position - this.#bufferStart, bytes);
    this.position = end;
    return view;
  }
}

async function readExactly(file: FileHandle, into: Uint8Array, position: number): Promise<void> {
  let done = 0;
  while (done < into.length) {
    const { bytesRead } = await file.read(into, done, into.length - done, position + done);
    if (bytesRead === 0) throw invalid('the file ends early');
    done += bytesRead;
  }
}

function invalid(reason: string): Error {
  return makeError('model_file_invalid', { file: 'model.bin', reason });
}
