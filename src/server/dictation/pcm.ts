/** Samples of 16 bits, in pieces as they come. */

/** PCM16, one channel → a WAV file, so that the speech module's own decoder reads it and changes its rate. */
export function waveFile(pcm: Uint8Array, rate: number): Uint8Array {
  const file = Buffer.alloc(44 + pcm.length);
  file.write('RIFF', 0, 'latin1');
  file.writeUInt32LE(36 + pcm.length, 4);
  file.write('WAVEfmt ', 8, 'latin1');
  file.writeUInt32LE(16, 16);
  file.writeUInt16LE(1, 20);
  file.writeUInt16LE(1, 22);
  file.writeUInt32LE(rate, 24);
  file.writeUInt32LE(rate * 2, 28);
  file.writeUInt16LE(2, 32);
  file.writeUInt16LE(16, 34);
  file.write('data', 36, 'latin1');
  file.writeUInt32LE(pcm.length, 40);
  file.set(pcm, 44);
  return file;
}

/** PCM16 at any rate → floats at 16 kHz, by straight lines: good enough to tell speech from silence. */
export class VoiceSamples {
  readonly #step: number;
  #at = 0;
  #last = 0;

  constructor(rate: number) {
    this.#step = rate / 16_000;
  }

  take(pcm: Uint8Array): Float32Array {
    const view = new DataView(pcm.buffer, pcm.byteOffset, pcm.byteLength);
    const count = pcm.byteLength >> 1;
    const sample = (index: number): number => (index < 0 ? this.#last : view.getInt16(2 * index, true) / 32_768);
    const out: number[] = [];
    // `#at` is the place of the next output; −1 is the last sample of the piece before.
    for (; this.#at < count - 1; this.#at += this.#step) {
      const left = Math.floor(this.#at);
      const share = this.#at - left;
      out.push(sample(left) * (1 - share) + sample(left + 1) * share);
    }
    this.#last = sample(count - 1);
    this.#at -= count;
    return Float32Array.from(out);
  }
}
