import { describe, expect, it } from 'vitest';
import { SseOverflow, SseParser, type SseItem } from './sse-parser.ts';

const encoder = new TextEncoder();

function parse(pieces: Uint8Array[]): { data: string[]; comments: number; cut: boolean } {
  const parser = new SseParser();
  const items: SseItem[] = pieces.flatMap((piece) => parser.push(piece));
  return {
    data: items.flatMap((item) => (item.type === 'data' ? [item.data] : [])),
    comments: items.filter((item) => item.type === 'comment').length,
    cut: parser.end().cut,
  };
}

const stream =
  ': keep-alive\n\ndata: {"a":"你好 🦜"}\r\n\r\ndata:b\rdata: c\r\revent: x\nid: 7\ndata\ndata: d\n\nretry: 1\n\ndatax: no\n\n' +
  ':\ndata: [DONE]\n\n';
const expected = { data: ['{"a":"你好 🦜"}', 'b\nc', '\nd', '[DONE]'], comments: 2, cut: false };

describe('server-sent events', () => {
  it('reads the same events wherever the bytes are cut', () => {
    const bytes = encoder.encode(stream);
    expect(parse([bytes])).toEqual(expected);
    for (let size = 1; size < 12; size++) {
      const pieces: Uint8Array[] = [];
      for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size));
      expect(parse(pieces), `in pieces of ${size}`).toEqual(expected);
    }
    for (let at = 0; at <= bytes.length; at++) {
      expect(parse([bytes.subarray(0, at), bytes.subarray(at)]), `cut at ${at}`).toEqual(expected);
    }
  });

  it('says that a stream was cut inside an event', () => {
    for (const text of ['data: {"a"', 'data: x\n', 'data: x\n\ndata: y', ': comm']) {
      expect(parse([encoder.encode(text)]).cut, text).toBe(true);
    }
    expect(parse([encoder.encode('data: x\n\n')]).cut).toBe(false);
  });

  it('does not collect a line without end', () => {
    const parser = new SseParser();
    const piece = encoder.encode('x'.repeat(1024 * 1024));
    expect(() => {
      for (let times = 0; times < 8; times++) parser.push(piece);
    }).toThrow(SseOverflow);
  });
});
