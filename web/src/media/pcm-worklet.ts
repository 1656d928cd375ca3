/** Runs on the audio thread: hands the microphone's samples over as PCM16, a tenth of a second at a time. */
declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}
declare function registerProcessor(name: string, processor: new () => AudioWorkletProcessor): void;
declare const sampleRate: number;

class PcmProcessor extends AudioWorkletProcessor {
  readonly #piece = new Int16Array(Math.round(sampleRate / 10));
  #filled = 0;

  process(inputs: Float32Array[][]): boolean {
    for (const sample of inputs[0]?.[0] ?? []) {
      const clamped = Math.max(-1, Math.min(1, sample));
      this.#piece[this.#filled++] = Math.round(clamped * (clamped < 0 ? 32_768 : 32_767));
      if (this.#filled < this.#piece.length) continue;
      this.port.postMessage(this.#piece.slice());
      this.#filled = 0;
    }
    return true;
  }
}
registerProcessor('duanyun-pcm', PcmProcessor);
