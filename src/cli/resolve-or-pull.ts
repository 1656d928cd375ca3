/** A model by its name, fetched where it is not here. */
import { DuanyunError } from '../core/errors.ts';
import type { InstalledModel, PullEvent } from '../core/model-store.ts';
import { isModelPath } from '../models/catalogue.ts';
import type { Store } from './application.ts';

/** What is installed is taken as it is, without a look at the network. Throws what `resolve` and `pull` throw. */
export async function resolveOrPull(
  store: Store,
  name: string,
  { signal, onPull }: { signal: AbortSignal; onPull: (event: PullEvent) => void },
): Promise<InstalledModel> {
  try {
    return await store.resolve(name);
  } catch (error) {
    const isMissing = error instanceof DuanyunError && error.code === 'model_not_found';
    if (!isMissing || isModelPath(name)) throw error;
  }
  for await (const event of store.pull(name, { signal })) onPull(event);
  return store.resolve(name);
}
