/**
 * SenseVoice by its own command and server, beside Whisper: fetched from a hub, taken for Chinese, loaded and unloaded. The weights
 * are random (`test/fixtures/sense-voice`): which words come out means nothing, which model was asked does.
 */
import { mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DuanyunServer, projectRoot, runDuanyun } from '../integration/duanyun-process.ts';
import { StandInHub } from '../integration/models/stand-in-hub.ts';
import { makeFlacBomb } from '../support/flac-bomb.ts';
import { makeWave } from '../support/make-wave.ts';
import { describeWithWeights, obtainWeights } from '../support/weights.ts';

const fixtures = path.join(projectRoot, 'test', 'fixtures');
const sentence = readFileSync(path.join(fixtures, 'audio', 'librivox-0880.ogg'));
const patience = 120_000;
const language = await obtainWeights('smollm2-135m');

await describeWithWeights('whisper-base', 'SenseVoice', ({ paths = {} }, shared) => {
  let hub: StandInHub;
  const homes = { alone: '', beside: '' };
  const variables = (home: string): Record<string, string> => ({
    DUANYUN_HOME: home,
    DUANYUN_HF_ENDPOINT: hub.endpoint,
    PIP_INDEX_URL: hub.index,
  });

  beforeAll(async () => {
    hub = await StandInHub.start();
    hub.addFile('model.int8.onnx', readFileSync(path.join(fixtures, 'sense-voice', 'model.onnx')));
    hub.addGitFile('tokens.txt', readFileSync(path.join(fixtures, 'sense-voice', 'tokens.txt')));
    for (const kind of ['alone', 'beside'] as const) {
      homes[kind] = mkdtempSync(path.join(os.tmpdir(), 'duanyun-sense-voice-'));
      mkdirSync(path.join(homes[kind], 'blobs', 'sha256'), { recursive: true });
      mkdirSync(path.join(homes[kind], 'models'));
      // The voice detector is the same file for both; of the others only what this home has.
      link(homes[kind], paths['voice-activity']);
    }
    mkdirSync(path.join(homes.beside, 'derived'));
    for (const file of Object.values(paths)) link(homes.beside, file);
    copyManifest(shared, homes.beside, 'whisper-base');
    symlinkSync(path.join(shared, 'derived', 'whisper-base'), path.join(homes.beside, 'derived', 'whisper-base'));
    if ('model' in language) {
      link(homes.beside, language.model.weightsPath);
      copyManifest(shared, homes.beside, 'smollm2-135m');
    }
    for (const home of Object.values(homes)) {
      const pulled = await runDuanyun(['pull', 'sensevoice-small'], { environment: variables(home) });
      expect(pulled).toMatchObject({ code: 0 });
    }
  }, patience);
  afterAll(() => hub.stop());

  async function transcribe(home: string, ...args: string[]) {
    const file = path.join(fixtures, 'audio', 'librivox-0880.ogg');
    const ran = await runDuanyun(['transcribe', file, '--threads', '1', ...args], { environment: variables(home) });
    return { ...ran, json: args.includes('json') && ran.code === 0 ? (JSON.parse(ran.stdout) as Verbose) : undefined };
  }
  type Verbose = {
    language: string;
    duration: number;
    text: string;
    segments: { start: number; end: number; text: string }[];
    words: { word: string; start: number; end: number }[];
  };

  it(
    'alone: text, language, sentences and words with their times',
    async () => {
      const { json, stderr } = await transcribe(homes.alone, '--format', 'json', '--words');
      expect(stderr).not.toContain('whisper');
      // The stand-in says of everything that it is English.
      expect(json).toMatchObject({ language: 'english' });
      expect(json?.duration).toBeCloseTo(3, 0);
      expect(json?.text).toMatch(/[\u4e00-\u9fff]/);
      expect(json?.text).not.toContain('<|');
      const words = json?.words ?? [];
      expect(words.length).toBeGreaterThan(5);
      expect(words.map(({ word }) => word).join('')).toBe(json?.text.replaceAll(' ', ''));
      words.forEach(({ start, end }, index) => {
        expect(end).toBeGreaterThanOrEqual(start);
        expect(start).toBeGreaterThanOrEqual(words[index - 1]?.start ?? 0);
        expect(end).toBeLessThanOrEqual(3.1);
      });
      for (const { start, end } of json?.segments ?? []) expect(end).toBeGreaterThanOrEqual(start);
    },
    patience,
  );

  it(
    'alone: what only Whisper can is refused, and says what to fetch',
    async () => {
      const translated = await transcribe(homes.alone, '--translate');
      expect(translated.code).toBe(1);
      expect(translated.stderr).toContain('duanyun pull whisper-base');
      const french = await transcribe(homes.alone, '--language', 'fr');
      expect(french.code).toBe(1);
      expect(french.stderr).toContain('The language fr is not one that the speech model knows.');
    },
    patience,
  );

  describe.skipIf('missing' in language)('beside Whisper, on a server', () => {
    let server: DuanyunServer;
    let url = '';
    beforeAll(async () => {
      const flags = ['--model', 'smollm2-135m', '--max-audio-minutes', '2'];
      server = new DuanyunServer(flags, variables(homes.beside));
      url = await server.ready();
    }, patience);
    afterAll(async () => {
      await server.stop();
    });
    async function ask(file: Buffer, fields: Record<string, string> = {}, route = 'transcriptions') {
      const form = new FormData();
      form.set('file', new Blob([new Uint8Array(file)]), 'sound');
      form.set('response_format', 'verbose_json');
      for (const [name, value] of Object.entries(fields)) form.set(name, value);
      const response = await fetch(`${url}/v1/audio/${route}`, { method: 'POST', body: form });
      return { status: response.status, ...((await response.json()) as { text: string; error?: { code: string } }) };
    }
    /** Whisper writes what was said; the stand-in writes anything else. */
    const said = /^He was not an ill.disposed young man\.?$/;

    it(
      'Chinese goes to SenseVoice, everything else to Whisper',
      async () => {
        expect((await ask(sentence)).text).toMatch(said);
        expect((await ask(sentence, { language: 'en' })).text).toMatch(said);
        const chinese = await ask(sentence, { language: 'zh' });
        expect(chinese).toMatchObject({ status: 200, language: 'chinese' });
        expect(chinese.text).toMatch(/[\u4e00-\u9fff]/);
        expect((await ask(sentence, { language: 'zh' }, 'translations')).text).toMatch(/young man/);
        const modules = (await (await fetch(`${url}/v1/modules`)).json()) as {
          data: { name: string; model: string; required_bytes: number }[];
        };
        const speech = modules.data.find(({ name }) => name === 'speech');
        expect(speech?.model).toBe('whisper-base + sensevoice-small');
        // Both are loaded, and both are counted.
        expect(speech?.required_bytes).toBe((800 + 520) * 1024 ** 2);
      },
      patience,
    );

    it(
      'silence is empty, what is no sound and what is too long is refused',
      async () => {
        const chinese = { language: 'zh' };
        expect(await ask(makeWave(new Float32Array(32_000)), chinese)).toMatchObject({ status: 200, text: '' });
        expect(await ask(Buffer.from('Dear Sir or Madam'), chinese)).toMatchObject({ status: 400 });
        expect(await ask(makeFlacBomb(10), chinese)).toMatchObject({
          status: 413,
          error: { code: 'audio_too_long' },
        });
      },
      patience,
    );
  });
});

/** A file of another home's store in this one. */
function link(home: string, file: string | undefined): void {
  if (file === undefined) return;
  const target = path.join(home, 'blobs', 'sha256', path.basename(file));
  try {
    symlinkSync(file, target);
  } catch (error) {
    if ((error as { code?: string }).code !== 'EEXIST') throw error;
  }
}

function copyManifest(from: string, to: string, id: string): void {
  writeFileSync(path.join(to, 'models', `${id}.json`), readFileSync(path.join(from, 'models', `${id}.json`)));
}
