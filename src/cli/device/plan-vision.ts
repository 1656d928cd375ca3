/** What the projector of a model needs, from its header. Pure. */
import { makeError } from '../../core/errors.ts';
import type { GgufHeader } from '../../models/gguf.ts';

export type VisionPlan = {
  /** Width × height that stands for one token. */
  pixelsPerToken: number;
  /** Weights and what one picture takes while it is encoded, in bytes; a rule of thumb. */
  neededBytes: number;
};

/** Patches of the largest picture that is looked at without being asked for in detail. */
const usualPatches = 1_280 * 4;
/** f32 activations of the width of one layer that live at the same time. */
const liveActivations = 12;
const usualPatchSize = 14;
/** Where the header does not say: of the families that merge neighbouring patches. */
const usualMerge = 2;

/** Throws `model_file_invalid` for a file that is no projector for pictures. */
export function planVision(header: GgufHeader): VisionPlan {
  const { architecture, metadata, tensors } = header;
  if (architecture !== 'clip' || metadata.get('clip.has_vision_encoder') === false) {
    throw makeError('model_file_invalid', {
      file: 'The projector',
      reason: `it is a ${architecture} model and no projector for pictures`,
    });
  }
  const number = (key: string, fallback: number): number => {
    const value = metadata.get(`clip.vision.${key}`);
    return typeof value === 'number' && value > 0 ? value : fallback;
  };
  const side = number('patch_size', usualPatchSize);
  const merge = number('spatial_merge_size', number('projector.scale_factor', usualMerge));
  const weightsBytes = tensors.reduce((sum, tensor) => sum + tensor.sizeBytes, 0);
  const computeBytes = usualPatches * number('embedding_length', 1_024) * liveActivations * 4;
  return { pixelsPerToken: (side * merge) ** 2, neededBytes: weightsBytes + computeBytes };
}
