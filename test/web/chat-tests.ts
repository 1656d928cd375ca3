/** Asking, and what becomes of answers. Run by `page.test.ts`, in its browser. */
import { describe, expect, it } from 'vitest';
import { answer, event, lastText, start } from '../support/scripted-backend.ts';
import { desktop, patient, phone, type PageKit } from './page-kit.ts';

export function chatTests(kit: PageKit): void {
  describe('the chat', () => {
    it('streams an answer, folds the thinking, and says where it ran; a click opens the receipt', async () => {
      kit.play(() => answer('A **bold** word and `code`.', { reasoning: 'Thinking about it.' }));
      const page = await kit.open();
      await kit.ask(page, 'Say something bold.');
      await kit.finished(page);
      expect(await page.locator('.answer strong').textContent()).toBe('bold');
      expect(await page.locator('.thinking').getAttribute('open')).toBeNull();
      expect(await page.locator('.thinking p').isVisible()).toBe(false);
      const route = page.locator('.answer .route');
      await expect.poll(() => route.textContent(), patient).toMatch(/Device.*small-1.*first token.*tokens\/s/);
      await route.click();
      await page.getByRole('dialog', { name: 'Receipt' }).getByText('Bytes that left for the cloud').waitFor();
      expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
      expect(kit.toThirdParties()).toEqual([]);
    });

    it('marks what is private while it is typed, before anything is sent, and says where it would run', async () => {
      const page = await kit.open();
      await page.locator('.composer textarea').fill('Call me at 13812345678 about my diabetes');
      await expect.poll(() => page.locator('.backdrop mark').allTextContents(), patient).toEqual(['13812345678']);
      await expect
        .poll(() => page.locator('.verdict').textContent(), patient)
        .toMatch(/phone number.*stays on the device/s);
      await page.locator('.composer textarea').fill('What is the capital of France?');
      await expect.poll(() => page.locator('.verdict').textContent(), patient).toMatch(/Would run/);
      expect(await page.locator('.backdrop mark').count()).toBe(0);
      // The mark lies under the very letters, on a phone as on a desktop.
      await page.locator('.composer textarea').fill('Call me at 13812345678');
      await page.locator('.backdrop mark').waitFor();
      for (const viewport of [phone, desktop]) {
        await page.setViewportSize(viewport);
        const [field, backdrop] = await page.evaluate(() =>
          ['.marked-field textarea', '.backdrop'].map((each) => {
            const { x, y, width } = document.querySelector(each)?.getBoundingClientRect() ?? new DOMRect();
            return [x, y, width].map(Math.round);
          }),
        );
        expect(backdrop).toEqual(field);
      }
      await page.setViewportSize(phone);
      await page.locator('.composer textarea').fill('What is the capital of France?');
      // The draft went nowhere: the page only ever kit.asked() for the state.
      expect(kit.asked().filter((url) => /chat|explain/.test(url))).toEqual([]);
      // In another conversation just the same.
      kit.play(() => answer('Paris.'));
      await page.keyboard.press('Enter');
      await kit.finished(page);
      await page.getByRole('button', { name: 'New chat' }).last().click();
      await page.locator('.composer textarea').fill('Call me at 13812345678');
      await page.locator('.backdrop mark').waitFor();
    });

    it('stops, and keeps what came', async () => {
      kit.play(function* () {
        yield start();
        yield event({ type: 'text-delta', text: 'So far so good' });
        yield { step: 'hang' };
      });
      const page = await kit.open();
      await kit.ask(page, 'Go on for ever');
      await page.getByText('So far so good').waitFor();
      await page.getByRole('button', { name: 'Stop' }).click();
      await page.getByText('Stopped.').waitFor();
      expect(await page.locator('.answer .markdown').textContent()).toBe('So far so good');
      await expect.poll(() => kit.web.setup.device.active, patient).toBe(0);
    });

    it('finds the receipt of an answer whose headers had to go before there was one', async () => {
      kit.play(() => answer('After a while.'));
      const page = await kit.open();
      await page.route('**/v1/chat/completions', async (route) => {
        const response = await route.fetch();
        const kept = Object.entries(response.headers()).filter(([name]) => !name.startsWith('x-duanyun-'));
        await route.fulfill({ response, headers: Object.fromEntries(kept) });
      });
      await kit.ask(page, 'My phone number is 13812345678');
      await kit.finished(page);
      await page.locator('button.route', { hasText: 'Device' }).waitFor();
    });

    it('shows a tool call with its arguments, and a structured answer laid out', async () => {
      kit.play(function* () {
        yield start();
        yield event({
          type: 'tool-call-delta',
          index: 0,
          id: 'call_1',
          name: 'weather',
          arguments: '{"city":"Paris"}',
        });
        yield* [...answer('')].slice(1);
      });
      const page = await kit.open();
      await kit.ask(page, 'Weather?');
      await page.locator('.tool-call', { hasText: 'weather' }).getByText('"city": "Paris"').waitFor();
      await kit.finished(page);
      kit.play(() => answer('{"name":"Ada","born":1815}'));
      await kit.ask(page, 'As JSON');
      await kit.finished(page);
      await expect
        .poll(() => page.locator('.answer .code-block code').textContent(), patient)
        .toBe('{\n  "name": "Ada",\n  "born": 1815\n}');
    });

    it('edits a question into a branch; both stay', async () => {
      kit.play((request) => answer(`You said: ${lastText(request)}`));
      const page = await kit.open();
      await kit.ask(page, 'first');
      await page.getByText('You said: first').waitFor();
      await kit.finished(page);
      await page.getByRole('button', { name: 'Edit' }).click();
      await page.getByRole('textbox', { name: 'Edit' }).fill('second');
      await page.getByRole('button', { name: 'Send again' }).click();
      await page.getByText('You said: second').waitFor();
      await kit.finished(page);
      await page.getByRole('button', { name: 'Earlier version' }).click();
      await page.getByText('You said: first').waitFor();
    });

    it('sends a picture that it has made small, and no metadata', async () => {
      kit.play((request) => answer(`You said: ${lastText(request)}`));
      const page = await kit.open();
      await page.evaluate(async () => {
        const canvas = new OffscreenCanvas(2000, 1500);
        canvas.getContext('2d')?.fillRect(0, 0, 100, 100);
        const transfer = new DataTransfer();
        transfer.items.add(
          new File([await canvas.convertToBlob({ type: 'image/png' })], 'photo.png', { type: 'image/png' }),
        );
        const drop = new DragEvent('drop', { dataTransfer: transfer, bubbles: true, cancelable: true });
        document.querySelector('.composer')?.dispatchEvent(drop);
      });
      await page.locator('.attachment img').waitFor();
      const size = await page
        .locator('.attachment img')
        .evaluate((img: HTMLImageElement) => [img.naturalWidth, img.naturalHeight]);
      expect(size).toEqual([1568, 1176]);
      await page
        .locator('input[type=file]')
        .setInputFiles({ name: 'x.png', mimeType: 'image/png', buffer: Buffer.from('no picture') });
      await page.getByText('not a picture').waitFor();
      await kit.ask(page, 'What is this?');
      await kit.finished(page);
      const request = kit.web.setup.device.requests.at(-1);
      const part = request?.input.kind === 'chat' ? request.input.messages.at(-1)?.content[0] : undefined;
      expect(part).toMatchObject({ type: 'image', source: { kind: 'bytes', mediaType: 'image/jpeg' } });
    });

    it('records the microphone and sends WAV; a refusal is said in words', async () => {
      kit.play((request) => answer(`You said: ${lastText(request)}`));
      const page = await kit.open({ permissions: ['microphone'] });
      await page.getByRole('button', { name: 'Record' }).click();
      await expect.poll(() => page.locator('.record-bar').textContent(), patient).toMatch(/Recording, [1-9]/);
      await page.getByRole('button', { name: 'Stop recording' }).click();
      await page.locator('.attachment.sound').waitFor();
      await page.getByRole('button', { name: 'Send' }).click();
      await kit.finished(page);
      const request = kit.web.setup.device.requests.at(-1);
      const part = request?.input.kind === 'chat' ? request.input.messages.at(-1)?.content[0] : undefined;
      expect(part).toMatchObject({ type: 'audio', format: 'wav' });
      await expect
        .poll(() => page.locator('.question audio').evaluate((each: HTMLAudioElement) => each.duration), patient)
        .toBeGreaterThan(0.5);
      if (part?.type === 'audio') expect(Buffer.from(part.bytes).toString('latin1', 0, 4)).toBe('RIFF');
      await page.evaluate(() => {
        navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', 'NotAllowedError'));
      });
      await page.getByRole('button', { name: 'Record' }).click();
      await page.getByText('The microphone may not be used').waitFor();
      await page.getByRole('button', { name: 'Take a photo' }).click();
      await page.getByText('The camera may not be used').waitFor();
    });

    it('searches and deletes the history, and keeps none of it afterwards', async () => {
      kit.play((request) => answer(`You said: ${lastText(request)}`));
      const page = await kit.open({ viewport: desktop });
      for (const text of ['about apples', 'about pears']) {
        await kit.ask(page, text);
        await kit.finished(page);
        await page.locator('.history-title', { hasText: text }).waitFor();
        await page.getByRole('button', { name: 'New chat' }).first().click();
      }
      await page.getByRole('searchbox').fill('apples');
      await expect.poll(() => page.locator('.history-title').allTextContents(), patient).toEqual(['about apples']);
      await page.getByRole('searchbox').fill('');
      page.on('dialog', (dialog) => void dialog.accept());
      await page.getByRole('button', { name: 'Delete all' }).click();
      await page.getByText('Conversations are kept on this device only.').waitFor();
      await page.reload();
      await page.getByText('Conversations are kept on this device only.').waitFor();
      expect(await page.locator('.history-title').count()).toBe(0);
    });
  });
}
