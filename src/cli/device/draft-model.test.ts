import { describe, expect, it, vi } from 'vitest';
import type { ModelEntry } from '../../core/catalogue.ts';
import type { InstalledModel } from '../../core/model-store.ts';
import { makeError } from '../../core/errors.ts';
import { loadCatalogue } from '../../models/catalogue.ts';
import type { GgufHeader } from '../../models/gguf.ts';
import { chooseDraftModel } from './draft-model.ts';

function modelOf(entry: Partial<ModelEntry>): InstalledModel {
  const weightsPath = `/${entry.id}.gguf`;
  return { entry: entry as ModelEntry, weightsPath, sizeBytes: 1, source: 'sha256:0' };
}

const header = {} as GgufHeader;
const paired = modelOf({ id: 'large', draftModel: 'small' });

function choose(model: InstalledModel, speculation: 'auto' | 'draft' | 'off', draftModel = 'auto') {
  const onNote = vi.fn<(note: string) => void>();
  const find = vi.fn<(name: string) => Promise<InstalledModel>>((name) => Promise.resolve(modelOf({ id: name })));
  const parts = { config: { speculation, draftModel }, find, onNote, readHeader: () => Promise.resolve(header) };
  return { chosen: chooseDraftModel(model, parts), onNote, find };
}

describe('chooseDraftModel', () => {
  it('takes the one of the catalogue, or the one that is named', async () => {
    expect((await choose(paired, 'draft').chosen)?.model.entry.id).toBe('small');
    expect((await choose(paired, 'draft', 'other').chosen)?.model.entry.id).toBe('other');
  });

  it('fetches nothing where no drafts of a model are wanted', async () => {
    for (const mode of ['auto', 'off'] as const) {
      const { chosen, find, onNote } = choose(paired, mode);
      expect(await chosen).toBeUndefined();
      expect(find).not.toHaveBeenCalled();
      expect(onNote).not.toHaveBeenCalled();
    }
  });

  it('says what the user asked for and does not get', async () => {
    const alone = choose(modelOf({ id: 'alone' }), 'draft');
    expect(await alone.chosen).toBeUndefined();
    expect(alone.onNote).toHaveBeenCalledWith(expect.stringContaining('--draft-model'));
    const unused = choose(paired, 'auto', 'small');
    expect(await unused.chosen).toBeUndefined();
    expect(unused.onNote).toHaveBeenCalledWith(expect.stringContaining('--speculation draft'));
  });

  it('ends with the reason where the draft model cannot be had', async () => {
    const find = () => Promise.reject(makeError('offline', { file: 'small' }));
    const config = { speculation: 'draft', draftModel: 'auto' } as const;
    const chosen = chooseDraftModel(paired, { config, find, onNote() {}, readHeader: () => Promise.resolve(header) });
    await expect(chosen).rejects.toMatchObject({ code: 'offline' });
  });

  it('pairs models of the catalogue with smaller ones that are there', () => {
    const { models } = loadCatalogue();
    const pairs = models.filter(({ draftModel }) => draftModel !== undefined);
    expect(pairs.map(({ id }) => id)).toContain('qwen2.5-coder-1.5b');
    for (const { id, draftModel, parameters } of pairs) {
      const draft = models.find((model) => model.id === draftModel);
      expect(draft?.parameters, id).toBeLessThan(parameters / 2);
    }
  });
});
