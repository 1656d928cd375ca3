import { describe, expect, it } from 'vitest';
import { Utf8Decoder } from './utf8-decoder.ts';

const text = 'a é 你好，世界 😀👩‍👩‍👧 \ufeff end';

describe('Utf8Decoder', () => {
  it('never splits a character, wherever the bytes are cut', () => {
    const bytes = Buffer.from(text);
    for (let size = 1; size <= 5; size++) {
      const decoder = new Utf8Decoder();
      const pieces: string[] = [];
      for (let at = 0; at < bytes.length; at += size) pieces.push(decoder.push(bytes.subarray(at, at + size)));
      pieces.push(decoder.finish());
      expect(pieces.join('')).toBe(text);
      for (const piece of pieces) expect(Buffer.from(piece).toString()).toBe(piece);
    }
  });

  it('replaces what cannot be UTF-8 and goes on', () => {
    const decoder = new Utf8Decoder();
    expect(decoder.push(Uint8Array.of(0x61, 0xff, 0x62))).toBe('a\ufffdb');
    expect(decoder.push(Uint8Array.of(0xe4, 0xbd))).toBe('');
    expect(decoder.push(Uint8Array.of(0x63))).toBe('\ufffdc');
    expect(decoder.push(Uint8Array.of(0xf0, 0x9f))).toBe('');
    expect(decoder.finish()).toBe('\ufffd');
    expect(decoder.push(Uint8Array.of(0x64))).toBe('d');
  });
});
