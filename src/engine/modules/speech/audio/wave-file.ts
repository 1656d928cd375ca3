import type { ByteSource } from '../../../host/byte-source.ts';
import {
  chunkBytes,
  invalidAudio,
  isSamplingRate,
  rangeBytes,
  type AudioBlock,
  type DecodedAudio,
} from './decoded-audio.ts';

type WaveFormat = { code: number; channels: number; sampleRate: number; bits: number; frameBytes: number };

const pcm = 1;
const floats = 3;
const aLaw = 6;
const muLaw = 7;
const extensible = 0xfffe;
/** A chunk's header and all of the format that is read. */
const longestFormat = 64;

/** RIFF and RF64 with integer samples of 8 to 32 bits, floats of 32 and 64, A-law and µ-law. Throws `audio_invalid`. */
export async function readWave(file: ByteSource): Promise<DecodedAudio> {
  let format: WaveFormat | undefined;
  let position = 12;
  while (position + 8 <= file.sizeBytes) {
    const part = viewOf(await file.read(position, Math.min(position + longestFormat, file.sizeBytes)));
    const id = Buffer.from(part.buffer, part.byteOffset, 4).toString('latin1');
    const size = part.getUint32(4, true);
    const start = position + 8;
    if (id === 'fmt ') format = readFormat(part, 8, size);
    if (id === 'data') {
      if (format === undefined) throw invalidAudio('its WAV header lacks the format');
      // A recorder that was cut off, or wrote to a pipe, leaves 0 or the largest number here.
      const rest = file.sizeBytes - start;
      const length = size === 0 || size > rest ? rest : size;
      const frames = Math.floor(length / format.frameBytes);
      return {
        durationSeconds: frames / format.sampleRate,
        blocks: readFrames(file, start, frames, format),
      };
    }
    position = start + size + (size % 2);
  }
  throw invalidAudio('its WAV file has no samples');
}

function readFormat(view: DataView, start: number, size: number): WaveFormat {
  if (size < 16 || start + Math.min(size, 26) > view.byteLength) throw invalidAudio('its WAV header is damaged');
  const stated = view.getUint16(start, true);
  const code = stated === extensible && size >= 26 ? view.getUint16(start + 24, true) : stated;
  const channels = view.getUint16(start + 2, true);
  const sampleRate = view.getUint32(start + 4, true);
  const bits = view.getUint16(start + 14, true);
  const known =
    (code === pcm && [8, 16, 24, 32].includes(bits)) ||
    (code === floats && [32, 64].includes(bits)) ||
    ((code === aLaw || code === muLaw) && bits === 8);
  if (channels === 0) throw invalidAudio('it has 0 channels');
  if (!isSamplingRate(sampleRate)) throw invalidAudio(`its sampling rate is ${sampleRate} Hz`);
  if (!known) throw invalidAudio(`WAV with format ${code} and ${bits} bits is not read`);
  return { code, channels, sampleRate, bits, frameBytes: (channels * bits) / 8 };
}

async function* readFrames(
  file: ByteSource,
  start: number,
  frames: number,
  format: WaveFormat,
): AsyncGenerator<AudioBlock> {
  const { frameBytes } = format;
  const rangeFrames = Math.max(1, Math.floor(rangeBytes / frameBytes));
  const blockFrames = Math.max(1, Math.floor(chunkBytes / frameBytes));
  for (let first = 0; first < frames; first += rangeFrames) {
    const count = Math.min(rangeFrames, frames - first);
    const from = start + first * frameBytes;
    const range = viewOf(await file.read(from, from + count * frameBytes));
    for (let at = 0; at < count; at += blockFrames) {
      yield readBlock(range, at, Math.min(blockFrames, count - at), format);
    }
  }
}

function readBlock(view: DataView, first: number, count: number, format: WaveFormat): AudioBlock {
  const { channels, sampleRate, bits, frameBytes } = format;
  const read = sampleReader(view, format);
  const block = Array.from({ length: channels }, () => new Float32Array(count));
  for (let frame = 0; frame < count; frame++) {
    const place = (first + frame) * frameBytes;
    block.forEach((samples, channel) => {
      samples[frame] = read(place + (channel * bits) / 8);
    });
  }
  return { channels: block, sampleRate };
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function sampleReader(view: DataView, { code, bits }: WaveFormat): (place: number) => number {
  if (code === floats) {
    return bits === 32 ? (place) => view.getFloat32(place, true) : (place) => view.getFloat64(place, true);
  }
  if (code === aLaw) return (place) => expandALaw(view.getUint8(place));
  if (code === muLaw) return (place) => expandMuLaw(view.getUint8(place));
  switch (bits) {
    case 8:
      return (place) => (view.getUint8(place) - 128) / 128;
    case 16:
      return (place) => view.getInt16(place, true) / 32_768;
    case 24:
      return (place) => ((view.getInt8(place + 2) << 16) | view.getUint16(place, true)) / 8_388_608;
    default:
      return (place) => view.getInt32(place, true) / 2_147_483_648;
  }
}

/** ITU-T G.711. */
function expandMuLaw(code: number): number {
  const inverted = ~code & 0xff;
  const magnitude = ((((inverted & 0x0f) << 3) + 0x84) << ((inverted & 0x70) >> 4)) - 0x84;
  return (inverted & 0x80 ? -magnitude : magnitude) / 32_768;
}

function expandALaw(code: number): number {
  const toggled = code ^ 0x55;
  const exponent = (toggled & 0x70) >> 4;
  const mantissa = ((toggled & 0x0f) << 4) + (exponent === 0 ? 8 : 0x108);
  const magnitude = exponent > 1 ? mantissa << (exponent - 1) : mantissa;
  return (toggled & 0x80 ? magnitude : -magnitude) / 32_768;
}
