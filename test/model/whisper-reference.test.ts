/** The converted graphs against CTranslate2's Whisper on the same sound: `test/fixtures/audio/make_reference.py` wrote the numbers. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { projectRoot } from '../integration/duanyun-process.ts';
import { describeWithWeights } from '../support/weights.ts';

const folder = path.join(projectRoot, 'test', 'fixtures', 'audio');
const reference = JSON.parse(readFileSync(path.join(folder, 'encoder-reference.json'), 'utf8')) as {
  positions: number[];
  encoder: string;
  prompt: number[];
  tokens: number[];
  every: number;
  logits: string[];
};

function unpack(text: string): number[] {
  const bytes = Buffer.from(text, 'base64');
  return Array.from({ length: bytes.length / 4 }, (_, index) => bytes.readFloatLE(4 * index));
}

function cosine(left: readonly number[], right: readonly number[]): number {
  const dot = (a: readonly number[], b: readonly number[]): number =>
    a.reduce((sum, value, index) => sum + value * (b[index] ?? Number.NaN), 0);
  return dot(left, right) / Math.sqrt(dot(left, left) * dot(right, right));
}

await describeWithWeights('whisper-base', 'Whisper against its reference', (model) => {
  it('encoder and decoder give the same numbers, and the same words follow', () => {
    const { positions, prompt, tokens, every } = reference;
    const { weightsPath, paths = {}, derivedDirectory } = model;
    const files = { weightsPath, configurationPath: paths.configuration, derivedDirectory };
    const request = { files, sound: path.join(folder, 'librivox-0880.wav'), positions, prompt, tokens };
    const script = path.join(projectRoot, 'test', 'support', 'hear-reference.mjs');
    const output = execFileSync(process.execPath, [script, JSON.stringify(request)], { maxBuffer: 200_000_000 });
    const heard = JSON.parse(output.toString()) as { encoder: number[]; suppressed: number[]; logits: number[][] };
    expect(cosine(heard.encoder, unpack(reference.encoder))).toBeGreaterThanOrEqual(0.999);

    const suppressed = new Set(heard.suppressed);
    let compared = 0;
    heard.logits.forEach((row, step) => {
      const token = tokens[step] ?? 0;
      if (token < row.length) {
        let best = 0;
        row.forEach((logit, each) => {
          if (!suppressed.has(each) && logit > (row[best] ?? 0)) best = each;
        });
        expect(best).toBe(token);
      }
      // What may not be written has no number in the reference.
      const wanted = unpack(reference.logits[step] ?? '').slice(0, Math.floor(row.length / every));
      const places = wanted.flatMap((value, index) => (value > -1e30 ? [index] : []));
      if (places.length === 0) return;
      compared++;
      const pick = (from: readonly number[], stride: number): number[] =>
        places.map((index) => from[index * stride] ?? 0);
      expect(cosine(pick(row, every), pick(wanted, 1))).toBeGreaterThanOrEqual(0.999);
    });
    expect(compared).toBeGreaterThanOrEqual(5);
  }, 120_000);
});
