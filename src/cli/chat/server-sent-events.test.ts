import { describe, expect, it } from 'vitest';
import { readServerSentEvents } from './server-sent-events.ts';

async function read(chunks: Uint8Array[]): Promise<string[]> {
  async function* body() {
    yield* chunks;
  }
  const events: string[] = [];
  for await (const data of readServerSentEvents(body())) events.push(data);
  return events;
}

describe('server-sent events', () => {
  const stream =
    ': keep-alive\n\ndata: {"text":"端云"}\n\nevent: x\r\ndata: one\r\ndata: two\r\n\r\ndata: [DONE]\n\ndata: cut';

  it.each([1, 2, 3, 7, 1000])('are the same in chunks of %d bytes', async (size) => {
    const bytes = new TextEncoder().encode(stream);
    const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
      bytes.slice(i * size, (i + 1) * size),
    );
    expect(await read(chunks)).toEqual(['{"text":"端云"}', 'one\ntwo', '[DONE]']);
  });
});
