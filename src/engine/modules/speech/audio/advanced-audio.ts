/** AAC-LC, frame by frame, through AAC.js. That package is made for a player, so it is given the parts of one. */
import { createRequire } from 'node:module';
import { invalidAudio, type AudioBlock } from './decoded-audio.ts';

type AuroraBuffer = object;
type AuroraDecoder = {
  setCookie(cookie: AuroraBuffer): void;
  readChunk(): Float32Array | undefined;
  bitstream: { align(): void };
  stream: { list: { first: unknown; numBuffers: number; availableBytes: number }; remainingBytes(): number };
  config: { sampleRate: number; chanConfig: number };
};
type Aurora = {
  Buffer: new (bytes: Uint8Array) => AuroraBuffer;
  Decoder: {
    find(
      id: string,
    ): new (
      demuxer: { on(name: string, listener: (data: AuroraBuffer) => void): void },
      format: object,
    ) => AuroraDecoder;
  };
};

const require = createRequire(import.meta.url);
const sampleRates = [96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350];

/** The AudioSpecificConfig of AAC-LC, for streams that state rate and channels elsewhere. */
export function lowComplexityConfiguration(sampleRate: number, channels: number): Uint8Array {
  const index = sampleRates.indexOf(sampleRate);
  if (index < 0 || channels < 1 || channels > 7) throw invalidAudio('its AAC track lacks its configuration');
  return Uint8Array.of((2 << 3) | (index >> 1), ((index & 1) << 7) | (channels << 3));
}

export class AdvancedAudioDecoder {
  readonly #aurora: Aurora;
  readonly #decoder: AuroraDecoder;
  #feed: (data: AuroraBuffer) => void = () => {};

  /** @param configuration the AudioSpecificConfig of ISO/IEC 14496-3. Throws `audio_invalid`. */
  constructor(configuration: Uint8Array) {
    this.#aurora = require('av') as Aurora;
    require('aac');
    mendNoise();
    const Decoder = this.#aurora.Decoder.find('mp4a');
    const demuxer = {
      on: (name: string, listener: (data: AuroraBuffer) => void): void => {
        if (name === 'data') this.#feed = listener;
      },
    };
    this.#decoder = new Decoder(demuxer, {});
    try {
      this.#decoder.setCookie(new this.#aurora.Buffer(configuration));
    } catch (error) {
      throw invalidAudio('this profile of AAC is not read, AAC-LC is', error);
    }
  }

  /** One access unit, without an ADTS header. */
  decode(frame: Uint8Array): AudioBlock {
    this.#feed(new this.#aurora.Buffer(frame));
    const mixed = this.#decoder.readChunk();
    if (mixed === undefined) throw new Error('a frame without sound');
    const { sampleRate, chanConfig } = this.#decoder.config;
    const count = chanConfig === 7 ? 8 : chanConfig;
    const channels = Array.from({ length: count }, () => new Float32Array(mixed.length / count));
    channels.forEach((samples, channel) => {
      for (let index = 0; index < samples.length; index++) samples[index] = mixed[index * count + channel] ?? 0;
    });
    return { channels, sampleRate };
  }
}

/**
 * AAC.js makes the noise of a band from a generator that sinks to zero after some seconds, and then divides by zero. An accessor
 * in the prototype takes its place.
 */
function mendNoise(): void {
  const { prototype } = require('aac/src/ics') as { prototype: object };
  if (Object.hasOwn(prototype, 'randomState')) return;
  let state = 0x1f2e3d4c;
  Object.defineProperty(prototype, 'randomState', {
    get: () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
      return state;
    },
    set: () => {},
  });
}
