import { describe, expect, it } from 'vitest';
import { displayWidth, formatBytes, formatDuration, formatTable } from './format.ts';

describe('numbers for people', () => {
  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1536, '1.5 KiB'],
    [1117320768, '1065.6 MiB'],
    [25 * 1024 ** 3, '25.0 GiB'],
  ])('%d bytes', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });

  it.each([
    [0, '0:00'],
    [6.2, '0:07'],
    [750, '12:30'],
    [3725, '1:02:05'],
  ])('%d seconds', (seconds, text) => {
    expect(formatDuration(seconds)).toBe(text);
  });

  it('aligns columns that hold Chinese', () => {
    expect(displayWidth('端云 a')).toBe(6);
    expect(
      formatTable([
        ['端云', 'x'],
        ['abcde', 'y'],
      ]),
    ).toBe('端云   x\nabcde  y\n');
  });
});
