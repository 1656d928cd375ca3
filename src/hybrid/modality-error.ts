/** Why a picture or a recording cannot be answered here, in words that say what would work. Pure. */
import { makeError, type DuanyunError } from '../core/errors.ts';
import type { RouteRefusal } from '../routing/types.ts';
import type { Perceived } from './perception.ts';

/** `undefined` where the refusal has another cause. */
export function modalityError(refusal: RouteRefusal, { unread, pictures }: Perceived): DuanyunError | undefined {
  const device = refusal.candidates.find(({ target }) => target === 'device');
  if (device === undefined || !device.violated.includes('modality')) return undefined;
  // Nobody could read it: what was in the way there is what the client has to know. How long its text is was only guessed.
  const [first] = unread;
  if (first !== undefined) return first.error;
  if (device.violated.length > 1) return undefined;
  const model = device.model ?? 'The model on this device';
  if (pictures.length > 0) {
    return makeError('unsupported_modality', {
      model,
      modality: 'pictures',
      advice:
        'Text in pictures is read for it, but this one holds none, or the question needs more than its text. ' +
        'Start the server with a model that sees, such as --model qwen3-vl-2b (duanyun pull qwen3-vl-2b).',
    });
  }
  return undefined;
}
