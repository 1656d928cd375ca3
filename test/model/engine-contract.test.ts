import { describe, expect } from 'vitest';
import { runBackendContract } from '../contract/backend-contract.ts';
import { startEngine } from '../support/engine.ts';
import { describeWithWeights } from '../support/weights.ts';

await describeWithWeights('smollm2-135m', 'the engine with SmolLM2', (model) => {
  describe('keeps the promises of a backend', () => {
    runBackendContract({
      newBackend: () => startEngine(model),
      model: model.entry.id,
      // Batches of another size round otherwise, so a greedy answer may differ in its later words.
      expectOwnAnswer: (_, text) => expect(text.trim()).not.toBe(''),
    });
  });
});
