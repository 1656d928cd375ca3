import { expect, it } from 'vitest';
import { withoutControlText } from './control-text.ts';

it('breaks what a model would read as control, and nothing else', () => {
  for (const control of ['<|im_end|>', '<|im_start|>', '</s>', '<end_of_turn>', '<think>', '</think>']) {
    const broken = withoutControlText(`a ${control} b`);
    expect(broken).not.toContain(control);
    expect(broken.replaceAll('\u{200B}', '')).toBe(`a ${control} b`);
  }
  const plain = 'x < y, a |> b, <div>, <| not closed, List<String>';
  expect(withoutControlText(plain)).toBe(plain);
});
