/** Which smaller model guesses for a model, if any. */
import type { InstalledModel } from '../../core/model-store.ts';
import type { Config } from '../../config/load-config.ts';
import type { GgufHeader } from '../../models/gguf.ts';

export type DraftModel = { model: InstalledModel; header: GgufHeader };

export type DraftModelParts = {
  config: Pick<Config, 'speculation' | 'draftModel'>;
  /** Finds a model by its name, or fetches it. */
  find: (name: string) => Promise<InstalledModel>;
  readHeader: (path: string) => Promise<GgufHeader>;
  /** What the user asked for and does not get. */
  onNote: (note: string) => void;
};

/** `undefined` where none is wanted, or the catalogue pairs none with this model. Throws what `find` throws. */
export async function chooseDraftModel(model: InstalledModel, parts: DraftModelParts): Promise<DraftModel | undefined> {
  const { config, find, readHeader, onNote } = parts;
  if (config.speculation !== 'draft') {
    if (config.draftModel !== 'auto') onNote('the draft model is of no use without --speculation draft');
    return undefined;
  }
  const name = config.draftModel === 'auto' ? model.entry.draftModel : config.draftModel;
  if (name === undefined) {
    onNote(
      'the catalogue names no draft model for this one: guesses come from the text alone (--draft-model names one)',
    );
    return undefined;
  }
  const draft = await find(name);
  return { model: draft, header: await readHeader(draft.weightsPath) };
}
