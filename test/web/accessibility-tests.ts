/** axe-core's rules on every page, in both themes, on a phone and on a desktop. Run by `page.test.ts`, in its browser. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright';
import { describe, expect, it } from 'vitest';
import { answer } from '../support/scripted-backend.ts';
import { desktop, phone, type PageKit } from './page-kit.ts';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export function accessibilityTests(kit: PageKit): void {
  describe('accessibility', () => {
    it('has no faults in the chat: empty, typed, answered, with a receipt', async () => {
      kit.play(() =>
        answer('## Title\n\nText with `code`, [a link](https://example.org/).\n\n| a | b |\n|---|---|\n| 1 | 2 |', {
          reasoning: 'Hm.',
        }),
      );
      const page = await kit.open({ locale: 'zh-CN' });
      expect(await violations(page)).toEqual([]);
      await page.locator('.composer textarea').fill('我的手机号是13812345678');
      await page.locator('.backdrop mark').waitFor();
      expect(await violations(page)).toEqual([]);
      await page.keyboard.press('Enter');
      await kit.finished(page);
      await page.locator('button.route').waitFor();
      expect(await violations(page)).toEqual([]);
      await page.locator('button.route').click();
      await page.locator('.receipt dl').waitFor();
      expect(await violations(page)).toEqual([]);
    });

    it.each(['minutes', 'device', 'routing', 'benchmark'])('has no faults on the page %s', async (view) => {
      const page = await kit.open({}, `${kit.web.server.url}#/${view}`);
      await page.locator('.page .section').first().waitFor();
      if (view === 'device') await page.locator('.chart canvas').first().waitFor();
      expect(await violations(page)).toEqual([]);
    });

    it('has no faults on the page of the gateway', async () => {
      const page = await kit.openGateway('#/cloud');
      await page.locator('.card').first().waitFor();
      expect(await violations(page)).toEqual([]);
    });
  });
}

/** In all four: what differs between them is style. */
export async function violations(page: Page): Promise<string[]> {
  const found: string[] = [];
  await page.evaluate(axe);
  for (const viewport of [phone, desktop]) {
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.setViewportSize(viewport);
      await page.emulateMedia({ colorScheme });
      const here = await page.evaluate(async () => {
        const { axe: run } = globalThis as unknown as {
          axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
        };
        const result = await run.run();
        return result.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
      });
      found.push(...here.map((each) => `${viewport.width} ${colorScheme} ${each}`));
    }
  }
  await page.setViewportSize(phone);
  return found;
}
