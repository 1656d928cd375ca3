import type { Ctranslate2File } from './ctranslate2-file.ts';

/** The sizes of one Whisper model, all read from its tensors. */
export type WhisperShape = {
  width: number;
  heads: number;
  headSize: number;
  mels: number;
  encoderLayers: number;
  decoderLayers: number;
  /** Positions after the encoder: 1500 for 30 s. */
  audioPositions: number;
  /** Tokens that a decoder can hold: 448. */
  textPositions: number;
  vocabulary: number;
};

/** Every Whisper has heads of this size. */
const headSize = 64;

export function readWhisperShape(weights: Ctranslate2File): WhisperShape {
  const [audioPositions, width] = weights.shape('encoder/position_encodings/encodings') as [number, number];
  const [textPositions] = weights.shape('decoder/position_encodings/encodings') as [number, number];
  const [, mels] = weights.shape('encoder/conv1/weight') as [number, number, number];
  const [vocabulary] = weights.shape('decoder/embeddings/weight') as [number, number];
  return {
    width,
    heads: width / headSize,
    headSize,
    mels,
    encoderLayers: countLayers(weights, 'encoder'),
    decoderLayers: countLayers(weights, 'decoder'),
    audioPositions,
    textPositions,
    vocabulary,
  };
}

function countLayers(weights: Ctranslate2File, half: string): number {
  let count = 0;
  while (weights.has(`${half}/layer_${count}/ffn/linear_0/weight`)) count++;
  return count;
}
