import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readSenseVoiceShape } from '../../../../models/sense-voice/sense-voice-file.ts';
import { filterBankOf } from './filter-bank.ts';
import { SenseVoiceModel } from './sense-voice-model.ts';
import { TokenTable } from './token-table.ts';

const fixtures = new URL('../../../../../test/fixtures/', import.meta.url);
const file = (name: string): string => fileURLToPath(new URL(name, fixtures));
const weights = file('sense-voice/model.onnx');
const tokens = file('sense-voice/tokens.txt');
/** What kaldi-native-fbank and sherpa-onnx make of the same sound and the same stand-in; `make_stand_in.py` wrote it. */
const reference = JSON.parse(readFileSync(file('sense-voice/reference.json'), 'utf8')) as {
  frames: number;
  rows: { frame: number; values: number[] }[];
  answers: { language: string; withNumbers: boolean; heard: string[]; tokens: string[]; seconds: number[] }[];
};
const wave = readFileSync(file('audio/librivox-0880.wav'));
const start = wave.indexOf('data') + 8;
const samples = Float32Array.from(
  { length: (wave.length - start) >> 1 },
  (_, index) => wave.readInt16LE(start + 2 * index) / 32_768,
);

describe('the filter bank', () => {
  const bank = filterBankOf(samples.map((each) => each * 32_768));
  it('has as many frames as Kaldi', () => {
    expect(bank).toHaveLength(80 * reference.frames);
  });
  it.each(reference.rows)('frame $frame is as Kaldi counts it', ({ frame, values }) => {
    values.forEach((expected, band) => {
      expect(Math.abs((bank[frame * 80 + band] ?? 0) - expected)).toBeLessThan(0.002);
    });
  });
  it('silence and too little sound do no harm', () => {
    expect(filterBankOf(new Float32Array(399))).toHaveLength(0);
    expect(filterBankOf(new Float32Array(400)).every((each) => Number.isFinite(each))).toBe(true);
  });
});

describe('SenseVoice with random weights', () => {
  let model: SenseVoiceModel;
  beforeAll(async () => {
    model = await SenseVoiceModel.open(weights, tokens, { threads: 1 });
  });
  afterAll(() => model.dispose());

  it.each(reference.answers.filter(({ withNumbers }) => withNumbers))(
    'language $language: the tokens, times and marks that sherpa-onnx finds',
    async ({ language, heard, tokens: expected, seconds }) => {
      const found = await model.hear(samples, language === 'auto' ? undefined : language);
      expect([found.language, found.emotion, found.event].map((each) => `<|${each}|>`)).toEqual(heard);
      // Marks inside the text are no text; sherpa-onnx lets them stand.
      const text = expected.flatMap((piece, index) =>
        piece.startsWith('<|') ? [] : [{ piece, seconds: seconds[index] }],
      );
      const mine = found.tokens.map(({ token, seconds: at }) => ({
        piece: model.tokens.decode([token]),
        seconds: Number(at.toFixed(3)),
      }));
      expect(mine).toEqual(text);
      expect(text.length).toBeGreaterThan(20);
      expect(found.languageProbability).toBeGreaterThan(0.9);
      for (const { logprob } of found.tokens) expect(logprob).toBeLessThanOrEqual(0);
    },
  );

  it('hears a moment, and nothing', async () => {
    for (const length of [0, 10, 2_000])
      expect((await model.hear(new Float32Array(length))).tokens).toEqual(expect.any(Array));
  });

  it('tells what it is from the file itself', async () => {
    const shape = await readSenseVoiceShape(weights);
    expect(shape).toMatchObject({
      vocabulary: 72,
      window: 7,
      shift: 6,
      normalised: false,
      asWritten: 14,
      asSpoken: 15,
    });
    expect(shape.negativeMean).toHaveLength(560);
    expect([...shape.languages]).toContainEqual(['yue', 7]);
  });
});

describe('files that are no SenseVoice', () => {
  it.each(['audio/tone.mp3', 'sense-voice/tokens.txt', 'speaker/reference.json'])('%s', async (name) => {
    await expect(readSenseVoiceShape(file(name))).rejects.toMatchObject({ code: 'model_file_invalid' });
  });
  it('a table with another number of tokens', async () => {
    await expect(TokenTable.read(tokens, 71)).rejects.toMatchObject({ code: 'model_file_invalid' });
    expect(() => new TokenTable('a 0\nc 2\n', 3)).toThrow(/tokens/);
  });
});

it('bytes become characters, a word starts with its space, marks and unknown tokens are left out', () => {
  const table = new TokenTable('<unk> 0\n▁he 1\nllo 2\n<0xE4> 3\n<0xBD> 4\n<0xA0> 5\n<|BGM|> 6\n  7\n', 8);
  expect(table.decode([1, 2, 3, 4, 5, 6, 0])).toBe(' hello你');
  expect([1, 2, 6].map((token) => table.startsWord(token))).toEqual([true, false, false]);
  expect(table.mark(6)).toBe('BGM');
});
