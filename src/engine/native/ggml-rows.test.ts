import { describe, expect, it } from 'vitest';
import { halfBits, toFloats, toHalves } from './ggml-rows.ts';

const matrix = (type: number, bytes: Uint8Array) => ({ type, width: 32, rowBytes: bytes.length, bytes });
/** One in half precision. */
const one = [0x00, 0x3c];

describe('rows of the cache as numbers', () => {
  it('reads half precision, and writes what it read', () => {
    const values = [0, 1, -2, 0.5, 65_504, 2 ** -24, -0.333_251_953_125];
    const bits = toHalves(Float32Array.from(values));
    expect([...toFloats(matrix(1, new Uint8Array(bits.buffer)))]).toEqual(values);
    expect(halfBits(1e6)).toBe(0x7c00);
    expect(halfBits(1e-9)).toBe(0);
  });

  it('writes every half-precision number as it is', () => {
    const bits = Uint16Array.from({ length: 0x7c00 }, (_, index) => index);
    expect(toHalves(toFloats(matrix(1, new Uint8Array(bits.buffer))))).toEqual(bits);
  });

  it('reads 8-bit blocks', () => {
    const row = Uint8Array.from([...one, ...Array.from({ length: 32 }, (_, index) => (index - 16) & 255)]);
    expect([...toFloats(matrix(8, row))]).toEqual(Array.from({ length: 32 }, (_, index) => index - 16));
  });

  it('reads 4-bit blocks: low halves first, then high halves', () => {
    const row = Uint8Array.from([...one, ...Array.from({ length: 16 }, (_, index) => index | ((15 - index) << 4))]);
    const values = [...toFloats(matrix(2, row))];
    expect(values.slice(0, 16)).toEqual(Array.from({ length: 16 }, (_, index) => index - 8));
    expect(values.slice(16)).toEqual(Array.from({ length: 16 }, (_, index) => 7 - index));
  });

  it('refuses other forms', () => {
    expect(() => toFloats(matrix(12, new Uint8Array(144)))).toThrow(expect.objectContaining({ code: 'engine_failed' }));
  });
});
