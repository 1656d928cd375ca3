/** The real command on the real recording of the examples: killed in the middle, and gone on with. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { ownHome } from '../support/own-home.ts';
import { describeWithWeights, obtainWeights } from '../support/weights.ts';
import { environmentWith, projectRoot, runDuanyun, type Variables } from './duanyun-process.ts';

const limitMs = 300_000;
const ears = await obtainWeights('whisper-base');

await describeWithWeights('qwen2.5-coder-0.5b', 'duanyun minutes', (_model, home) => {
  it(
    'writes down who decided what, also after it was killed',
    async ({ skip }) => {
      if ('missing' in ears) skip(ears.missing);
      const own = ownHome(home);
      const environment: Variables = {
        DUANYUN_HOME: own,
        DUANYUN_MODEL: 'qwen2.5-coder-0.5b',
        DUANYUN_OFFLINE: '1',
        DUANYUN_PORT: '1',
      };
      const args = ['minutes', 'examples/media/meeting.ogg', '--language', 'en', '--date', '2026-11-27', '--json'];
      const first = spawn(path.join(projectRoot, 'bin', 'duanyun'), args, {
        cwd: projectRoot,
        env: environmentWith(environment),
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      let notes = '';
      await new Promise<void>((resolve, reject) => {
        first.stderr.on('data', (chunk: Buffer) => {
          notes += chunk.toString();
          if (notes.includes('taking notes')) resolve();
        });
        first.on('close', () => reject(new Error(`ended before its notes: ${notes}`)));
      });
      first.removeAllListeners('close');
      const killed = once(first, 'close');
      first.kill('SIGKILL');
      await killed;
      const folder = path.join(own, 'state', 'minutes');
      const state = path.join(folder, readdirSync(folder).find((name) => name.endsWith('.jsonl')) ?? '');
      expect(statSync(state).mode & 0o777).toBe(0o600);
      expect(readFileSync(state, 'utf8')).toContain('payment page');

      const { code, stdout, stderr } = await runDuanyun(args, { environment, cwd: projectRoot });
      expect({ code, stderr }).toMatchObject({ code: 0 });
      // Nothing is heard a second time.
      expect(stderr).not.toContain('hearing');
      const minutes = JSON.parse(stdout) as {
        summary: string;
        decisions: { text: string }[];
        actions: { owner: string | null; due: { date: string | null } | null }[];
        open_questions: { text: string }[];
        receipts: string[];
        models: object;
      };
      expect(minutes.summary).not.toBe('');
      expect(minutes.decisions.map(({ text }) => text).join()).toMatch(/next Monday/);
      expect(minutes.actions).toContainEqual(
        expect.objectContaining({ due: expect.objectContaining({ date: '2026-12-02' }) as object }),
      );
      expect(minutes.open_questions.map(({ text }) => text).join()).toMatch(/mobile app/);
      expect(minutes.receipts.length).toBeGreaterThan(0);
      expect(minutes.models).toEqual({ speech: 'whisper-base', language: 'qwen2.5-coder-0.5b' });
      expect(readdirSync(folder)).toEqual([]);
    },
    limitMs,
  );
});
