import { describe, expect, it } from 'vitest';
import { personaFor } from '../core/persona.ts';
import { findModel, loadCatalogue } from './catalogue.ts';

const catalogue = loadCatalogue();

describe('the catalogue', () => {
  it('finds a model by id and alias, whatever the case', () => {
    expect(findModel(catalogue, 'qwen2.5-coder-1.5b').id).toBe('qwen2.5-coder-1.5b');
    expect(findModel(catalogue, 'Qwen2.5-Coder-1.5B-Instruct').id).toBe('qwen2.5-coder-1.5b');
  });

  it('answers an unknown name with those there are', () => {
    expect(() => findModel(catalogue, 'gpt-9')).toThrow(/There is no model gpt-9. Available: .*smollm2-135m/);
    expect(() => findModel(catalogue, 'x'.repeat(5000))).toThrow(/^There is no model x{100}…/);
  });

  it.each(catalogue.models.map((model) => [model.id, model] as const))(
    '%s can be fetched and fits its files',
    (_, model) => {
      const weights = model.files.filter(({ role }) => role === 'weights');
      expect(weights).toHaveLength(1);
      const bytes = model.files.reduce((sum, { sizeBytes = 0 }) => sum + sizeBytes, 0);
      expect(model.memoryBytes).toBeGreaterThan(bytes);
      expect(model.modalities.includes('image')).toBe(model.files.some(({ role }) => role === 'projector'));
      for (const { sources, sha256 } of model.files) {
        expect(sources.length).toBeGreaterThan(0);
        // Without a known hash only a hub can state one.
        if (sha256 === undefined) expect(sources.some(({ kind }) => kind === 'huggingface')).toBe(true);
      }
      if (model.verified)
        expect(weights[0]).toMatchObject({ sha256: expect.any(String), sizeBytes: expect.any(Number) });
    },
  );

  it('every persona names the model that really runs', () => {
    for (const { persona } of catalogue.models) {
      const texts = typeof persona === 'object' ? Object.values(persona) : [persona ?? '{model}'];
      for (const text of texts) expect(text).toContain('{model}');
    }
    expect(personaFor(findModel(catalogue, 'autoglm-phone-9b'), '你是谁？')).toContain('我是 AutoGLM-Phone-9B');
  });

  it('refuses a catalogue with a mistake and names the place', () => {
    const copy = structuredClone(catalogue) as { models: Record<string, unknown>[] };
    copy.models[0]!['contextTokens'] = '8k';
    expect(() => loadCatalogue(copy)).toThrow(/models\.0\.contextTokens/);
    const twice = { ...catalogue, models: [...catalogue.models, catalogue.models[0]] };
    expect(() => loadCatalogue(twice)).toThrow(/is taken/);
  });

  it('refuses sources that point out of their repository', () => {
    const copy = structuredClone(catalogue);
    copy.models[0]!.files[0]!.sources = [{ kind: 'huggingface', repo: 'a/b', revision: 'c', path: '../../etc/passwd' }];
    expect(() => loadCatalogue(copy)).toThrow(/sources/);
  });
});
