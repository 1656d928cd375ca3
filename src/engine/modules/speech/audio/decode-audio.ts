import { makeError } from '../../../../core/errors.ts';
import { heldBytes, type ByteSource } from '../../../host/byte-source.ts';
import { readContainer } from './container-file.ts';
import { invalidAudio, isSamplingRate, type AudioBlock, type DecodedAudio } from './decoded-audio.ts';
import { Resampler } from './resampler.ts';
import { decodeStream } from './stream-decoders.ts';
import { readWave } from './wave-file.ts';

export type AudioLimits = { mostSeconds: number };
export type SpeechAudio = {
  durationSeconds?: number;
  /** 16 kHz, one channel. */
  samples: AsyncIterable<Float32Array>;
};

export const speechRate = 16_000;
const mostChannels = 32;

/**
 * A whole file → what the recogniser hears, a part at a time. What it is follows from its first bytes, never from its name.
 *
 * @throws `audio_invalid`, `audio_too_long`, also while it is read
 */
export async function decodeAudio(audio: Uint8Array | ByteSource, limits: AudioLimits): Promise<SpeechAudio> {
  const file = audio instanceof Uint8Array ? heldBytes(audio) : audio;
  if (file.sizeBytes === 0) throw invalidAudio('it is empty');
  const decoded = await openAudio(file);
  const { durationSeconds } = decoded;
  if (durationSeconds !== undefined && durationSeconds > limits.mostSeconds) throw tooLong(limits);
  return {
    ...(durationSeconds === undefined ? {} : { durationSeconds }),
    samples: toSpeech(decoded.blocks, limits),
  };
}

async function openAudio(file: ByteSource): Promise<DecodedAudio> {
  const start = Buffer.from(await file.read(0, Math.min(256, file.sizeBytes)));
  const text = start.toString('latin1');
  if (/^(RIFF|RF64)/.test(text) && text.slice(8, 12) === 'WAVE') return readWave(file);
  if (text.startsWith('fLaC')) return { blocks: decodeStream('flac', file) };
  if (text.startsWith('OggS')) return { blocks: decodeStream(oggCodec(text), file) };
  if (text.slice(4, 8) === 'ftyp' || text.startsWith('\u001aE\u00df\u00a3')) return readContainer(file);
  const isFrame = start.length > 2 && start[0] === 0xff && ((start[1] ?? 0) & 0xe0) === 0xe0;
  // MPEG's layer 0 is not one of its layers but AAC.
  if (isFrame && ((start[1] ?? 0) & 0x06) === 0) return readContainer(file);
  if (isFrame || text.startsWith('ID3')) return { blocks: decodeStream('mp3', file) };
  throw invalidAudio('it is none of WAV, MP3, FLAC, OGG, M4A and WebM');
}

function oggCodec(text: string): 'ogg-opus' | 'ogg-vorbis' | 'flac' {
  if (text.includes('OpusHead')) return 'ogg-opus';
  if (text.includes('\u0001vorbis')) return 'ogg-vorbis';
  if (text.includes('\u007fFLAC')) return 'flac';
  throw invalidAudio('this OGG file holds neither Opus, Vorbis nor FLAC');
}

async function* toSpeech(
  blocks: AsyncIterable<AudioBlock> | Iterable<AudioBlock>,
  limits: AudioLimits,
): AsyncGenerator<Float32Array> {
  let resampler: Resampler | undefined;
  let rate = 0;
  let samples = 0;
  for await (const block of blocks) {
    const mono = mix(block);
    if (block.sampleRate !== rate) {
      if (resampler !== undefined) yield resampler.finish();
      rate = block.sampleRate;
      if (!isSamplingRate(rate)) throw invalidAudio(`its sampling rate is ${rate} Hz`);
      resampler = rate === speechRate ? undefined : new Resampler(Math.round(rate), speechRate);
    }
    samples += (mono.length * speechRate) / rate;
    if (samples > limits.mostSeconds * speechRate) throw tooLong(limits);
    yield resampler === undefined ? mono : resampler.push(mono);
  }
  if (samples < 1) throw invalidAudio('it holds no samples');
  if (resampler !== undefined) yield resampler.finish();
}

function mix({ channels }: AudioBlock): Float32Array {
  if (channels.length === 0 || channels.length > mostChannels) {
    throw invalidAudio(`it has ${channels.length} channels`);
  }
  const mono = new Float32Array(channels[0]?.length ?? 0);
  for (let index = 0; index < mono.length; index++) {
    let sum = 0;
    for (const samples of channels) sum += samples[index] ?? 0;
    if (!Number.isFinite(sum)) throw invalidAudio('it holds samples that are no numbers');
    // Some writers leave floats far out of range.
    mono[index] = Math.max(-1, Math.min(1, sum / channels.length));
  }
  return mono;
}

function tooLong({ mostSeconds }: AudioLimits): Error {
  return makeError('audio_too_long', { limitMinutes: Math.round(mostSeconds / 60) });
}
