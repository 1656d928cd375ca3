import { describe, it } from 'vitest';
import type { InstalledModel } from '../../src/core/model-store.ts';
import { obtainWeights, type TestModel } from './obtain-weights.ts';

export { obtainWeights, type TestModel, type Weights } from './obtain-weights.ts';

/**
 * `describe` for tests that need a model; call it with `await` at the top of the file. Without the model the whole block
 * is one skipped test that carries the reason.
 */
export async function describeWithWeights(
  id: TestModel,
  name: string,
  body: (model: InstalledModel, home: string) => void,
): Promise<void> {
  const weights = await obtainWeights(id);
  if ('missing' in weights) it(name, ({ skip }) => skip(weights.missing));
  else describe(name, () => body(weights.model, weights.home));
}
