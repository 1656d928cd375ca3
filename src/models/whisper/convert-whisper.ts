import { open } from 'node:fs/promises';
import { Ctranslate2File } from './ctranslate2-file.ts';
import { decoderGraph } from './decoder-graph.ts';
import { encoderGraph } from './encoder-graph.ts';
import { readWhisperShape } from './whisper-shape.ts';
import type { Precision } from './whisper-layers.ts';

export type ConversionOptions = {
  encoder: Precision;
  decoder: Precision;
  suppressed: readonly number[];
  alignmentHeads: readonly (readonly [number, number])[];
};

/** CTranslate2's `model.bin` → two ONNX files. About 2 s for the base model. */
export async function convertWhisper(
  weightsPath: string,
  paths: { encoder: string; decoder: string },
  options: ConversionOptions,
): Promise<void> {
  const weights = await Ctranslate2File.open(weightsPath);
  try {
    const shape = readWhisperShape(weights);
    await writeChunks(paths.encoder, await encoderGraph(weights, shape, options.encoder));
    await writeChunks(paths.decoder, await decoderGraph(weights, shape, { ...options, precision: options.decoder }));
  } finally {
    await weights.close();
  }
}

async function writeChunks(path: string, chunks: readonly Uint8Array[]): Promise<void> {
  const file = await open(path, 'w');
  try {
    // Thousands of tiny chunks lie between the large ones; joined they are a few writes.
    let small: Uint8Array[] = [];
    for (const chunk of chunks) {
      small.push(chunk);
      if (chunk.length < 65_536) continue;
      await file.writeFile(Buffer.concat(small));
      small = [];
    }
    await file.writeFile(Buffer.concat(small));
    await file.sync();
  } finally {
    await file.close();
  }
}
