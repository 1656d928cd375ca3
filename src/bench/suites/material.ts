/** The picture and the recording that are sent where the user gives none. `assets/bench/README.md` says what they are. */
import { readFile } from 'node:fs/promises';

export type Material = {
  /** `data:` address. */
  pictureUrl: string;
  /** WAV, base64. */
  audioBase64: string;
  pictureFrom: string;
  audioFrom: string;
};

const folder = new URL('../../../assets/bench/', import.meta.url);

/** @param read for the user's own files; throws what it cannot read */
export async function loadMaterial(
  files: { picture?: string | undefined; audio?: string | undefined },
  read: (file: string) => Promise<Buffer>,
): Promise<Material> {
  const { picture, audio } = files;
  const pictureBytes =
    picture === undefined ? await readFile(new URL('street-scene.png', folder)) : await read(picture);
  const audioBytes = audio === undefined ? await readFile(new URL('spoken-question.wav', folder)) : await read(audio);
  const type = pictureBytes.subarray(1, 4).toString('latin1') === 'PNG' ? 'png' : 'jpeg';
  return {
    pictureUrl: `data:image/${type};base64,${pictureBytes.toString('base64')}`,
    audioBase64: audioBytes.toString('base64'),
    pictureFrom: picture === undefined ? 'a drawn street scene of 1024 × 768' : 'the user’s file',
    audioFrom: audio === undefined ? 'a synthetic voice: for timing, not for recognition' : 'the user’s file',
  };
}
