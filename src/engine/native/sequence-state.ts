/**
 * Reads what `llama_state_seq_get_data` of the pinned build writes (llama.cpp, `llama_kv_cache::state_write`): a magic number
 * and the sequence's id, then one section for each cache of the model (a second one where some layers have a sliding window).
 * A section: streams, cells, then for each cell its position and the ids of its sequences; then whether values are
 * transposed, the layers, and for each layer the type and the rows of its keys, after all of them those of its values.
 */
import { makeError } from '../../core/errors.ts';

/** `enum ggml_type`: elements and bytes of a block. */
const blocks: Readonly<Record<number, { elements: number; bytes: number }>> = {
  0: { elements: 1, bytes: 4 },
  1: { elements: 1, bytes: 2 },
  2: { elements: 32, bytes: 18 },
  8: { elements: 32, bytes: 34 },
};
export const typeF16 = 1;
const headerBytes = 8;
/** Column, row and token of a cell; only where positions have several dimensions. */
const mropeBytes = 12;

export type StateMatrix = {
  /** `enum ggml_type`. */
  type: number;
  /** Elements of a row; one row for each cell. */
  width: number;
  rowBytes: number;
  bytes: Uint8Array;
};

export type StateSection = {
  /** Position of each cell. */
  positions: Int32Array;
  /** One for each layer. */
  keys: StateMatrix[];
  values: StateMatrix[];
  /** What stands before the flag for transposed values, as it is. */
  head: Uint8Array;
};

export type SequenceState = { header: Uint8Array; sections: [StateSection, ...StateSection[]] };

/** Throws `engine_failed` where the bytes are not laid out as above, as with a model whose memory is of another kind. */
export function parseSequenceState(bytes: Uint8Array, usesMrope: boolean): SequenceState {
  const reader = new StateReader(bytes);
  const header = reader.take(headerBytes);
  const first = readSection(reader, usesMrope);
  const sections: [StateSection, ...StateSection[]] = [first];
  while (reader.remaining > 0) sections.push(readSection(reader, usesMrope));
  return { header, sections };
}

function readSection(reader: StateReader, usesMrope: boolean): StateSection {
  const start = reader.offset;
  if (reader.uint32() !== 1) throw unreadable('more than one stream');
  const cells = reader.uint32();
  const positions = new Int32Array(cells);
  for (let cell = 0; cell < cells; cell++) {
    positions[cell] = reader.int32();
    const sequences = reader.uint32();
    if (usesMrope) reader.skip(mropeBytes);
    reader.skip(4 * sequences);
  }
  const head = reader.since(start);
  if (reader.uint32() !== 0) throw unreadable('values are transposed');
  const layers = reader.uint32();
  if (layers === 0 || layers > 10_000) throw unreadable(`${layers} layers`);
  const matrices = () => Array.from({ length: layers }, () => readMatrix(reader, cells));
  return { positions, head, keys: matrices(), values: matrices() };
}

function readMatrix(reader: StateReader, cells: number): StateMatrix {
  const type = reader.int32();
  const rowBytes = reader.uint64();
  const block = blocks[type];
  if (block === undefined || rowBytes % block.bytes !== 0)
    throw unreadable(`type ${type} with rows of ${rowBytes} bytes`);
  return { type, rowBytes, width: (rowBytes / block.bytes) * block.elements, bytes: reader.take(rowBytes * cells) };
}

/**
 * The same state for a context that keeps values as F16 and transposed, as one without flash attention does.
 * @param toHalf the rows of a matrix as half-precision numbers
 */
export function transposeValues(
  { header, sections }: SequenceState,
  toHalf: (matrix: StateMatrix) => Uint16Array,
): Uint8Array {
  const parts: Uint8Array[] = [header];
  for (const { head, keys, values, positions } of sections) {
    const cells = positions.length;
    parts.push(head, integers(1, keys.length));
    for (const { type, rowBytes, bytes } of keys) parts.push(integers(type, rowBytes, 0), bytes);
    for (const matrix of values) {
      const { width } = matrix;
      const rows = toHalf(matrix);
      const columns = new Uint16Array(rows.length);
      for (let cell = 0; cell < cells; cell++) {
        for (let column = 0; column < width; column++) {
          columns[column * cells + cell] = rows[cell * width + column] as number;
        }
      }
      parts.push(integers(typeF16, 2, width), new Uint8Array(columns.buffer));
    }
  }
  return Buffer.concat(parts);
}

function integers(...values: number[]): Uint8Array {
  return new Uint8Array(Uint32Array.from(values).buffer);
}

function unreadable(what: string): Error {
  return makeError('engine_failed', { reason: `the state of the cache has an unknown layout: ${what}` });
}

class StateReader {
  offset = 0;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get remaining(): number {
    return this.#bytes.length - this.offset;
  }

  skip(count: number): void {
    this.#need(count);
    this.offset += count;
  }

  take(count: number): Uint8Array {
    this.skip(count);
    return this.#bytes.subarray(this.offset - count, this.offset);
  }

  since(start: number): Uint8Array {
    return this.#bytes.subarray(start, this.offset);
  }

  int32(): number {
    this.#need(4);
    this.offset += 4;
    return this.#view.getInt32(this.offset - 4, true);
  }

  uint32(): number {
    return this.int32() >>> 0;
  }

  uint64(): number {
    this.#need(8);
    this.offset += 8;
    return Number(this.#view.getBigUint64(this.offset - 8, true));
  }

  #need(count: number): void {
    if (count < 0 || this.remaining < count) throw unreadable('it ends too early');
  }
}
