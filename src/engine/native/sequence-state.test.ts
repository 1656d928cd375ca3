import { describe, expect, it } from 'vitest';
import { parseSequenceState, transposeValues } from './sequence-state.ts';

const integers = (...values: number[]) => Buffer.from(Uint32Array.from(values).buffer);
const halves = (...values: number[]) => Buffer.from(Uint16Array.from(values).buffer);

/** Two cells, one layer, keys and values of two half-precision numbers each. */
function state({ mrope = false, transposed = 0 } = {}): Buffer {
  const extra = mrope ? integers(7, 7, 7) : Buffer.alloc(0);
  return Buffer.concat([
    integers(0xaf143cd8, 0),
    integers(1, 2),
    integers(0, 1),
    extra,
    integers(0),
    integers(5, 1),
    extra,
    integers(0),
    integers(transposed, 1),
    integers(1, 4, 0),
    halves(1, 2, 3, 4),
    integers(1, 4, 0),
    halves(5, 6, 7, 8),
  ]);
}

describe('the state of a sequence', () => {
  it.each([false, true])('is read, with positions of several dimensions: %s', (mrope) => {
    const [section] = parseSequenceState(state({ mrope }), mrope).sections;
    expect([...section.positions]).toEqual([0, 5]);
    expect(section.keys).toMatchObject([{ type: 1, width: 2, rowBytes: 4 }]);
    expect(new Uint16Array(new Uint8Array(section.values[0]!.bytes).buffer)).toEqual(Uint16Array.of(5, 6, 7, 8));
  });

  it('is written with its values transposed', () => {
    const parsed = parseSequenceState(state(), false);
    const bytes = transposeValues(parsed, ({ bytes: rows }) => new Uint16Array(new Uint8Array(rows).buffer));
    const until = state().length - 20;
    expect(Buffer.from(bytes).subarray(0, 32)).toEqual(state().subarray(0, 32));
    expect(Buffer.from(bytes).subarray(40, until)).toEqual(state({ transposed: 1 }).subarray(40, until));
    // Type, bytes of an element, columns; then column by column.
    expect(Buffer.from(bytes).subarray(until)).toEqual(Buffer.concat([integers(1, 2, 2), halves(5, 7, 6, 8)]));
  });

  it('is refused where it is laid out otherwise or cut short', () => {
    const broken = expect.objectContaining({ code: 'engine_failed' }) as Error;
    expect(() => parseSequenceState(state({ transposed: 1 }), false)).toThrow(broken);
    for (let length = 0; length < state().length; length += 3) {
      expect(() => parseSequenceState(state().subarray(0, length), false)).toThrow(broken);
    }
  });
});
