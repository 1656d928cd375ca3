/** The process that decodes pictures: what a hostile file does to a decoder ends here. */
import type { DecodedPicture } from '../../core/perception.ts';
import { serveWorker } from '../host/serve-worker.ts';
import { decodePicture, withoutMetadata, type DecodeOptions } from './decode-picture.ts';

export type PictureRequest = { bytes: Uint8Array } & (
  | ({ kind: 'decode' } & DecodeOptions)
  | ({ kind: 'clean'; lossless: boolean } & DecodeOptions)
);
export type PictureResult = DecodedPicture | { bytes: Uint8Array; mediaType: string };

serveWorker<object, object, PictureRequest, PictureResult>({
  async load() {
    return {};
  },
  call(request) {
    return request.kind === 'decode' ? decodePicture(request.bytes, request) : withoutMetadata(request.bytes, request);
  },
});
