import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { HandClock } from '../../test/support/app-client.ts';
import { silentLog } from '../core/log.ts';
import { openPolicy, parsePolicyText } from './policy-file.ts';

describe('the policy file', () => {
  it.each([
    [
      'preference: only_on_device\nprivacy:\n  topics:\n    healt: device\n',
      /p\.yaml:4: privacy\.topics\.healt is no key .*did you mean health\?/,
    ],
    ['name: x\npreferance: x\n', /p\.yaml:2: preferance .*did you mean preference\?/],
    ['name: x\n\nthresholds:\n  topic_confidence: 7\n', /p\.yaml:4: thresholds\.topic_confidence /],
    ['name: [\n', /p\.yaml:\d: /],
    ['- a\n', /p\.yaml:1: /],
  ])('is refused with line and hint: %j', (text, message) => {
    expect(() => parsePolicyText(text, 'p.yaml')).toThrow(message);
  });

  it('is read again when it changes; a file that has become wrong changes nothing', () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'duanyun-policy-'));
    const file = path.join(folder, 'policy.yaml');
    const clock = new HandClock();
    let changes = 0;
    const write = (text: string): void => {
      writeFileSync(file, text);
      changes++;
      utimesSync(file, 1000 + changes, 1000 + changes);
      clock.nowMs += 1001;
    };
    write('preference: only_on_device\n');
    const policy = openPolicy(file, clock, silentLog);
    expect(policy.current().preference).toBe('only_on_device');
    write('preference: prefer_in_cloud\n');
    expect(policy.current().preference).toBe('prefer_in_cloud');
    write('preference: whatever\n');
    expect(policy.current().preference).toBe('prefer_in_cloud');
    write('preference: only_in_cloud\n');
    expect(policy.current().preference).toBe('only_in_cloud');
    rmSync(folder, { recursive: true });
    clock.nowMs += 1001;
    expect(policy.current().preference).toBe('only_in_cloud');
    expect(() => openPolicy(path.join(folder, 'none.yaml'), clock, silentLog)).toThrow('cannot be read');
  });
});
