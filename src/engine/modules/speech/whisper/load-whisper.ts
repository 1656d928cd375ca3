import { Ctranslate2File } from '../../../../models/whisper/ctranslate2-file.ts';
import { readWhisperShape } from '../../../../models/whisper/whisper-shape.ts';
import { openInPlaceSession } from '../../../native/onnx-in-place.ts';
import { prepareWhisper } from '../prepare-whisper.ts';
import type { WhisperFiles } from '../speech-messages.ts';
import type { StreamParts } from './transcribe-stream.ts';
import { Vocabulary } from './vocabulary.ts';
import { WhisperModel } from './whisper-model.ts';

const beams = 5;

/** Opens a Whisper; the first time its ONNX files are written. */
export async function loadWhisper(files: WhisperFiles, threads: number): Promise<Omit<StreamParts, 'voice'>> {
  const { encoder, decoder, alignmentHeads, suppressed } = await prepareWhisper(files);
  const weights = await Ctranslate2File.open(files.weightsPath);
  const shape = readWhisperShape(weights);
  await weights.close();
  const sessions = [openInPlaceSession(encoder, { threads }), openInPlaceSession(decoder, { threads })] as const;
  return {
    model: new WhisperModel(...sessions, { ...shape, layers: shape.decoderLayers, alignmentHeads }, beams),
    vocabulary: await Vocabulary.read(files.tokenizerPath),
    suppressed: new Set(suppressed),
  };
}
