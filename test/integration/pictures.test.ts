/** The real OCR and the real decoder between a client and a recording cloud; their processes run the built code. */
import { readFileSync } from 'node:fs';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { ChatMessage } from '../../src/core/chat.ts';
import { systemClock } from '../../src/core/clock.ts';
import { silentLog } from '../../src/core/log.ts';
import { Perception } from '../../src/hybrid/perception.ts';
import { chat, collect, setUp, type Setup } from '../../src/hybrid/testing/setup.ts';
import { openOcr } from '../support/ocr.ts';

const { decoder, ocr, modules, reader, dispose } = openOcr();

let setup: Setup | undefined;
afterEach(() => setup?.close());
afterAll(dispose);

async function start(readTimeoutMs = 110_000): Promise<Setup> {
  setup = await setUp({
    modalities: { device: ['text'], cloud: ['text', 'image'] },
    hybrid: {
      perception: new Perception({ guard: decoder, reader, readTimeoutMs, clock: systemClock, log: silentLog }),
    },
  });
  return setup;
}

function ask(name: string, text = '这张图片里写了什么?'): ChatMessage {
  const bytes = readFileSync(new URL(`../fixtures/pictures/${name}`, import.meta.url));
  const picture = { type: 'image', source: { kind: 'bytes', bytes, mediaType: 'image/png' }, detail: 'auto' } as const;
  return { role: 'user', content: [{ type: 'text', text }, picture] };
}

describe('drawn documents of persons who do not exist', () => {
  it.each(['id-card.jpg', 'bank-statement.png', 'diagnosis.jpg'])('%s never reaches the cloud', async (name) => {
    const { service, cloud, receipts, device } = await start();
    await collect(service, chat([ask(name)]));
    expect(receipts[0]).toMatchObject({ target: 'device', bytesLeft: 0, read: { picturesRead: 1 } });
    expect(cloud.bodies).toEqual([]);
    expect(device.requests).toHaveLength(1);
  });

  it('do not when OCR is killed at its work, or takes too long', async () => {
    const { service, cloud } = await start();
    const running = collect(service, chat([ask('id-card.jpg')])).catch((error: unknown) => error);
    await expect.poll(() => modules.list()[0]?.activeUses, { interval: 5, timeout: 30_000 }).toBe(1);
    const { pid } = ocr;
    if (pid !== undefined) process.kill(pid, 'SIGKILL');
    await running;
    expect(cloud.bodies).toEqual([]);
    await setup?.close();
    const slow = await start(1);
    await expect(collect(slow.service, chat([ask('id-card.jpg')]))).rejects.toMatchObject({
      code: 'engine_overloaded',
    });
    expect(slow.cloud.bodies).toEqual([]);
  });
});

it('a harmless page may leave, with its pixels only', async () => {
  const { service, cloud, receipts } = await start();
  await collect(service, chat([ask('menu.jpg', '哪个菜最便宜?')]));
  expect(receipts[0]).toMatchObject({ target: 'cloud', read: { pictures: 1, picturesRead: 1 } });
  expect(cloud.received).toContain('data:image/jpeg;base64,');
});
