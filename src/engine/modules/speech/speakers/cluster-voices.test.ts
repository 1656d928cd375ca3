import { describe, expect, it } from 'vitest';
import { clusterVoices, unit, type Voice } from './cluster-voices.ts';
import { windowStarts } from './speaker-teller.ts';

/** Numbers from −1 to 1 that look random and are the same on every run. */
function* noise(seed: number): Generator<number, never> {
  for (let state = seed + 1; ;) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    yield state / 2 ** 31 - 1;
  }
}

/** A voice that differs a little each time it is heard. */
function voice(person: number, take: number, seconds = 3): Voice {
  const own = noise(person * 7919);
  const now = noise(take * 104_729);
  const vector = Float32Array.from({ length: 64 }, () => own.next().value + 0.4 * now.next().value);
  return { vector: unit(vector), seconds };
}

describe('clusterVoices', () => {
  it('finds who speaks, in the order in which they begin', () => {
    const people = [0, 1, 0, 2, 1, 1, 0, 2, 2, 0];
    expect(clusterVoices(people.map((person, take) => voice(person, take)))).toEqual(people);
  });

  it('one voice is one speaker, and nobody is none', () => {
    expect(clusterVoices([0, 1, 2, 3].map((take) => voice(0, take)))).toEqual([0, 0, 0, 0]);
    expect(clusterVoices([])).toEqual([]);
  });

  it('short lines join whom they are most like and found no speaker of their own', () => {
    const voices = [voice(0, 0), voice(1, 1), voice(1, 2, 0.4), voice(5, 3, 0.4), voice(0, 4)];
    const speakers = clusterVoices(voices);
    expect(speakers.filter((_, index) => index !== 3)).toEqual([0, 1, 1, 0]);
    expect(new Set(speakers).size).toBe(2);
    expect(clusterVoices([voice(0, 0, 0.3), voice(1, 1, 0.3)])).toHaveLength(2);
  });

  it('keeps to a number that is known', () => {
    const voices = [0, 1, 2, 0, 1, 2].map((person, take) => voice(person, take));
    expect(new Set(clusterVoices(voices, 2)).size).toBe(2);
    expect(clusterVoices(voices, 1)).toEqual([0, 0, 0, 0, 0, 0]);
    expect(new Set(clusterVoices(voices, 9)).size).toBe(6);
  });

  it('thousands of lines take no minutes', () => {
    const voices = Array.from({ length: 3000 }, (_, take) => voice((take >> 4) % 3, take));
    expect(new Set(clusterVoices(voices)).size).toBe(3);
  });
});

it('windows cover a line and never begin before the sound', () => {
  expect(windowStarts(16_000, 16_000 + 25_600)).toEqual([16_000]);
  expect(windowStarts(0, 8_000)).toEqual([0]);
  expect(windowStarts(0, 51_200)).toEqual([0, 12_800, 25_600]);
  expect(windowStarts(0, 10_000_000)).toHaveLength(8);
});
