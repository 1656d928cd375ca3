import { describe, expect, it } from 'vitest';
import { findNativeFolder, loadNative } from './library.ts';
import { contextParamsDefaults, differingFields } from './structs.ts';

describe('the native library', () => {
  it('has the struct layouts this code was written for', () => {
    expect(() => loadNative()).not.toThrow();
  });

  it('names the platform it does not support', () => {
    expect(() => findNativeFolder('plan9', 'mips')).toThrow(/plan9-mips/);
  });

  it('notices a shifted struct', () => {
    expect(differingFields({ ...contextParamsDefaults, n_batch: 512 }, contextParamsDefaults)).toEqual([
      'n_batch is 512, expected 2048',
    ]);
  });
});
