/** MP4, Matroska and ADTS: the container is read by mediabunny, the packets by the codec's own decoder. */
import { ADTS, CustomSource, EncodedPacketSink, Input, MATROSKA, MP4, QTFF, WEBM } from 'mediabunny';
import { OpusDecoder } from 'opus-decoder';
import type { ByteSource } from '../../../host/byte-source.ts';
import { AdvancedAudioDecoder, lowComplexityConfiguration } from './advanced-audio.ts';
import { invalidAudio, type AudioBlock, type DecodedAudio } from './decoded-audio.ts';
import { toBlock } from './stream-decoders.ts';

type PacketDecoder = { decode(packet: Uint8Array): AudioBlock | undefined; free(): void };

/** A packet may be damaged; where so many are in a row, the file is. */
const mostDamagedPackets = 50;

export async function readContainer(file: ByteSource): Promise<DecodedAudio> {
  const source = new CustomSource({ getSize: () => file.sizeBytes, read: (start, end) => file.read(start, end) });
  const input = new Input({ source, formats: [MP4, QTFF, MATROSKA, WEBM, ADTS] });
  try {
    const track = await input.getPrimaryAudioTrack();
    if (track === null) throw invalidAudio('it has no sound track');
    const configuration = await track.getDecoderConfig();
    const description = configuration?.description;
    const { codec, numberOfChannels: channels } = track;
    const stated = description === undefined ? undefined : toBytes(description);
    const decoder = await openDecoder({ codec, channels, sampleRate: track.sampleRate, stated });
    const durationSeconds = await track.computeDuration();
    return { durationSeconds, blocks: decodePackets(new EncodedPacketSink(track), decoder, input) };
  } catch (error) {
    input.dispose();
    throw error instanceof Error && 'code' in error ? error : invalidAudio('its container is damaged', error);
  }
}

async function* decodePackets(
  sink: EncodedPacketSink,
  decoder: PacketDecoder,
  input: Input,
): AsyncGenerator<AudioBlock> {
  let damaged = 0;
  let decoded = 0;
  try {
    for await (const packet of sink.packets()) {
      try {
        const block = decoder.decode(packet.data);
        if (block === undefined) continue;
        damaged = 0;
        decoded++;
        yield block;
      } catch (error) {
        if (++damaged > mostDamagedPackets) throw invalidAudio('its sound data is damaged', error);
      }
    }
  } catch (error) {
    throw error instanceof Error && 'code' in error ? error : invalidAudio('its container is damaged', error);
  } finally {
    decoder.free();
    input.dispose();
  }
  if (decoded === 0) throw invalidAudio('it holds no sound that can be decoded');
}

type TrackFormat = { codec: string | null; channels: number; sampleRate: number; stated: Uint8Array | undefined };

async function openDecoder({ codec, channels, sampleRate, stated }: TrackFormat): Promise<PacketDecoder> {
  if (codec === 'aac') {
    const decoder = new AdvancedAudioDecoder(stated ?? lowComplexityConfiguration(sampleRate, channels));
    return { decode: (packet) => decoder.decode(packet), free: () => {} };
  }
  if (codec === 'opus') {
    if (channels > 2) throw invalidAudio('Opus with more than two channels is not read');
    const decoder = new OpusDecoder({ channels });
    await decoder.ready;
    return { decode: (packet) => toBlock(decoder.decodeFrame(packet)), free: () => decoder.free() };
  }
  throw invalidAudio(`sound of the kind ${codec ?? 'unknown'} is not read in this container; AAC and Opus are`);
}

function toBytes(source: ArrayBuffer | SharedArrayBuffer | ArrayBufferView): Uint8Array {
  return ArrayBuffer.isView(source)
    ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength)
    : new Uint8Array(source);
}
