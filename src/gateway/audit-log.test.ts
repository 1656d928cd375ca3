import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import { silentLog } from '../core/log.ts';
import { AuditLog } from './audit-log.ts';

const record = (requestId: string) => ({
  time: '2026-11-28T00:00:00.000Z',
  requestId,
  key: 'none',
  address: '127.0.0.1',
  route: '/v1/models',
  model: undefined,
  status: 200,
  code: undefined,
  promptTokens: undefined,
  completionTokens: undefined,
  cost: undefined,
  durationMs: 1,
});

it('has written every line when a flush is done, also those that came while an earlier one was on its way', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'duanyun-audit-'));
  try {
    const file = path.join(folder, 'audit.jsonl');
    const audit = new AuditLog({ file, log: silentLog });
    audit.add(record('first'));
    const earlier = audit.flush();
    await Promise.resolve();
    audit.add(record('second'));
    await audit.flush();
    expect(readFileSync(file, 'utf8').match(/first|second/g)).toEqual(['first', 'second']);
    await earlier;
    await audit.close();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
