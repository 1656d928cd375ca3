/** The tiny models that read pictures, and pictures for them, as `test/fixtures/vision/generate` makes them. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ContentPart } from '../../src/core/chat.ts';
import type { InstalledModel } from '../../src/core/model-store.ts';
import type { DecodedPicture, PictureDecoder } from '../../src/core/perception.ts';
import { readGgufHeader } from '../../src/models/gguf.ts';
import { describeOwnModel } from '../../src/models/own-model.ts';

export type VisionFamily = 'glm4v' | 'qwen3vl' | 'smolvlm';
export type PictureKind = 'waves' | 'checks';
type ReferencePart =
  | { type: 'text'; text: string }
  | { type: 'image'; kind: PictureKind; width: number; height: number };

/** What the reference implementation answers. */
export type Reference = {
  family: VisionFamily;
  vocabulary: number;
  /** Ids of marks and ends. */
  control: number[];
  prompts: {
    name: string;
    content: ReferencePart[];
    promptTokens: number;
    greedy: number[];
    /** Log probabilities of the whole vocabulary for the first and the last token: base64 of little-endian f32. */
    first: string;
    last: string;
  }[];
};

const file = (name: string): string => fileURLToPath(new URL(`../fixtures/vision/${name}`, import.meta.url));

export function visionFiles(family: VisionFamily): { weightsPath: string; projectorPath: string } {
  return { weightsPath: file(`${family}.gguf`), projectorPath: file(`${family}-projector.gguf`) };
}

export async function visionModel(family: VisionFamily): Promise<InstalledModel> {
  const { weightsPath, projectorPath } = visionFiles(family);
  const header = await readGgufHeader(weightsPath);
  return {
    entry: describeOwnModel(weightsPath, header),
    weightsPath,
    projectorPath,
    sizeBytes: header.fileSizeBytes,
    source: `file:${family}`,
  };
}

export function readReference(family: VisionFamily): Reference {
  return JSON.parse(readFileSync(file(`${family}.json`), 'utf8')) as Reference;
}

export function logProbabilities(base64: string): Float32Array {
  const bytes = Buffer.from(base64, 'base64');
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
}

/** The same formulas as `make_picture` in `generate.py`. */
export function makePicture(kind: PictureKind, width: number, height: number): DecodedPicture {
  const rgb = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [red, green, blue] =
        kind === 'waves'
          ? [x * 2, y * 3, x * y]
          : [((Math.floor(x / 8) + Math.floor(y / 8)) % 2) * 200, x + y, x * x + y];
      rgb.set([red & 255, green & 255, blue & 255], (y * width + x) * 3);
    }
  }
  return { width, height, rgb, sha256: createHash('sha256').update(rgb).digest('hex') };
}

/** An image part whose bytes are the pixels themselves, for `pixelDecoder`. */
export function picturePart(kind: PictureKind, width: number, height: number): ContentPart {
  const { rgb } = makePicture(kind, width, height);
  const bytes = new Uint8Array(8 + rgb.length);
  new DataView(bytes.buffer).setUint32(0, width);
  new DataView(bytes.buffer).setUint32(4, height);
  bytes.set(rgb, 8);
  return { type: 'image', source: { kind: 'bytes', bytes, mediaType: 'image/x-pixels' }, detail: 'auto' };
}

/** Takes what `picturePart` makes: the decoding of real files has tests of its own. */
export const pixelDecoder: PictureDecoder = {
  async decode(bytes) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const rgb = bytes.slice(8);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    return { width: view.getUint32(0), height: view.getUint32(4), rgb, sha256 };
  },
};

export function referenceContent(content: readonly ReferencePart[]): ContentPart[] {
  return content.map((part) => (part.type === 'text' ? part : picturePart(part.kind, part.width, part.height)));
}
