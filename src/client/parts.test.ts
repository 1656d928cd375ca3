import { describe, expect, it } from 'vitest';
import { audioPart, base64, imagePart } from './parts.ts';

const bytes = (...parts: (string | number)[]): Uint8Array =>
  Uint8Array.from(
    parts.flatMap((part) => (typeof part === 'number' ? [part] : Array.from(part, (each) => each.charCodeAt(0)))),
  );
const png = bytes(0x89, 'PNG\r\n', 0x1a, '\n', 'rest');

describe('base64', () => {
  // RFC 4648, 10.
  it.each([
    ['', ''],
    ['f', 'Zg=='],
    ['fo', 'Zm8='],
    ['foo', 'Zm9v'],
    ['foob', 'Zm9vYg=='],
    ['fooba', 'Zm9vYmE='],
    ['foobar', 'Zm9vYmFy'],
  ])('of %j', (text, expected) => {
    expect(base64(bytes(text))).toBe(expected);
  });

  it('of every byte, over the length of its pieces', () => {
    const all = Uint8Array.from({ length: 70_001 }, (_, index) => (index * 7) % 256);
    expect(Uint8Array.from(atob(base64(all)), (each) => each.charCodeAt(0))).toEqual(all);
  });
});

describe('a picture', () => {
  it.each([
    ['image/png', png],
    ['image/jpeg', bytes(0xff, 0xd8, 0xff, 0xe0)],
    ['image/gif', bytes('GIF89a')],
    ['image/webp', bytes('RIFF', 1, 2, 3, 4, 'WEBP')],
  ])('of the type %s is known by its bytes', async (type, content) => {
    const url = `data:${type};base64,${base64(content)}`;
    expect(await imagePart(content)).toEqual({ type: 'image_url', image_url: { url } });
    expect(await imagePart(new Blob([content as Uint8Array<ArrayBuffer>]))).toEqual({
      type: 'image_url',
      image_url: { url },
    });
    expect(await imagePart(content.slice().buffer)).toEqual({ type: 'image_url', image_url: { url } });
  });

  it('may be a view of a larger buffer', async () => {
    const large = new Uint8Array(100);
    large.set(png, 40);
    expect(await imagePart(large.subarray(40, 40 + png.length))).toEqual(await imagePart(png));
  });

  it('may be an address, and says how closely it is looked at', async () => {
    expect(await imagePart('https://a.example/b.png', { detail: 'low' })).toEqual({
      type: 'image_url',
      image_url: { url: 'https://a.example/b.png', detail: 'low' },
    });
    expect(await imagePart(new URL('https://a.example/b.png'))).toMatchObject({
      image_url: { url: 'https://a.example/b.png' },
    });
    expect(await imagePart('data:image/png;base64,AAAA')).toMatchObject({
      image_url: { url: 'data:image/png;base64,AAAA' },
    });
  });

  it.each([[bytes('<svg>')], [new Uint8Array()], ['file:///etc/passwd'], ['javascript:1'], ['photo.png']])(
    'is not %s',
    async (source) => {
      await expect(imagePart(source)).rejects.toMatchObject({ code: 'image_invalid' });
    },
  );
});

describe('a recording', () => {
  it.each([
    ['wav', bytes('RIFF', 1, 2, 3, 4, 'WAVE')],
    ['mp3', bytes('ID3', 4)],
    ['mp3', bytes(0xff, 0xfb, 0x90)],
    ['flac', bytes('fLaC')],
    ['ogg', bytes('OggS')],
    ['m4a', bytes(0, 0, 0, 32, 'ftypM4A ')],
    ['webm', bytes(0x1a, 0x45, 0xdf, 0xa3)],
  ])('%s is known by its bytes', async (format, content) => {
    const part = { type: 'input_audio', input_audio: { data: base64(content), format } };
    expect(await audioPart(content)).toEqual(part);
    expect(await audioPart(base64(content))).toEqual(part);
    expect(await audioPart(`data:audio/x;base64,${base64(content)}`)).toEqual(part);
  });

  it('of another kind needs its format', async () => {
    await expect(audioPart(bytes('????'))).rejects.toMatchObject({ code: 'audio_invalid' });
    expect(await audioPart(bytes('????'), { format: 'opus' })).toMatchObject({ input_audio: { format: 'opus' } });
  });
});
