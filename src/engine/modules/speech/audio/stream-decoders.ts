/** Codecs that come as one stream of bytes, decoded by WebAssembly builds of the codecs' own libraries. */
import { FLACDecoder } from '@wasm-audio-decoders/flac';
import { OggVorbisDecoder } from '@wasm-audio-decoders/ogg-vorbis';
import { MPEGDecoder } from 'mpg123-decoder';
import { OggOpusDecoder } from 'ogg-opus-decoder';
import type { ByteSource } from '../../../host/byte-source.ts';
import { chunksOf, invalidAudio, type AudioBlock } from './decoded-audio.ts';

type Decoded = { channelData: Float32Array[]; samplesDecoded: number; sampleRate: number; errors?: unknown[] };
type StreamDecoder = {
  ready: Promise<void>;
  decode(bytes: Uint8Array): Decoded | Promise<Decoded>;
  flush?: () => Decoded | Promise<Decoded>;
  free(): void;
};
/** Silence packs to nothing: a kilobyte of FLAC can be eleven minutes of it. What one part becomes must fit into memory. */
const partBytes = 1_024;

export type StreamCodec = 'mp3' | 'flac' | 'ogg-vorbis' | 'ogg-opus';

/** Throws `audio_invalid` where nothing at all can be decoded. */
export async function* decodeStream(codec: StreamCodec, file: ByteSource): AsyncGenerator<AudioBlock> {
  const decoder = open(codec);
  await decoder.ready;
  let samples = 0;
  try {
    for await (const chunk of chunksOf(file, partBytes)) {
      const block = toBlock(await decoder.decode(chunk));
      if (block === undefined) continue;
      samples += block.channels[0]?.length ?? 0;
      yield block;
    }
    const last = decoder.flush === undefined ? undefined : toBlock(await decoder.flush());
    if (last !== undefined) {
      samples += last.channels[0]?.length ?? 0;
      yield last;
    }
  } catch (error) {
    if (samples === 0) throw invalidAudio(`its ${codec} data is damaged`, error);
    throw error;
  } finally {
    decoder.free();
  }
  if (samples === 0) throw invalidAudio(`it holds no ${codec} sound that can be decoded`);
}

function open(codec: StreamCodec): StreamDecoder {
  switch (codec) {
    case 'mp3':
      return new MPEGDecoder();
    case 'flac':
      return new FLACDecoder();
    case 'ogg-vorbis':
      return new OggVorbisDecoder();
    case 'ogg-opus':
      // Channels are mixed together anyway.
      return new OggOpusDecoder({ forceStereo: true });
  }
}

/** A copy: the decoder uses its memory again. */
export function toBlock({ channelData, samplesDecoded, sampleRate }: Decoded): AudioBlock | undefined {
  if (samplesDecoded === 0) return undefined;
  return { channels: channelData.map((samples) => samples.slice(0, samplesDecoded)), sampleRate };
}
