import { filterBanks } from '../../../../models/sense-voice/sense-voice-file.ts';

/** Samples at 16 kHz: 25 ms every 10 ms. */
export const frameSamples = 400;
const frameShift = 160;
const sampleRate = 16_000;
const transformSize = 512;
const lowestHertz = 20;
const emphasis = 0.97;
/** Single precision's own epsilon: the logarithm of nothing. */
const leastEnergy = 1.1920929e-7;

/**
 * Logarithms of the energy in 80 mel bands, as Kaldi counts them (`feature-window.cc`, `mel-computations.cc`), with the settings of
 * SenseVoice: a Hamming window, no dither, whole frames only.
 *
 * @returns frames × 80
 */
export function filterBankOf(samples: Float32Array): Float32Array {
  const frames = samples.length < frameSamples ? 0 : 1 + Math.floor((samples.length - frameSamples) / frameShift);
  const output = new Float32Array(frames * filterBanks);
  const [real, imaginary] = [new Float64Array(transformSize), new Float64Array(transformSize)];
  const power = new Float64Array(transformSize / 2);
  for (let frame = 0; frame < frames; frame++) {
    readFrame(samples.subarray(frame * frameShift, frame * frameShift + frameSamples), real);
    imaginary.fill(0);
    transform(real, imaginary);
    for (let bin = 0; bin < power.length; bin++)
      power[bin] = (real[bin] as number) ** 2 + (imaginary[bin] as number) ** 2;
    bands.forEach(({ first, weights }, band) => {
      let energy = 0;
      for (let index = 0; index < weights.length; index++) {
        energy += (weights[index] as number) * (power[first + index] as number);
      }
      output[frame * filterBanks + band] = Math.log(Math.max(energy, leastEnergy));
    });
  }
  return output;
}

/** Without its mean, high tones raised, under the window, zeros after it. */
function readFrame(samples: Float32Array, into: Float64Array): void {
  let mean = 0;
  for (const each of samples) mean += each / frameSamples;
  into.fill(0);
  let previous = (samples[0] as number) - mean;
  for (let index = 0; index < frameSamples; index++) {
    const here = (samples[index] as number) - mean;
    into[index] = (here - emphasis * previous) * (hamming[index] as number);
    previous = here;
  }
}

const hamming = Float64Array.from(
  { length: frameSamples },
  (_, index) => 0.54 - 0.46 * Math.cos((2 * Math.PI * index) / (frameSamples - 1)),
);

const mel = (hertz: number): number => 1127 * Math.log(1 + hertz / 700);
const bands = Array.from({ length: filterBanks }, (_, band) => {
  const [lowest, highest] = [mel(lowestHertz), mel(sampleRate / 2)];
  const step = (highest - lowest) / (filterBanks + 1);
  const [left, middle, right] = [0, 1, 2].map((each) => lowest + (band + each) * step) as [number, number, number];
  const weights = Array.from({ length: transformSize / 2 }, (_unused, bin) => {
    const place = mel((sampleRate / transformSize) * bin);
    return Math.max(0, Math.min((place - left) / (middle - left), (right - place) / (right - middle)));
  });
  const first = weights.findIndex((weight) => weight > 0);
  return { first, weights: Float64Array.from(weights.slice(first, weights.findLastIndex((weight) => weight > 0) + 1)) };
});

const turns = Array.from({ length: transformSize / 2 }, (_, index) => {
  const angle = (-2 * Math.PI * index) / transformSize;
  return { cosine: Math.cos(angle), sine: Math.sin(angle) };
});

/** Fast Fourier transform in place, by halves. */
function transform(real: Float64Array, imaginary: Float64Array): void {
  const size = real.length;
  for (let index = 1, mirrored = 0; index < size; index++) {
    let bit = size >> 1;
    for (; (mirrored & bit) !== 0; bit >>= 1) mirrored ^= bit;
    mirrored ^= bit;
    if (index < mirrored) {
      for (const values of [real, imaginary]) {
        const other = values[mirrored] as number;
        values[mirrored] = values[index] as number;
        values[index] = other;
      }
    }
  }
  for (let length = 2; length <= size; length *= 2) {
    const half = length / 2;
    for (let start = 0; start < size; start += length) {
      for (let index = 0; index < half; index++) {
        const { cosine, sine } = turns[(index * size) / length] as (typeof turns)[number];
        const [upper, lower] = [start + index, start + index + half];
        const turnedReal = (real[lower] as number) * cosine - (imaginary[lower] as number) * sine;
        const turnedImaginary = (real[lower] as number) * sine + (imaginary[lower] as number) * cosine;
        real[lower] = (real[upper] as number) - turnedReal;
        imaginary[lower] = (imaginary[upper] as number) - turnedImaginary;
        real[upper] = (real[upper] as number) + turnedReal;
        imaginary[upper] = (imaginary[upper] as number) + turnedImaginary;
      }
    }
  }
}
