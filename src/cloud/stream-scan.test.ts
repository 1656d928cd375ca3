import { describe, expect, it } from 'vitest';
import { StreamScan, type StreamScanOptions } from './stream-scan.ts';

const delta = (content: string, index = 0): string =>
  `data: ${JSON.stringify({ model: 'm', choices: [{ index, delta: { content }, finish_reason: null }] })}\n\n`;
const finish = (reason = 'stop', index = 0): string =>
  `data: ${JSON.stringify({ choices: [{ index, delta: {}, finish_reason: reason }] })}\n\n`;
const usage = `data: ${JSON.stringify({ choices: [], usage: { prompt_tokens: 3, completion_tokens: 2 } })}\n\n`;
const done = 'data: [DONE]\n\n';

/** Pushes the text in pieces of so many bytes, then ends. */
function run(text: string, size: number, options: Partial<StreamScanOptions> = {}): { out: string; scan: StreamScan } {
  const scan = new StreamScan({ choices: 1, wantsUsage: true, ...options });
  const bytes = Buffer.from(text);
  const out: Buffer[] = [];
  for (let start = 0; start < bytes.length; start += size) {
    const part = scan.push(bytes.subarray(start, start + size));
    // Only whole events ever come out.
    if (part.length > 0) expect(part.toString('latin1').endsWith('\n\n')).toBe(true);
    out.push(part);
  }
  out.push(scan.end());
  return { out: Buffer.concat(out).toString(), scan };
}

describe('StreamScan', () => {
  const whole = delta('你好') + delta(' "finish_reason":"stop" [DONE]\n\n') + finish() + usage + done;

  it.each([1, 2, 3, 7, 64, 100_000])('passes the very bytes on, cut into pieces of %i', (size) => {
    const { out, scan } = run(whole, size);
    expect(out).toBe(whole);
    expect(scan).toMatchObject({ isDone: true, deltas: 2, model: 'm' });
    expect(scan.usage).toMatchObject({ promptTokens: 3, completionTokens: 2 });
  });

  it.each([1, 50, 100_000])('takes the usage out for a client that did not ask, in pieces of %i', (size) => {
    const { out, scan } = run(whole, size, { wantsUsage: false });
    expect(out).toBe(whole.replace(usage, ''));
    expect(scan.usage?.completionTokens).toBe(2);
  });

  it.each([1, 5, 100_000])('reads lines that end in CR LF, in pieces of %i', (size) => {
    const text = whole.replaceAll('\n', '\r\n');
    expect(run(text, size).out).toBe(whole);
  });

  it('adds the [DONE] that a server forgot, and cuts off what comes after it', () => {
    expect(run(delta('a') + finish(), 9).out).toBe(delta('a') + finish() + done);
    expect(run(`${delta('a') + finish() + done}data: more\n\n`, 100_000).out).toBe(delta('a') + finish() + done);
  });

  it.each([
    ['nothing', ''],
    ['no finish', delta('a')],
    ['[DONE] without a finish', delta('a') + done],
    ['half an event', delta('a') + finish().slice(0, -5)],
    ['an aborted answer', delta('a') + finish('abort') + done],
    ['an error', `${delta('a')}data: {"error":{"message":"x"}}\n\n${done}`],
    ['an error of vLLM', `${delta('a')}data: {"object":"error","message":"x"}\n\n${done}`],
    ['something else', `${delta('a')}data: <html>\n\n`],
    ['a bare word', 'data: 1\n\n'],
  ])('never lets %s look like an end', (_, text) => {
    for (const size of [1, 100_000])
      expect(() => run(text, size)).toThrow(expect.objectContaining({ blames: 'upstream' }));
  });

  it('waits for every choice to end', () => {
    expect(() => run(delta('a') + finish() + done, 100, { choices: 2 })).toThrow();
    expect(run(delta('a') + finish() + finish('length', 1) + done, 100, { choices: 2 }).scan.isWhole).toBe(true);
  });

  it('passes comments on, which are no progress', () => {
    const text = `: ping\n\n${delta('a')}${finish()}${done}`;
    const { out, scan } = run(text, 4);
    expect(out).toBe(text);
    expect(scan.deltas).toBe(1);
  });

  it('does not collect an endless event', () => {
    const scan = new StreamScan({ choices: 1, wantsUsage: true });
    const piece = Buffer.alloc(1024 * 1024, 'a');
    expect(() => {
      for (let times = 0; times < 6; times++) scan.push(piece);
    }).toThrow(expect.objectContaining({ kind: 'garbage' }));
  });
});
