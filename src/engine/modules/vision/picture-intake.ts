/** In the server's process: takes the picture files out of a request and hands their pixels on. */
import type { ContentPart, GenerationRequest, ImagePart } from '../../../core/chat.ts';
import { makeError } from '../../../core/errors.ts';
import type { DecodedPicture, PictureDecoder } from '../../../core/perception.ts';
import type { EngineOptions } from '../../host/messages.ts';
import { imageParts } from './prepare-pictures.ts';

/** Tokens of one picture by the request's `detail`; models with tiles of a fixed size take what they take. */
const mostTokens = { low: 256, auto: 1_280, high: 4_096 } as const satisfies Record<ImagePart['detail'], number>;
/** One picture may not fill more of the context than this, so that question and answer have room. */
const mostOfContext = 0.5;
const usualPixelsPerToken = 28 * 28;

export class PictureIntake {
  readonly #engine: EngineOptions;
  readonly #decoder: PictureDecoder | undefined;

  constructor(engine: EngineOptions, decoder: PictureDecoder | undefined) {
    this.#engine = engine;
    this.#decoder = decoder;
  }

  get canRead(): boolean {
    return this.#engine.projectorPath !== undefined && this.#decoder !== undefined;
  }

  /** Throws `unsupported_modality`, `image_invalid`, `image_too_large`. */
  async take(
    request: GenerationRequest,
    signal: AbortSignal,
  ): Promise<{ stripped: GenerationRequest; pictures: DecodedPicture[] }> {
    const parts = imageParts(request);
    if (parts.length === 0) return { stripped: request, pictures: [] };
    const decoder = this.#decoder;
    if (decoder === undefined || !this.canRead) throw this.#unsupported();
    const pictures: DecodedPicture[] = [];
    // One after another: a decoded picture is large.
    for (const { source, detail } of parts) {
      if (source.kind === 'url') {
        const reason = 'The picture at that address was not fetched.';
        throw makeError('invalid_request', { reason }, { param: 'messages' });
      }
      pictures.push(await decoder.decode(source.bytes, { signal, maxPixels: this.#maxPixels(detail, parts.length) }));
    }
    return { stripped: withoutBytes(request), pictures };
  }

  #maxPixels(detail: ImagePart['detail'], count: number): number {
    const { contextTokens, pixelsPerPictureToken = usualPixelsPerToken } = this.#engine;
    const fitting = Math.floor((contextTokens * mostOfContext) / Math.max(1, Math.min(count, 4)));
    return Math.max(64, Math.min(mostTokens[detail], fitting)) * pixelsPerPictureToken;
  }

  #unsupported(): Error {
    const { id } = this.#engine.entry;
    const advice =
      'Run a model that does, for example `duanyun serve --model qwen3-vl-2b`, or give its projector with --projector.';
    return makeError('unsupported_modality', { model: id, modality: 'pictures', advice }, { param: 'messages' });
  }
}

/** The engine process gets pixels; the files would only cross the border for nothing. */
function withoutBytes(request: GenerationRequest): GenerationRequest {
  const { input } = request;
  if (input.kind !== 'chat') return request;
  const strip = (part: ContentPart): ContentPart =>
    part.type === 'image' ? { ...part, source: { kind: 'bytes', bytes: new Uint8Array(), mediaType: '' } } : part;
  const messages = input.messages.map((message) => ({ ...message, content: message.content.map(strip) }));
  return { ...request, input: { ...input, messages } };
}
