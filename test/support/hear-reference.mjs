// What the built product makes of a sound, for test/model/whisper-reference.test.ts: a process of its own, as the product has it.
import { readFileSync } from 'node:fs';

const dist = '../../dist/engine';
const { decodeAudio } = await import(`${dist}/modules/speech/audio/decode-audio.js`);
const { prepareWhisper } = await import(`${dist}/modules/speech/prepare-whisper.js`);
const { WhisperModel } = await import(`${dist}/modules/speech/whisper/whisper-model.js`);
const { openInPlaceSession } = await import(`${dist}/native/onnx-in-place.js`);
const { Ctranslate2File } = await import('../../dist/models/whisper/ctranslate2-file.js');
const { readWhisperShape } = await import('../../dist/models/whisper/whisper-shape.js');
const { encoderSamples } = await import('../../dist/models/whisper/encoder-graph.js');

const { files, sound, positions, prompt, tokens } = JSON.parse(process.argv[2]);
const prepared = await prepareWhisper(files);
const weights = await Ctranslate2File.open(files.weightsPath);
const shape = readWhisperShape(weights);
await weights.close();
const encoder = openInPlaceSession(prepared.encoder, { threads: 1 });
const decoder = openInPlaceSession(prepared.decoder, { threads: 1 });
const margin = 200;
const audio = new Float32Array(encoderSamples);
let length = 0;
for await (const part of (await decodeAudio(readFileSync(sound), { mostSeconds: 60 })).samples) {
  audio.set(part, margin + length);
  length += part.length;
}
for (let index = 1; index <= margin; index++) audio[margin - index] = audio[margin + index];
const output = new Float32Array(shape.audioPositions * shape.width);
const frames = { data: BigInt64Array.of(BigInt(Math.floor(length / 160))), dims: [1] };
await encoder.run(
  { audio: { data: audio, dims: [1, 1, encoderSamples] }, frames },
  { encoder_output: { data: output, dims: [1, shape.audioPositions, shape.width] } },
);
const dimensions = { ...shape, layers: shape.decoderLayers, alignmentHeads: prepared.alignmentHeads };
const model = new WhisperModel(encoder, decoder, dimensions, 5);
const { logits } = await model.align(await model.hear(audio, length), [...prompt, ...tokens]);
const result = {
  encoder: positions.flatMap((place) => Array.from(output.subarray(place * shape.width, (place + 1) * shape.width))),
  suppressed: prepared.suppressed,
  logits: tokens.map((_, step) => Array.from(logits[prompt.length - 1 + step].subarray(0, 50_257))),
};
process.stdout.write(JSON.stringify(result), () => process.exit(0));
