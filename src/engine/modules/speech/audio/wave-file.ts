import { chunkBytes, invalidAudio, isSamplingRate, type AudioBlock, type DecodedAudio } from './decoded-audio.ts';

type WaveFormat = { code: number; channels: number; sampleRate: number; bits: number; frameBytes: number };

const pcm = 1;
const floats = 3;
const aLaw = 6;
const muLaw = 7;
const extensible = 0xfffe;

/** RIFF and RF64 with integer samples of 8 to 32 bits, floats of 32 and 64, A-law and µ-law. Throws `audio_invalid`. */
export function readWave(bytes: Uint8Array): DecodedAudio {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let format: WaveFormat | undefined;
  let position = 12;
  while (position + 8 <= bytes.length) {
    const id = Buffer.from(bytes.subarray(position, position + 4)).toString('latin1');
    const size = view.getUint32(position + 4, true);
    const start = position + 8;
    if (id === 'fmt ') format = readFormat(view, start, size);
    if (id === 'data') {
      if (format === undefined) throw invalidAudio('its WAV header lacks the format');
      // A recorder that was cut off, or wrote to a pipe, leaves 0 or the largest number here.
      const rest = bytes.length - start;
      const length = size === 0 || size > rest ? rest : size;
      const frames = Math.floor(length / format.frameBytes);
      return {
        durationSeconds: frames / format.sampleRate,
        blocks: readFrames(view, start, frames, format),
      };
    }
    position = start + size + (size % 2);
  }
  throw invalidAudio('its WAV file has no samples');
}

function readFormat(view: DataView, start: number, size: number): WaveFormat {
  if (size < 16 || start + size > view.byteLength) throw invalidAudio('its WAV header is damaged');
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

function* readFrames(view: DataView, start: number, frames: number, format: WaveFormat): Generator<AudioBlock> {
  const { channels, sampleRate, bits, frameBytes } = format;
  const read = sampleReader(view, format);
  const blockFrames = Math.max(1, Math.floor(chunkBytes / frameBytes));
  for (let first = 0; first < frames; first += blockFrames) {
    const count = Math.min(blockFrames, frames - first);
    const block = Array.from({ length: channels }, () => new Float32Array(count));
    for (let frame = 0; frame < count; frame++) {
      const place = start + (first + frame) * frameBytes;
      block.forEach((samples, channel) => {
        samples[frame] = read(place + (channel * bits) / 8);
      });
    }
    yield { channels: block, sampleRate };
  }
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
