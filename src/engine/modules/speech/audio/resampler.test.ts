import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Resampler } from './resampler.ts';

const file = new URL('../../../../../test/fixtures/audio/resampled.json', import.meta.url);
/** `make_resampled.py` beside it says how FFmpeg made it. */
const reference = JSON.parse(readFileSync(file, 'utf8')) as { rate: number; length: number; millionths: number[] }[];
const tones = Float32Array.from(
  { length: 900 },
  (_, place) => 0.5 * Math.sin(0.05 * place + 0.0006 * place ** 2) + 0.3 * Math.sin(0.7 * place),
);

/** @param sizes lengths of the parts in which it arrives, used again and again */
function resample(samples: Float32Array, from: number, to: number, sizes = [samples.length]): Float32Array {
  const resampler = new Resampler(from, to);
  const parts: number[] = [];
  for (let place = 0, turn = 0; place < samples.length; turn++) {
    const size = sizes[turn % sizes.length] ?? 1;
    parts.push(...resampler.push(samples.subarray(place, place + size)));
    place += size;
  }
  return Float32Array.from([...parts, ...resampler.finish()]);
}
const sine = (hertz: number, rate: number): Float32Array =>
  Float32Array.from({ length: rate }, (_, index) => Math.sin((2 * Math.PI * hertz * index) / rate));
const power = (samples: Float32Array): number => samples.reduce((sum, each) => sum + each * each, 0) / samples.length;

describe('Resampler', () => {
  it.each(reference)('$rate Hz: as FFmpeg within 0.00002, sample for sample', ({ rate, length, millionths }) => {
    const samples = resample(tones, rate, 16_000);
    expect(Math.abs(samples.length - length)).toBeLessThanOrEqual(1);
    // FFmpeg mirrors the sound at its start and its end; here silence lies there.
    for (let place = 40; place < Math.min(millionths.length, length - 60); place++) {
      expect(Math.abs((samples[place] ?? 0) * 1e6 - (millionths[place] ?? 0))).toBeLessThan(20);
    }
  });

  it.each([[[1]], [[7, 300, 2]], [[50_000]]])('gives the same whatever the parts are (%j)', (sizes) => {
    for (const [from, to] of [[48_000, 16_000] as const, [11_025, 16_000] as const, [192_000, 16_000] as const]) {
      expect(resample(tones, from, to, sizes)).toEqual(resample(tones, from, to));
    }
  });

  it.each([1_000, 8_000, 11_025, 16_001, 44_100, 48_000, 96_000, 192_000])(
    'keeps a second of %i Hz a second, and a tone as loud as it was',
    (rate) => {
      const samples = resample(sine(300, rate), rate, 16_000);
      expect(samples).toHaveLength(16_000);
      expect(power(samples.subarray(1_000, 15_000))).toBeCloseTo(0.5, 2);
    },
  );

  it('lets nothing through that the lower rate cannot hold', () => {
    expect(power(resample(sine(10_000, 48_000), 48_000, 16_000))).toBeLessThan(1e-5);
  });

  it('nothing in, nothing out', () => {
    expect(resample(new Float32Array(0), 44_100, 16_000)).toHaveLength(0);
  });
});
