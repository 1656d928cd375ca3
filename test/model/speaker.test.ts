/** The converted speaker encoder against the reference implementation on the same sound. */
import { mkdtempSync, readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import { float32Tensor, openOnnxSession } from '../../src/engine/native/onnx-session.ts';
import { convertSpeakerModel, embeddingSize, speakerSamples } from '../../src/models/speaker/convert-speaker.ts';
import { describeWithWeights } from '../support/weights.ts';

/** A humming noise, the same on every machine. */
function sound(): Float32Array {
  let state = 1;
  return Float32Array.from({ length: speakerSamples }, (_, at) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state / 2 ** 31 - 1) * 0.05 * Math.sin(at / 50) * (1 + Math.sin(at / 4000));
  });
}

await describeWithWeights('resemblyzer', 'the speaker encoder', (model) => {
  it('gives the vector of the reference implementation', async () => {
    const file = path.join(mkdtempSync(path.join(os.tmpdir(), 'duanyun-speaker-')), 'speaker.onnx');
    await convertSpeakerModel(model.weightsPath, file);
    const session = await openOnnxSession(file, { threads: 1 });
    const results = await session.run({ sound: float32Tensor(sound(), [1, 1, speakerSamples]) });
    await session.dispose();
    const { embedding } = JSON.parse(
      readFileSync(new URL('../fixtures/speaker/reference.json', import.meta.url), 'utf8'),
    ) as { embedding: number[] };
    const vector = results['embedding']?.data as Float32Array;
    expect(vector).toHaveLength(embeddingSize);
    const largest = Math.max(...embedding.map((value, at) => Math.abs(value - (vector[at] ?? Number.NaN))));
    expect(largest).toBeLessThan(1e-5);
  });
});
