import { describe, expect, it } from 'vitest';
import { candidateRecipes, formatsOf, type Recipe } from './recipe.ts';

const tensor = (name: string, type: string, columns = 512) => ({
  name,
  type,
  shape: [columns, 64],
  offset: 0,
  sizeBytes: 1,
});
const header = (...tensors: ReturnType<typeof tensor>[]) => ({
  architecture: 'qwen2',
  metadata: new Map([['qwen2.block_count', 3]]),
  tensors,
});
const recipe = (rules: Recipe['rules']): Recipe => ({ id: 'x', rules });
const find = (id: string, of: ReturnType<typeof header>) => candidateRecipes(of).find((each) => each.id === id)!;

describe('formatsOf', () => {
  it('takes the first rule that matches, and leaves norms, biases and what no rule names', () => {
    const tensors = [
      tensor('blk.0.attn_q.weight', 'Q5_0'),
      tensor('blk.0.ffn_up.weight', 'Q5_0'),
      { ...tensor('blk.0.attn_norm.weight', 'F32'), shape: [512] },
      tensor('output.weight', 'Q6_K'),
    ];
    const rules = [
      { tensors: 'attn_', format: 'q8_0' as const },
      { tensors: '^blk', format: 'iq4_nl' as const },
    ];
    expect([...formatsOf(recipe(rules), { tensors })]).toEqual([
      ['blk.0.attn_q.weight', 'q8_0'],
      ['blk.0.ffn_up.weight', 'iq4_nl'],
    ]);
  });

  it('never rounds again what was published in a fast format', () => {
    const rules = [{ tensors: '.', format: 'q8_0' as const }];
    const tensors = ['Q4_K', 'Q4_0', 'IQ4_NL', 'Q8_0'].map((type, index) => tensor(`blk.${index}.ffn_up.weight`, type));
    expect(formatsOf(recipe(rules), { tensors }).size).toBe(0);
  });

  it('gives rows that do not fit a format another one, and rows that fit none none', () => {
    const rules = [{ tensors: '.', format: 'q4_k' as const }];
    const tensors = [tensor('a.weight', 'Q6_K', 512), tensor('b.weight', 'Q5_0', 96), tensor('c.weight', 'F16', 40)];
    expect([...formatsOf(recipe(rules), { tensors })]).toEqual([
      ['a.weight', 'q4_k'],
      ['b.weight', 'iq4_nl'],
    ]);
  });
});

describe('candidateRecipes', () => {
  const layers = [0, 1, 2].flatMap((layer) => [tensor(`blk.${layer}.ffn_up.weight`, 'Q5_0')]);

  it('keeps the first and last layers in 8 bits where the name says so', () => {
    const formats = formatsOf(find('iq4_nl-attn-down-q8_0-edges-1', header(...layers)), { tensors: layers });
    expect([...formats.values()]).toEqual(['q8_0', 'iq4_nl', 'q8_0']);
  });

  it('mixes ffn_down by layer, and gives the output matrix 4 bits where the name says so', () => {
    const tensors = [...Array(16).keys()].map((layer) => tensor(`blk.${layer}.ffn_down.weight`, 'Q6_K'));
    tensors.push(tensor('output.weight', 'Q8_0'));
    const of = { ...header(...tensors), metadata: new Map([['qwen2.block_count', 16]]) };
    const formats = formatsOf(find('iq4_nl-attn-q8_0-down-mixed-output-edges-2', of), of);
    const exact = [...formats].filter(([, format]) => format === 'q8_0').map(([name]) => Number(name.split('.')[1]));
    expect(exact).toEqual([0, 1, 4, 7, 10, 13, 14, 15]);
    expect(formats.get('blk.2.ffn_down.weight')).toBe('q4_k');
    expect(formats.get('output.weight')).toBe('q4_k');
  });

  it('takes the embedding table for the output matrix only where there is no other', () => {
    const tied = [tensor('token_embd.weight', 'Q8_0')];
    const untied = [tensor('token_embd.weight', 'Q6_K'), tensor('output.weight', 'Q6_K')];
    const formats = (of: typeof tied) =>
      [...formatsOf(find('iq4_nl-attn-down-q8_0-output', header(...of)), { tensors: of }).keys()].join(' ');
    expect(formats(untied)).toBe('output.weight');
    expect(formats(tied)).toBe('token_embd.weight');
  });
});
