import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { HandClock } from '../../test/support/app-client.ts';
import { FakeCloud } from '../../test/support/fake-cloud.ts';
import { EgressGate } from '../cloud/egress-gate.ts';
import { silentLog } from '../core/log.ts';
import { statisticsReportSchema } from '../protocol/statistics-report.ts';
import { seeded } from '../routing/testing/samples.ts';
import type { Receipt } from './receipts.ts';
import { Statistics } from './statistics.ts';
import { StatisticsSender } from './statistics-sender.ts';

const receipt: Receipt = {
  id: 'rcpt_1',
  requestId: 'secret-request-id',
  createdAt: '2026-01-01T00:00:00Z',
  kind: 'chat',
  state: 'answered',
  requestedModel: 'secret-model',
  target: 'cloud',
  reasons: ['cloud-scores-better'],
  preference: 'prefer_on_device',
  privacy: 'open',
  task: 'code',
  complexity: 0.5,
  policyVersion: 'secret-clinic@1',
  detectors: {},
  redactedValues: 0,
  attempts: [{ target: 'cloud', outcome: 'answered' }],
  bytesLeft: 10,
  timings: { decisionMs: 1, totalMs: 1500 },
  cost: 0,
  currency: 'CNY',
};

function newStatistics(fields: object = {}) {
  const clock = new HandClock();
  const statistics = new Statistics({ clock, log: silentLog, random: seeded(7), ...fields });
  const add = (count: number, more: Partial<Receipt> = {}): void => {
    for (let times = 0; times < count; times++) statistics.add({ ...receipt, ...more });
  };
  return { clock, statistics, add };
}

describe('anonymous statistics', () => {
  it('hold words of closed lists and counts, and nothing else', () => {
    const { statistics, add } = newStatistics();
    add(100);
    add(100, { privacy: 'device', target: 'device' });
    const report = statistics.preview();
    expect(statisticsReportSchema.safeParse(report).success).toBe(true);
    expect(report.counts.map(({ reason }) => reason).toSorted()).toEqual(['private', 'scored']);
    expect(JSON.stringify(report)).not.toMatch(/secret|rcpt/);
  });

  it('leave out small counts and blur the others, always by the same noise', () => {
    const { statistics, add } = newStatistics();
    add(3, { task: 'speech' });
    add(500);
    const first = statistics.preview();
    expect(first.counts.map(({ task }) => task)).toEqual(['code']);
    expect(statistics.preview()).toEqual(first);
    const blurred = Array.from({ length: 200 }, (_, seed) => {
      const one = newStatistics({ random: seeded(seed) });
      one.add(50);
      return one.statistics.preview().counts[0]?.count ?? 0;
    });
    expect(new Set(blurred).size).toBeGreaterThan(4);
    const mean = blurred.reduce((sum, count) => sum + count, 0) / blurred.length;
    expect(Math.abs(mean - 50)).toBeLessThan(1);
  });

  it('survive a restart, noise and all', () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'duanyun-stats-'));
    const file = path.join(folder, 'statistics.json');
    const { statistics, add } = newStatistics({ file });
    add(50);
    statistics.save();
    expect(newStatistics({ file, random: seeded(99) }).statistics.preview()).toEqual(statistics.preview());
    expect(readFileSync(file, 'utf8')).not.toMatch(/secret|rcpt/);
    rmSync(folder, { recursive: true });
  });

  it('are sent once for each day that is over, exactly as shown', async () => {
    const cloud = await new FakeCloud().start();
    cloud.play = (_, response) => void response.writeHead(200).end('{}');
    const { statistics, add, clock } = newStatistics();
    add(50);
    const shown = statistics.preview();
    const isClosed = (report: unknown): boolean => statisticsReportSchema.safeParse(report).success;
    const gate = new EgressGate({ clock });
    const sender = new StatisticsSender({ statistics, gate, url: cloud.url, isClosed, log: silentLog });
    await sender.sendDue();
    expect(cloud.bodies).toEqual([]);
    clock.wallMs += 86_400_000;
    await sender.sendDue();
    await sender.sendDue();
    expect(cloud.bodies.map((text) => JSON.parse(text) as unknown)).toEqual([shown]);
    await sender.dispose();
    await cloud.stop();
  });

  it('do not pass the gate with anything more in them', async () => {
    const cloud = await new FakeCloud().start();
    const { statistics, add, clock } = newStatistics();
    add(50, { task: 'my secret' as 'code' });
    clock.wallMs += 86_400_000;
    const isClosed = (report: unknown): boolean => statisticsReportSchema.safeParse(report).success;
    const sender = new StatisticsSender({
      statistics,
      gate: new EgressGate({ clock }),
      url: cloud.url,
      isClosed,
      log: silentLog,
    });
    await sender.sendDue();
    expect(cloud.bodies).toEqual([]);
    await sender.dispose();
    await cloud.stop();
  });
});
