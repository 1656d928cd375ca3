import { describe, expect, it } from 'vitest';
import type { PullEvent } from '../core/model-store.ts';
import { PullProgress } from './pull-progress.ts';
import type { Terminal } from './terminal.ts';

function harness(isTerminal: boolean) {
  let text = '';
  let nowMs = 0;
  const terminal = {
    note: (more: string) => void (text += more),
    noteIsTerminal: isTerminal,
    columns: () => 60,
  } as unknown as Terminal;
  const progress = new PullProgress(terminal, { now: () => nowMs, wallTime: () => 0 });
  return {
    progress,
    text: () => text,
    pass: (ms: number) => void (nowMs += ms),
  };
}

function received(share: number): PullEvent {
  return {
    type: 'pull-progress',
    file: 'm.gguf',
    receivedBytes: share * 100 * 1024 * 1024,
    totalBytes: 100 * 1024 * 1024,
    bytesPerSecond: 10 * 1024 * 1024,
    remainingSeconds: (1 - share) * 10,
  };
}

describe('the progress of a pull', () => {
  it('is one line that is redrawn on a terminal, never longer than the terminal', () => {
    const { progress, text, pass } = harness(true);
    progress.show(received(0.25));
    pass(50);
    progress.show(received(0.3));
    pass(100);
    progress.show(received(0.5));
    expect(text()).not.toContain('\n');
    const drawn = text().split('\r').slice(1);
    expect(drawn).toHaveLength(2);
    expect(drawn[1]).toContain('██████████░░░░░░░░░░ 50 %');
    for (const line of drawn) expect(line.replace('\u001B[K', '').length).toBeLessThan(60);
  });

  it('is a line every ten seconds elsewhere', () => {
    const { progress, text, pass } = harness(false);
    for (let step = 0; step <= 10; step++) {
      progress.show(received(step / 10));
      pass(2_500);
    }
    expect(text().trimEnd().split('\n')).toHaveLength(3);
    expect(text()).toContain('40 %  40.0 MiB of 100.0 MiB  10.0 MiB/s  0:06 left');
    expect(text()).not.toContain('\u001B');
  });

  it('takes the bar away before other text', () => {
    const { progress, text } = harness(true);
    progress.show(received(0.5));
    progress.show({ type: 'source-failed', file: 'm.gguf', source: 'hub.example', reason: 'it stalls' });
    expect(text().endsWith('\r\u001B[K  not from hub.example: it stalls\n')).toBe(true);
  });
});
