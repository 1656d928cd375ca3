/** The pages beside the chat, and speech that becomes text. Run by `page.test.ts`, in its browser. */
import { describe, expect, it } from 'vitest';
import { answer } from '../support/scripted-backend.ts';
import { patient, type PageKit } from './page-kit.ts';

export function otherPagesTests(kit: PageKit): void {
  const openView = (view: string) => kit.open({}, `${kit.web.server.url}#/${view}`);

  describe('the pages beside the chat', () => {
    it('are reached from the menu; the draft and the answer wait meanwhile', async () => {
      kit.play(() => answer('Here it is.'));
      const page = await kit.open();
      await page.locator('.composer textarea').fill('half a question');
      await page.getByRole('button', { name: 'Open history' }).click();
      await page.getByRole('link', { name: 'Routing' }).click();
      await page.getByRole('heading', { name: 'Routing' }).waitFor();
      expect(await page.locator('.composer textarea').isVisible()).toBe(false);
      await page.goBack();
      await page.locator('.composer textarea').waitFor();
      expect(await page.locator('.composer textarea').inputValue()).toBe('half a question');
      expect(kit.toThirdParties()).toEqual([]);
    });

    it('Device: loads and unloads modules, and says why one cannot be', async () => {
      const page = await openView('device');
      const speech = page.locator('.card', { hasText: 'Speech' });
      await speech.getByRole('button', { name: 'Load' }).click();
      await speech.getByText('ready').waitFor();
      await speech.getByRole('button', { name: 'Unload' }).click();
      await speech.getByText('unloaded').waitFor();
      const vision = page.locator('.card', { hasText: 'Vision' });
      await vision.getByText('no projector is installed').waitFor();
      await vision.getByRole('button', { name: 'Load' }).click();
      await vision.getByText('module_not_installed').waitFor();
    });

    it('Device: draws what the engine does', async () => {
      kit.web.metrics.gauge('duanyun_engine_running', 3);
      kit.web.metrics.gauge('duanyun_engine_limited', 1, { reason: 'temperature' });
      const page = await openView('device');
      await page.getByText('the device is hot').waitFor();
      await page.locator('.chart', { hasText: 'Batch' }).getByText('running: 3').waitFor();
      expect(await page.locator('.chart canvas').count()).toBe(4);
    });

    it('Device: fetches a model, pauses, goes on where it stopped, switches to it, removes another', async () => {
      const page = await openView('device');
      const { models } = kit.web;
      await page.getByRole('button', { name: 'All models' }).click();
      const far = page.locator('.card', { hasText: 'Far 1' });
      await far.getByRole('button', { name: 'Fetch' }).click();
      await far.getByText('KB / 1000 KB').waitFor();
      await far.getByRole('button', { name: 'Pause' }).click();
      await far.getByText('paused').waitFor();
      expect(models.installedIds.has('far-1')).toBe(false);
      await far.getByRole('button', { name: 'Go on' }).click();
      await far.getByRole('button', { name: 'Use this one' }).waitFor();
      expect(models.resumedFrom).toHaveLength(2);
      expect(models.resumedFrom[1]).toBeGreaterThan(0);
      await far.getByRole('button', { name: 'Use this one' }).click();
      await far.getByText('answers now').waitFor();
      expect(models.running).toBe('far-1');
      page.on('dialog', (dialog) => void dialog.accept());
      await page.locator('.card', { hasText: 'Other 1' }).getByRole('button', { name: 'Remove' }).click();
      await expect.poll(() => models.installedIds.has('other-1'), patient).toBe(false);
    });

    it('Routing: counts receipts, opens one, explains without running, checks a policy', async () => {
      kit.play(() => answer('An answer.'));
      const page = await kit.open();
      await kit.ask(page, 'My phone number is 13812345678, what now?');
      await kit.finished(page);
      await page.goto(`${kit.web.server.url}#/routing`);
      await page.locator('.bars', { hasText: 'Where' }).getByText('Device').waitFor();
      await page.locator('.table-place button').first().click();
      await page.getByRole('dialog', { name: 'Receipt' }).getByText('must stay on the device').waitFor();
      await page.getByRole('button', { name: 'Close' }).last().click();
      const before = kit.web.setup.device.requests.length;
      await page.getByLabel('Question').fill('我的身份证号是110101199003074258');
      await page.getByRole('button', { name: 'Explain' }).click();
      await page.locator('form strong', { hasText: 'Device' }).waitFor();
      expect(kit.web.setup.device.requests).toHaveLength(before);
      await page.getByRole('button', { name: 'Check' }).click();
      await page.getByText('These rules are valid.').waitFor();
      await page.getByLabel('Rules (YAML)').fill('preferense: only_on_device\n');
      await page.getByRole('button', { name: 'Check' }).click();
      await page.getByText('did you mean preference?').waitFor();
      await page.getByText('Sending is switched off.').waitFor();
      // The page may show counts of words, never a word of what was asked.
      expect(await page.locator('.page').textContent()).not.toContain('13812345678');
    });

    it('Benchmark: starts, watches, stops, opens and compares', async () => {
      const page = await openView('benchmark');
      for (let count = 0; count < 2; count++) {
        await page.getByRole('button', { name: 'Start' }).click();
        await page.getByText('edge: scenarios').first().waitFor();
        await page.getByRole('button', { name: 'Stop and keep' }).click();
        await page.getByText('interrupted').nth(count).waitFor();
      }
      await page.getByRole('button', { name: 'Open', exact: true }).first().click();
      await page.locator('.report td', { hasText: '42' }).waitFor();
      await page.getByRole('button', { name: 'Compare' }).click();
      await page.locator('td', { hasText: '+50.0 %' }).waitFor();
      await page.locator('td', { hasText: 'worse' }).waitFor();
    });

    it('Cloud: shows the servers, makes a key, shows it once, revokes it', async () => {
      const page = await kit.openGateway('#/cloud');
      await page.getByText('answers', { exact: true }).waitFor();
      await page.getByLabel('Who it is for').fill('Ward 3');
      await page.getByRole('button', { name: 'Make a key' }).click();
      expect(await page.locator('.secret').textContent()).toMatch(/^sk-dy-/);
      await page.getByRole('button', { name: 'Done' }).click();
      const card = page.locator('li.card', { hasText: 'Ward 3' });
      page.on('dialog', (dialog) => void dialog.accept());
      await card.getByRole('button', { name: 'Revoke' }).click();
      await card.getByText('revoked').waitFor();
      expect(await page.locator('.secret').count()).toBe(0);
    });

    it('Minutes: records a meeting, shows progress and what was heard, and the minutes', async () => {
      const page = await kit.open({ permissions: ['microphone'] }, `${kit.web.server.url}#/minutes`);
      await page.getByRole('button', { name: 'Record the meeting' }).click();
      await page.getByRole('meter', { name: 'Loudness' }).waitFor();
      await expect.poll(() => page.locator('.pull').first().textContent(), patient).toMatch(/Recording, [1-9]/);
      await page.getByRole('button', { name: 'Stop recording' }).click();
      await page.getByText(/^meeting\./).waitFor();
      await page.getByLabel('Title').fill('Monday');
      await page.getByRole('button', { name: 'Make the minutes' }).click();
      await page.locator('.heard li', { hasText: 'I will send it.' }).waitFor();
      await page.locator('.report', { hasText: 'Send the budget' }).waitFor();
      expect(await page.locator('.report').textContent()).toContain('Monday');
    });

    it('dictates while it records: the words come, and become the question', async () => {
      const page = await kit.open({ permissions: ['microphone'] });
      await page.getByRole('button', { name: 'Record' }).click();
      await page.locator('.dictated', { hasText: 'I would' }).waitFor();
      await page.getByRole('button', { name: 'Use the text' }).click();
      await expect.poll(() => page.locator('.composer textarea').inputValue(), patient).toMatch(/^I would like/);
      expect(await page.locator('.attachment').count()).toBe(0);
    });
  });
}
