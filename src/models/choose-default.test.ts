import { describe, expect, it } from 'vitest';
import { loadCatalogue } from './catalogue.ts';
import { chooseDefault, type DefaultFacts } from './choose-default.ts';

const facts = (over: Partial<DefaultFacts>): DefaultFacts => ({
  catalogue: loadCatalogue(),
  installed: [],
  freeMemoryBytes: 16e9,
  onHub: [],
  packageIndexReachable: false,
  ...over,
});
const hub = ['qwen3-vl-2b', 'qwen3.5-0.8b', 'smolvlm-256m'];

describe('the default model', () => {
  it.each<[string, Partial<DefaultFacts>, string]>([
    ['a hub answers', { onHub: hub, packageIndexReachable: true }, 'qwen3-vl-2b'],
    ['a hub answers, less memory', { onHub: hub, freeMemoryBytes: 2.5e9 }, 'qwen3.5-0.8b'],
    ['a hub answers, little memory', { onHub: hub, freeMemoryBytes: 1e9 }, 'smolvlm-256m'],
    ['the hub lacks the first', { onHub: ['qwen3.5-0.8b'] }, 'qwen3.5-0.8b'],
    ['only the package index', { packageIndexReachable: true }, 'qwen2.5-coder-1.5b'],
    ['only the package index, 3 GB', { packageIndexReachable: true, freeMemoryBytes: 3e9 }, 'qwen2.5-coder-1.5b'],
    ['only the package index, less', { packageIndexReachable: true, freeMemoryBytes: 2.99e9 }, 'qwen2.5-coder-0.5b'],
    ['nothing but what is here', { installed: ['smollm2-135m', 'qwen2.5-coder-0.5b'] }, 'qwen2.5-coder-0.5b'],
    ['one not in the lists is here', { installed: ['smollm2-135m', 'qwen3-4b'] }, 'qwen3-4b'],
    ['chosen before', { installed: ['smollm2-135m'], remembered: 'smollm2-135m', onHub: hub }, 'smollm2-135m'],
    ['chosen before and gone', { remembered: 'smollm2-135m', onHub: hub }, 'qwen3-vl-2b'],
  ])('%s', (_, over, id) => {
    const [first] = chooseDefault(facts(over));
    expect(first?.id).toBe(id);
    expect(first?.reason).toContain(id);
  });

  it('says why', () => {
    expect(chooseDefault(facts({ packageIndexReachable: true, freeMemoryBytes: 4 * 1024 ** 3 }))[0]?.reason).toBe(
      '4096 MiB of memory are free and no model hub is reachable, so qwen2.5-coder-1.5b is taken from the Python package index.',
    );
  });

  it('names what to try next when the first cannot be fetched', () => {
    const choices = chooseDefault(facts({ onHub: hub, packageIndexReachable: true, installed: ['smollm2-135m'] }));
    expect(choices.map(({ id }) => id)).toEqual([...hub, 'qwen2.5-coder-1.5b', 'qwen2.5-coder-0.5b', 'smollm2-135m']);
  });

  it('is none where nothing fits or nothing can be had', () => {
    expect(chooseDefault(facts({}))).toEqual([]);
    expect(
      chooseDefault(facts({ packageIndexReachable: true, freeMemoryBytes: 1e8, installed: ['qwen3-4b'] })),
    ).toEqual([]);
  });
});
