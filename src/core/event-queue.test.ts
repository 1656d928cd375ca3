import { describe, expect, it } from 'vitest';
import { EventQueue } from './event-queue.ts';

async function collect(items: AsyncIterable<number>): Promise<number[]> {
  const all: number[] = [];
  for await (const item of items) all.push(item);
  return all;
}

describe('a queue of events', () => {
  it('gives what was pushed before and while it is read, to the end', async () => {
    const queue = new EventQueue<number>();
    queue.push(1);
    setTimeout(() => {
      queue.push(2);
      queue.end();
      queue.push(3);
    }, 1);
    expect(await collect(queue.until(new AbortController().signal))).toEqual([1, 2]);
  });

  it('stops at once where it is aborted, waiting or with something left', async () => {
    const waiting = new AbortController();
    setTimeout(() => waiting.abort(new Error('left')), 1);
    await expect(collect(new EventQueue<number>().until(waiting.signal))).rejects.toThrow('left');
    const queue = new EventQueue<number>();
    queue.push(1);
    queue.push(2);
    const controller = new AbortController();
    const items = queue.until(controller.signal);
    expect(await items.next()).toEqual({ done: false, value: 1 });
    controller.abort(new Error('left'));
    await expect(items.next()).rejects.toThrow('left');
  });
});
