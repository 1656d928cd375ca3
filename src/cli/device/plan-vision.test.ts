import { describe, expect, it } from 'vitest';
import { readGgufHeader } from '../../models/gguf.ts';
import { visionFiles } from '../../../test/support/vision.ts';
import { planVision } from './plan-vision.ts';

describe('the plan for a projector', () => {
  it.each([
    ['glm4v', 28 * 28],
    ['qwen3vl', 32 * 32],
    ['smolvlm', 32 * 32],
  ] as const)('reads the size of a token from the header: %s', async (family, pixels) => {
    const plan = planVision(await readGgufHeader(visionFiles(family).projectorPath));
    expect(plan.pixelsPerToken).toBe(pixels);
    expect(plan.neededBytes).toBeGreaterThan(100_000);
    expect(plan.neededBytes).toBeLessThan(20_000_000);
  });

  it('refuses a language model', async () => {
    const header = await readGgufHeader(visionFiles('glm4v').weightsPath);
    expect(() => planVision(header)).toThrow(
      expect.objectContaining({ code: 'model_file_invalid', message: expect.stringContaining('glm4') as string }),
    );
  });
});
