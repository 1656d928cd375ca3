/** Changes the sampling rate of sound that arrives in parts, by a windowed sinc in phases. */

/** Zero crossings of the sinc under the window, share of the band that passes, and the window's shape: FFmpeg's defaults. */
const filterSize = 32;
const passband = 0.97;
const kaiserBeta = 9;
/** A ratio that needs more phases than this takes the nearest of them. */
const mostPhases = 1024;

/**
 * The same filter as FFmpeg's `swresample` with its defaults (`build_filter` in `libswresample/resample.c`), because that is what
 * Whisper's reference implementations hear: a filter that ends lower or lets less through gives other words.
 */
export class Resampler {
  readonly #step: number;
  readonly #phases: number;
  readonly #taps: number;
  readonly #filters: Float32Array[];
  #waiting: Float32Array;
  /** Place in the input of the next sample, relative to the first one waiting, and its fraction in units of 1 ÷ `to`. */
  #place = 0;
  #fraction = 0;
  readonly #to: number;
  #given = 0;
  #written = 0;

  /** @param from, to: samples a second, whole numbers */
  constructor(from: number, to: number) {
    const divisor = greatestCommonDivisor(from, to);
    this.#step = from / divisor;
    this.#to = to / divisor;
    this.#phases = Math.min(this.#to, mostPhases);
    const factor = Math.min((to * passband) / from, 1);
    this.#taps = 2 * Math.ceil(filterSize / factor / 2);
    this.#filters = Array.from({ length: this.#phases }, (_, phase) =>
      filterOf(phase / this.#phases, factor, this.#taps),
    );
    // Silence before the first sample, so that the first one lies under the middle of the filter.
    this.#waiting = new Float32Array(middleOf(this.#taps));
  }

  /** The samples that can be told by now. */
  push(samples: Float32Array): Float32Array {
    this.#given += samples.length;
    return this.#run(samples, Number.POSITIVE_INFINITY);
  }

  /** The rest, which lies under the end of the filter. Nothing may follow. */
  finish(): Float32Array {
    const whole = Math.ceil((this.#given * this.#to) / this.#step);
    return this.#run(new Float32Array(this.#taps), whole - this.#written);
  }

  #run(samples: Float32Array, most: number): Float32Array {
    const input = new Float32Array(this.#waiting.length + samples.length);
    input.set(this.#waiting);
    input.set(samples, this.#waiting.length);
    const room = Math.max(0, Math.ceil(((input.length - this.#place) * this.#to) / this.#step) + 1);
    const output = new Float32Array(Math.min(room, Math.max(0, most)));
    let written = 0;
    while (this.#place + this.#taps <= input.length && written < output.length) {
      const filter = this.#filters[Math.floor((this.#fraction * this.#phases) / this.#to)] as Float32Array;
      let sum = 0;
      for (let tap = 0; tap < this.#taps; tap++) sum += (input[this.#place + tap] as number) * (filter[tap] as number);
      output[written++] = sum;
      this.#fraction += this.#step;
      const whole = Math.floor(this.#fraction / this.#to);
      this.#place += whole;
      this.#fraction -= whole * this.#to;
    }
    // Where the rate falls, the next sample may lie beyond what has arrived.
    const used = Math.min(this.#place, input.length);
    this.#waiting = input.slice(used);
    this.#place -= used;
    this.#written += written;
    return output.subarray(0, written);
  }
}

function filterOf(phase: number, factor: number, taps: number): Float32Array {
  const weights = Float64Array.from({ length: taps }, (_, tap) => {
    const angle = Math.PI * (tap - middleOf(taps) - phase) * factor;
    const place = (2 * angle) / (factor * taps * Math.PI);
    const window = besselI0(kaiserBeta * Math.sqrt(Math.max(0, 1 - place * place)));
    return window * (angle === 0 ? 1 : Math.sin(angle) / angle);
  });
  const total = weights.reduce((sum, each) => sum + each, 0);
  return Float32Array.from(weights, (each) => each / total);
}

function middleOf(taps: number): number {
  return Math.floor((taps - 1) / 2);
}

/** Modified Bessel function of order 0, by its series. */
function besselI0(value: number): number {
  let term = 1;
  let sum = 1;
  for (let index = 1; term > sum * 1e-12; index++) {
    term *= (value / (2 * index)) ** 2;
    sum += term;
  }
  return sum;
}

function greatestCommonDivisor(left: number, right: number): number {
  return right === 0 ? left : greatestCommonDivisor(right, left % right);
}
