import { expect, it } from 'vitest';
import { fitOf } from './memory-need.ts';
import type { PageModel } from './page-model.ts';

const model = (id: string, sizeMiB: number): PageModel => ({
  id,
  displayName: id,
  licence: 'x',
  sizeBytes: sizeMiB * 1024 ** 2,
  sha256: '0'.repeat(64),
  contextTokens: 8192,
  languages: [],
  sampling: {},
});
const [tiny, small, large, huge] = [
  model('tiny', 94),
  model('small', 469),
  model('large', 1065),
  model('huge', 2381),
] as const;
const all = [tiny, small, large, huge];

it('lets in what fits, by the memory that the browser tells', () => {
  expect(fitOf(large, { deviceGiB: 8 }, all)).toEqual({ fits: true });
  expect(fitOf(small, { deviceGiB: 2 }, all)).toEqual({ fits: true });
  // Safari and Firefox say nothing.
  expect(fitOf(large, { deviceGiB: undefined }, all)).toEqual({ fits: true });
});

it('refuses with numbers and names the largest that fits', () => {
  expect(fitOf(large, { deviceGiB: 2 }, all)).toEqual({
    fits: false,
    neededMiB: 1345,
    availableMiB: 1024,
    smaller: 'small',
  });
  expect(fitOf(small, { deviceGiB: 1 }, all)).toMatchObject({ fits: false, smaller: 'tiny' });
  expect(fitOf(tiny, { deviceGiB: 0.5 }, all)).not.toHaveProperty('smaller');
});

it('refuses a file above 2 GiB on any device', () => {
  expect(fitOf(huge, { deviceGiB: 32 }, all)).toMatchObject({ fits: false, smaller: 'large' });
});
