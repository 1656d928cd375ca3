/** Rows of a matrix in one of ggml's formats as plain numbers. Source: the block structs of ggml-common.h. */
import { makeError } from '../../core/errors.ts';
import type { StateMatrix } from './sequence-state.ts';

const blockElements = 32;
let halves: Float32Array | undefined;

/** Every half-precision number, by its bits. */
function halfTable(): Float32Array {
  if (halves !== undefined) return halves;
  halves = new Float32Array(65_536);
  for (let bits = 0; bits < 65_536; bits++) {
    const sign = (bits & 0x8000) === 0 ? 1 : -1;
    const exponent = (bits >> 10) & 31;
    const fraction = bits & 1023;
    halves[bits] =
      exponent === 0
        ? sign * fraction * 2 ** -24
        : exponent === 31
          ? sign * (fraction === 0 ? Number.POSITIVE_INFINITY : Number.NaN)
          : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  }
  return halves;
}

/** Throws `engine_failed` for a format that the cache cannot have. */
export function toFloats({ type, bytes }: StateMatrix): Float32Array {
  // A copy, because rows may begin at any byte.
  const aligned = new Uint8Array(bytes);
  switch (type) {
    case 0:
      return new Float32Array(aligned.buffer);
    case 1:
      return fromHalves(new Uint16Array(aligned.buffer));
    case 2:
      return fromQ4(aligned);
    case 8:
      return fromQ8(aligned);
    default:
      throw makeError('engine_failed', { reason: `cells of type ${type} cannot be read` });
  }
}

/** Plain loops here and below: `from` with a callback takes ten times as long, and there are millions of them. */
function fromHalves(bits: Uint16Array): Float32Array {
  const table = halfTable();
  const values = new Float32Array(bits.length);
  for (let index = 0; index < bits.length; index++) values[index] = table[bits[index] as number] as number;
  return values;
}

/** The same numbers in half precision. */
export function toHalves(values: Float32Array): Uint16Array {
  const bits = new Uint16Array(values.length);
  for (let index = 0; index < values.length; index++) bits[index] = halfBits(values[index] as number);
  return bits;
}

/** A half-precision scale, then 32 signed bytes. */
function fromQ8(bytes: Uint8Array): Float32Array {
  const blockBytes = 34;
  const table = halfTable();
  const view = new DataView(bytes.buffer);
  const values = new Float32Array((bytes.length / blockBytes) * blockElements);
  for (let start = 0, index = 0; start < bytes.length; start += blockBytes) {
    const scale = table[view.getUint16(start, true)] as number;
    for (let each = 0; each < blockElements; each++) values[index++] = scale * view.getInt8(start + 2 + each);
  }
  return values;
}

/** A half-precision scale, then 16 bytes: their low halves are the first 16 elements, their high halves the others. */
function fromQ4(bytes: Uint8Array): Float32Array {
  const blockBytes = 18;
  const table = halfTable();
  const view = new DataView(bytes.buffer);
  const values = new Float32Array((bytes.length / blockBytes) * blockElements);
  for (let start = 0, index = 0; start < bytes.length; start += blockBytes, index += blockElements) {
    const scale = table[view.getUint16(start, true)] as number;
    for (let each = 0; each < 16; each++) {
      const pair = bytes[start + 2 + each] as number;
      values[index + each] = scale * ((pair & 15) - 8);
      values[index + each + 16] = scale * ((pair >> 4) - 8);
    }
  }
  return values;
}

const float = new Float32Array(1);
const floatBits = new Uint32Array(float.buffer);

/** The nearest half-precision number's bits; too large becomes infinite. */
export function halfBits(value: number): number {
  float[0] = value;
  const bits = floatBits[0] as number;
  const sign = (bits >>> 16) & 0x8000;
  const exponent = ((bits >>> 23) & 255) - 112;
  const fraction = bits & 0x7fffff;
  if (exponent >= 31) return sign | 0x7c00;
  if (exponent <= 0) {
    if (exponent < -10) return sign;
    const shifted = (fraction | 0x800000) >>> (1 - exponent);
    return sign | ((shifted + 0x1000) >>> 13);
  }
  return sign | (((exponent << 10) | (fraction >>> 13)) + ((fraction >>> 12) & 1));
}
