/** The front end that Whisper was trained with: 16 kHz, Hann window of 400 samples, hop 160, Slaney's mel scale. */
export const sampleRateHz = 16_000;
export const windowSamples = 400;
export const hopSamples = 160;
export const frequencyBins = windowSamples / 2 + 1;

/** Windowed cosines, then windowed negative sines: `[2 × bins, window]`, so that one product is the Fourier transform. */
export function fourierRows(): Float32Array {
  const rows = new Float32Array(2 * frequencyBins * windowSamples);
  for (let bin = 0; bin < frequencyBins; bin++) {
    for (let index = 0; index < windowSamples; index++) {
      const window = 0.5 - 0.5 * Math.cos((2 * Math.PI * index) / windowSamples);
      // The product is reduced first: a large angle would lose digits.
      const angle = (2 * Math.PI * ((bin * index) % windowSamples)) / windowSamples;
      rows[bin * windowSamples + index] = window * Math.cos(angle);
      rows[(frequencyBins + bin) * windowSamples + index] = -window * Math.sin(angle);
    }
  }
  return rows;
}

/** Triangles of equal area on Slaney's scale (linear under 1 kHz, logarithmic above): `[mels, bins]`. */
export function melFilters(mels: number): Float32Array {
  const toHertz = (mel: number): number =>
    mel < 15 ? (mel * 200) / 3 : 1000 * Math.exp((Math.log(6.4) / 27) * (mel - 15));
  const highestMel = 45.245640471924965;
  const edges = Array.from({ length: mels + 2 }, (_, index) => toHertz((index * highestMel) / (mels + 1)));
  const filters = new Float32Array(mels * frequencyBins);
  for (let mel = 0; mel < mels; mel++) {
    const [low, centre, high] = edges.slice(mel, mel + 3) as [number, number, number];
    for (let bin = 0; bin < frequencyBins; bin++) {
      const hertz = (bin * sampleRateHz) / windowSamples;
      const height = Math.min((hertz - low) / (centre - low), (high - hertz) / (high - centre));
      filters[mel * frequencyBins + bin] = Math.max(0, height) * (2 / (high - low));
    }
  }
  return filters;
}
