/** Speech on the real server over a whole life: loaded by its first use, unloaded when idle, loaded again; and small files that become hours. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ModuleStatus } from '../../src/core/modules.ts';
import { DuanyunServer, projectRoot } from '../integration/duanyun-process.ts';
import { findChild } from '../support/child-processes.ts';
import { makeFlacBomb } from '../support/flac-bomb.ts';
import { makeWave } from '../support/make-wave.ts';
import { makeOpusBomb } from '../support/opus-bomb.ts';
import { memoryOf } from '../support/process-memory.ts';
import { describeWithWeights, obtainWeights } from '../support/weights.ts';

const sentence = readFileSync(path.join(projectRoot, 'test', 'fixtures', 'audio', 'librivox-0880.ogg'));
const patience = 120_000;
const mebibyte = 1024 ** 2;
await obtainWeights('smollm2-135m');

await describeWithWeights('whisper-base', 'the speech module of a real server', ({ entry }, home) => {
  let server: DuanyunServer;
  let url = '';
  const start = async (...flags: string[]): Promise<void> => {
    server = new DuanyunServer(['--model', 'smollm2-135m', ...flags], { DUANYUN_HOME: home });
    url = await server.ready();
  };
  const status = async (): Promise<ModuleStatus | undefined> => {
    const response = await fetch(`${url}/v1/modules`);
    const { data } = (await response.json()) as { data: ModuleStatus[] };
    return data.find(({ name }) => name === 'speech');
  };
  const worker = (): number | undefined => findChild(server.child.pid, 'speech-worker');
  async function transcribe(file: Buffer): Promise<{ status: number; body: { text?: string; error?: object } }> {
    const form = new FormData();
    form.set('file', new Blob([new Uint8Array(file)]), 'sound');
    form.set('model', 'whisper-1');
    const response = await fetch(`${url}/v1/audio/transcriptions`, { method: 'POST', body: form });
    return { status: response.status, body: (await response.json()) as { text?: string; error?: object } };
  }

  describe('with a short idle time', () => {
    beforeAll(() => start('--module-idle-seconds', '2'), patience);
    afterAll(async () => {
      await server.stop();
    });

    it(
      'cold, in use, idle, unloaded by itself, and loaded again by the next use',
      async () => {
        expect(await status()).toMatchObject({ state: 'cold', model: 'whisper-base', loads: 0, resident_bytes: 0 });
        expect(worker()).toBeUndefined();
        const seen = new Set<string>();
        for (let turn = 1; turn <= 2; turn++) {
          const answer = transcribe(sentence);
          await expect
            .poll(async () => (await status())?.state, { timeout: patience, interval: 20 })
            .toMatch(/^(loading|ready)$/);
          expect((await answer).body.text).toMatch(/young man/);
          const used = (await status()) as unknown as { loads: number; resident_bytes: number };
          expect(used.loads).toBe(turn);
          expect(used.resident_bytes).toBeGreaterThan(100 * mebibyte);
          const pid = worker();
          expect(pid).toEqual(expect.any(Number));
          await expect
            .poll(
              async () => {
                const state = (await status())?.state ?? '';
                seen.add(state);
                return state;
              },
              { timeout: patience, interval: 50 },
            )
            .toBe('unloaded');
          expect(await status()).toMatchObject({ loads: turn, resident_bytes: 0 });
          // The memory is the system's again: the process is gone.
          expect(worker()).toBeUndefined();
          expect(() => process.kill(pid ?? 0, 0)).toThrow(/ESRCH/);
        }
        expect([...seen]).toContain('idle');
      },
      3 * patience,
    );
  });

  describe('small files that become hours', () => {
    beforeAll(async () => {
      await start('--max-audio-minutes', '3');
      expect((await transcribe(sentence)).status).toBe(200);
    }, patience);
    afterAll(async () => {
      await server.stop();
    });

    const hours = 10;
    const refused = { status: 413, body: { error: { code: 'audio_too_long' } } };
    // What is not there cannot be heard: a header alone, of a recording that was cut off, makes no hours.
    const heard = { status: 200, body: { text: '' } };
    const cases: [string, Buffer, object][] = [
      ['FLAC of silence, 14 kB an hour: refused', makeFlacBomb(hours), refused],
      ['Opus of packets that were not sent, 95 kB an hour: refused', makeOpusBomb(hours), refused],
      ['FLAC whose header alone says so: as long as it is', makeFlacBomb(0.01, hours), heard],
      ['WAV whose header alone says so: as long as it is', wave(hours), heard],
    ];
    it.each(cases)(
      `${hours} hours, %s; in little memory, and the same process goes on`,
      async (_name, bomb, expected) => {
        expect(bomb.length).toBeLessThan(mebibyte);
        const pid = worker();
        const before = [memoryOf(server.child.pid), memoryOf(pid)];
        expect(await transcribe(bomb)).toMatchObject(expected);
        [server.child.pid, pid].forEach((each, index) => {
          const [most, earlier] = [memoryOf(each)?.mostBytes, before[index]?.mostBytes];
          if (most !== undefined && earlier !== undefined) expect(most - earlier).toBeLessThan(150 * mebibyte);
        });
        expect((await transcribe(sentence)).body.text).toMatch(/young man/);
        expect(worker()).toBe(pid);
      },
      patience,
    );

    it('never held more memory than the catalogue declares', () => {
      const most = memoryOf(worker())?.mostBytes;
      if (most !== undefined) expect(most).toBeLessThanOrEqual(entry.memoryBytes);
    });
  });
});

/** The header of ten hours before a second of samples. */
function wave(hours: number): Buffer {
  const file = makeWave(new Float32Array(1_000), 1_000);
  file.writeUInt32LE(hours * 3_600 * 2_000, 40);
  return file;
}
