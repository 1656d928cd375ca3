import { describe, expect, it } from 'vitest';
import { endOfText, firstTimestamp } from '../../../../models/whisper/whisper-tokens.ts';
import { placeBeams } from './beam-search.ts';
import { allowedAfter } from './next-tokens.ts';
import { splitWindow } from './window-segments.ts';

const last = firstTimestamp + 1500;

describe('places of beams in the cache', () => {
  it.each([[[0, 0, 0]], [[2, 1, 0]], [[1, 1, 0]], [[4, 4, 4, 0, 0]], [[3]], [[1, 1]]])(
    'parents %j keep what they had written',
    (parents) => {
      const cache = ['a', 'b', 'c', 'd', 'e'];
      const order = placeBeams(
        {
          copyBeam: (from, to) => {
            cache[to] = cache[from] as string;
          },
        },
        parents,
        1,
      );
      expect(order.toSorted()).toEqual(parents.map((_, index) => index));
      order.forEach((child, place) => expect(cache[place]).toBe('abcde'[parents[child] as number]));
    },
  );
});

describe('what may follow', () => {
  it('begins with a time in the first second', () => {
    expect(allowedAfter([], last)).toEqual({
      text: false,
      end: false,
      firstStamp: firstTimestamp,
      lastStamp: firstTimestamp + 50,
    });
  });
  it('text after a time; a later time after text; the end or the next time after a closing time', () => {
    expect(allowedAfter([firstTimestamp], last)).toMatchObject({ text: true, firstStamp: 1, lastStamp: 0 });
    expect(allowedAfter([firstTimestamp, 5], last)).toMatchObject({ text: true, firstStamp: firstTimestamp + 1 });
    expect(allowedAfter([firstTimestamp, 5, firstTimestamp + 9], last)).toMatchObject({
      text: false,
      end: true,
      firstStamp: firstTimestamp + 9,
    });
  });
});

describe('segments of a window', () => {
  const at = (seconds: number): number => firstTimestamp + seconds * 50;
  it('go on where the last whole segment ended', () => {
    const split = splitWindow([at(0), 1, at(2), at(2), 2, at(5), at(5), 3], 30);
    expect(split.segments.map(({ start, end }) => [start, end])).toEqual([
      [0, 2],
      [2, 5],
    ]);
    expect(split.advance).toBe(5);
  });
  it('use the whole window where nothing was left open', () => {
    expect(splitWindow([at(0), 1, at(2)], 30)).toMatchObject({ advance: 30, segments: [{ start: 0, end: 2 }] });
    expect(endOfText).toBeLessThan(firstTimestamp);
  });
});
