import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { makeOpusBomb } from '../../../../../test/support/opus-bomb.ts';
import { decodeAudio } from './decode-audio.ts';

type Wave = { rate?: number; channels?: number; bits?: number; code?: number; samples: Uint8Array };

function wave({ rate = 16_000, channels = 1, bits = 16, code = 1, samples }: Wave): Uint8Array {
  const header = Buffer.alloc(44);
  header.write('RIFF', 0);
  header.writeUInt32LE(36 + samples.length, 4);
  header.write('WAVEfmt ', 8);
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(code, 20);
  header.writeUInt16LE(channels, 22);
  header.writeUInt32LE(rate, 24);
  header.writeUInt32LE((rate * channels * bits) / 8, 28);
  header.writeUInt16LE((channels * bits) / 8, 32);
  header.writeUInt16LE(bits, 34);
  header.write('data', 36);
  header.writeUInt32LE(samples.length, 40);
  return Buffer.concat([header, samples]);
}
function tone(rate: number, seconds: number): Uint8Array {
  const samples = Int16Array.from({ length: rate * seconds }, (_, index) =>
    Math.round(20_000 * Math.sin((2 * Math.PI * 440 * index) / rate)),
  );
  return new Uint8Array(samples.buffer);
}
async function hear(bytes: Uint8Array, mostSeconds = 60): Promise<Float32Array> {
  const { samples } = await decodeAudio(bytes, { mostSeconds });
  const parts: number[] = [];
  for await (const part of samples) parts.push(...part);
  return Float32Array.from(parts);
}
/** Crossings of zero a second, halved. */
function pitch(samples: Float32Array): number {
  let crossings = 0;
  for (let index = 1; index < samples.length; index++) {
    if ((samples[index - 1] as number) < 0 !== (samples[index] as number) < 0) crossings++;
  }
  return crossings / 2 / (samples.length / 16_000);
}

describe('sound that can be heard', () => {
  it.each([8_000, 16_000, 44_100, 48_000])('%i Hz comes at 16 kHz with its pitch', async (rate) => {
    const samples = await hear(wave({ rate, samples: tone(rate, 1) }));
    expect(samples.length / 16_000).toBeCloseTo(1, 1);
    expect(pitch(samples)).toBeGreaterThan(430);
    expect(pitch(samples)).toBeLessThan(450);
  });

  it('mixes the channels', async () => {
    const samples = new Uint8Array(Int16Array.from([16_384, -16_384, 16_384, 0]).buffer);
    expect(Array.from(await hear(wave({ channels: 2, samples })))).toEqual([0, 0.25]);
  });
});

/** A second of 440 Hz in each; `make_tones.py` beside them wrote them. */
const tones = new URL('../../../../../test/fixtures/audio/', import.meta.url);
const containers = readdirSync(tones).filter((name) => name.startsWith('tone'));

describe('containers', () => {
  it.each(containers)('%s comes whole, with its pitch', async (name) => {
    const samples = await hear(readFileSync(new URL(name, tones)));
    expect(samples.length / 16_000).toBeGreaterThan(0.95);
    expect(samples.length / 16_000).toBeLessThan(1.2);
    const middle = samples.subarray(4_000, 12_000);
    expect(pitch(middle)).toBeGreaterThan(430);
    expect(pitch(middle)).toBeLessThan(450);
  });

  it.each(containers)('%s, cut off and damaged, is heard in part or refused', async (name) => {
    const whole = readFileSync(new URL(name, tones));
    const damaged = [whole.subarray(0, whole.length >> 1), whole.subarray(0, 60)];
    let state = 7;
    for (let copy = 0; copy < 12; copy++) {
      const bytes = Buffer.from(whole);
      for (let change = 0; change < 10; change++) {
        state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
        bytes[state % bytes.length] = (state >>> 9) & 255;
      }
      damaged.push(bytes);
    }
    for (const bytes of damaged) {
      const heard = await hear(bytes).catch((error: unknown) => error);
      if (!(heard instanceof Float32Array)) expect(heard).toMatchObject({ status: 400 });
      else expect(heard.every(Number.isFinite)).toBe(true);
    }
  });
});

describe('sound that is refused', () => {
  const invalid = expect.objectContaining({ code: 'audio_invalid', status: 400 });
  it.each<[string, Uint8Array]>([
    ['no bytes', new Uint8Array(0)],
    ['0 samples', wave({ samples: new Uint8Array(0) })],
    ['1 Hz', wave({ rate: 1, samples: tone(16_000, 1) })],
    [
      'samples that are no numbers',
      wave({ code: 3, bits: 32, samples: new Uint8Array(new Float32Array([0, NaN]).buffer) }),
    ],
    ['a text with the name of a recording', Buffer.from('this is not sound')],
    ['a header without samples', wave({ samples: tone(16_000, 1) }).subarray(0, 36)],
    ['no channels', wave({ channels: 0, samples: tone(16_000, 1) })],
    ['a broken MP4', Buffer.concat([Buffer.from([0, 0, 0, 24]), Buffer.from('ftypM4A '), Buffer.alloc(500, 7)])],
    ['a broken WebM', Buffer.concat([Buffer.from([0x1a, 0x45, 0xdf, 0xa3]), Buffer.alloc(500, 7)])],
    ['a broken OGG', Buffer.concat([Buffer.from('OggS\0\u0002'), Buffer.from('OpusHead'), Buffer.alloc(500, 7)])],
    ['a broken FLAC', Buffer.concat([Buffer.from('fLaC'), Buffer.alloc(500, 7)])],
    ['a broken MP3', Buffer.concat([Buffer.from('ID3'), Buffer.alloc(500, 7)])],
  ])('%s', async (_, bytes) => {
    await expect(hear(bytes)).rejects.toEqual(invalid);
  });

  it('10 hours, told from the header', async () => {
    const samples = new Uint8Array(8_000 * 120);
    await expect(decodeAudio(wave({ rate: 8_000, bits: 8, samples }), { mostSeconds: 60 })).rejects.toMatchObject({
      code: 'audio_too_long',
    });
  });

  it('10 hours, packed into less than a megabyte: found out while it is decoded, in little memory', async () => {
    const bomb = makeOpusBomb(10);
    expect(bomb.length).toBeLessThan(1_000_000);
    const before = process.memoryUsage().rss;
    let heard = 0;
    const { samples } = await decodeAudio(bomb, { mostSeconds: 60 });
    const listen = async (): Promise<void> => {
      for await (const part of samples) heard += part.length;
    };
    await expect(listen()).rejects.toMatchObject({ code: 'audio_too_long' });
    expect(heard / 16_000).toBeGreaterThan(20);
    expect(process.memoryUsage().rss - before).toBeLessThan(400 * 1024 * 1024);
  });
});
