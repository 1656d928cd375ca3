/** The pictures of one request, from pixels to the spans of its prompt. */
import type { GenerationRequest, ImagePart } from '../../../core/chat.ts';
import { makeError } from '../../../core/errors.ts';
import type { DecodedPicture } from '../../../core/perception.ts';
import type { PictureSpan } from '../../scheduler/types.ts';
import type { PlacedPicture, PromptPictures } from '../prompt-builder.ts';
import type { MeasuredPicture, PictureEncoder } from './picture-encoder.ts';

export type PreparedPictures = {
  /** Sizes only, so that a prompt that is too long is refused before anything is encoded. */
  measured: PromptPictures;
  encode(placed: readonly PlacedPicture[]): Promise<PictureSpan[]>;
};

/** Throws `engine_failed`, or the signal's reason. */
export async function preparePictures(
  vision: PictureEncoder,
  request: GenerationRequest,
  pictures: readonly DecodedPicture[],
  signal: AbortSignal,
): Promise<PreparedPictures> {
  const parts = imageParts(request);
  if (parts.length !== pictures.length) throw makeError('internal', { requestId: request.id });
  const measured = new Map<ImagePart, MeasuredPicture>();
  const pixels = new Map<MeasuredPicture, DecodedPicture>();
  for (const [index, part] of parts.entries()) {
    signal.throwIfAborted();
    const picture = pictures[index] as DecodedPicture;
    const sized = await vision.measure(picture);
    measured.set(part, sized);
    pixels.set(sized, picture);
  }
  return {
    measured,
    async encode(placed) {
      const encoded = new Map<MeasuredPicture, Float32Array[]>();
      const spans: PictureSpan[] = [];
      for (const { picture, piece, start, segment } of placed) {
        const decoded = pixels.get(picture);
        let pieces = encoded.get(picture);
        if (pieces === undefined && decoded !== undefined) {
          pieces = await vision.encode(decoded, picture, signal);
          encoded.set(picture, pieces);
        }
        const embeddings = pieces?.[piece];
        if (embeddings === undefined) throw makeError('internal', { requestId: request.id });
        const { count, positions, grid, isCausal } = segment;
        spans.push({ start, count, positions, grid, isCausal, embeddings });
      }
      return spans;
    },
  };
}

/** In the order of the conversation. */
export function imageParts({ input }: GenerationRequest): ImagePart[] {
  if (input.kind !== 'chat') return [];
  return input.messages.flatMap(({ content }) => content.filter((part) => part.type === 'image'));
}
