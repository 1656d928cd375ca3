// oxlint-disable no-restricted-imports -- measures the module, like bench/engine
/**
 * What is listened to: recordings that ship in packages of the Python index, with the references that they publish, and speech
 * that espeak-ng makes. None of it is part of the project; it is fetched once into the benchmark's own folder.
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { decodeAudio, speechRate } from '../../src/engine/modules/speech/audio/decode-audio.ts';
import { makeWave } from '../../test/support/make-wave.ts';
import { scratchFolder } from './faster-whisper.ts';

export type Clip = {
  name: string;
  file: string;
  /** What is said. */
  reference: string;
  origin: string;
};

const run = promisify(execFile);
const folder = path.join(scratchFolder, 'speech-audio');

/** @param python one with pip */
export async function collectClips(python: string): Promise<Clip[]> {
  const pocketsphinx = await unpack(python, 'pocketsphinx', '5.1.1', 'test/data');
  const audioeval = await unpack(python, 'pytest-audioeval', '0.1.3', 'src/pytest_audioeval/samples/audio');
  return [
    ...mandarinRecording(),
    ...transcribed(path.join(pocketsphinx, 'librivox'), 'person, LibriVox'),
    ...transcribed(path.join(pocketsphinx, 'cards'), 'person, Pocketsphinx'),
    rawClip(pocketsphinx, 'goforward', 'go forward ten meters'),
    rawClip(pocketsphinx, 'something', 'go somewhere and do something'),
    ...['en', 'zh', 'ja', 'fr', 'es'].flatMap((language) => textBeside(path.join(audioeval, language), language)),
    ...(await spoken()),
  ];
}

/** A few minutes of English: news, a lecture and a book, read by people. */
export async function longRecording(python: string, clips: readonly Clip[]): Promise<string> {
  const silero = await unpack(python, 'silero-vad', '6.2.3', 'tests/data/test.wav', 'examples/c++/aepyx.wav');
  const librivox = clips.filter(({ origin }) => origin.includes('LibriVox')).map(({ file }) => file);
  const files = [path.join(silero, 'examples/c++/aepyx.wav'), path.join(silero, 'tests/data/test.wav'), ...librivox];
  return join('long.wav', files);
}

/** The same recording again and again, as Ogg Opus: what a meeting of that length is kept in. */
export async function repeated(python: string, file: string, minutes: number): Promise<string> {
  const target = path.join(folder, `${minutes}-minutes.ogg`);
  if (existsSync(target)) return target;
  process.stderr.write(`making ${minutes} minutes of speech\n`);
  const script = `
import av, sys
source, target, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
with av.open(target, "w", format="ogg") as out:
    stream = out.add_stream("libopus", rate=48000); stream.bit_rate = 24000; stream.layout = "mono"
    resampler = av.AudioResampler(format="s16", layout="mono", rate=48000)
    written = 0
    while written < seconds * 48000:
        with av.open(source) as given:
            for frame in given.decode(audio=0):
                for part in resampler.resample(frame):
                    part.pts = written; written += part.samples
                    out.mux(stream.encode(part))
    out.mux(stream.encode(None))
`;
  await run(python, ['-c', script, file, `${target}.part.ogg`, String(minutes * 60)], { timeout: 1_200_000 });
  writeFileSync(target, readFileSync(`${target}.part.ogg`));
  rmSync(`${target}.part.ogg`);
  return target;
}

async function unpack(python: string, name: string, version: string, ...members: string[]): Promise<string> {
  const target = path.join(folder, `${name}-${version}`);
  const inside = (member: string): string => (members.length === 1 ? path.join(target, member) : target);
  if (existsSync(path.join(target, 'unpacked'))) return inside(members[0] ?? '');
  process.stderr.write(`fetching the recordings of ${name}\n`);
  mkdirSync(target, { recursive: true });
  const wanted = ['download', '--quiet', '--no-deps', '--no-binary', name, '--dest', target, `${name}==${version}`];
  await run(python, ['-m', 'pip', ...wanted], { timeout: 600_000 });
  const archive = readdirSync(target).find((each) => each.endsWith('.tar.gz'));
  if (archive === undefined) throw new Error(`${name} ${version} has no source archive`);
  const top = archive.slice(0, -'.tar.gz'.length);
  const parts = members.map((member) => `${top}/${member}`);
  await run('tar', ['-xzf', path.join(target, archive), '-C', target, '--strip-components=1', ...parts]);
  writeFileSync(path.join(target, 'unpacked'), '');
  return inside(members[0] ?? '');
}

/** A person; the file lies beside the project, where it lies at all. */
function mandarinRecording(): Clip[] {
  const file = path.resolve('../shared/audio/zh-human-3s.wav');
  if (!existsSync(file)) return [];
  return [{ name: 'zh-human-3s', file, reference: '希望你以后能够做的比我还好呦。', origin: 'person, CosyVoice' }];
}

/** Sphinx' form: `<s> words </s> (file)`. */
function transcribed(from: string, origin: string): Clip[] {
  const list = readdirSync(from).find((each) => each.endsWith('transcription')) ?? '';
  const lines = readFileSync(path.join(from, list), 'utf8').trim().split('\n');
  return lines.flatMap((line) => {
    const [, text = '', name = ''] = /^<s>(.*)<\/s>\s*\((.*)\)/.exec(line) ?? [];
    // A word that the reader began twice stands twice in the reference, not in what is understood.
    const reference = text.trim().replace('more a amiable', 'more amiable');
    return name === '' ? [] : [{ name: name.slice(-12), file: path.join(from, `${name}.wav`), reference, origin }];
  });
}

/** 16-bit samples at 16 kHz without a header. */
function rawClip(from: string, name: string, reference: string): Clip {
  const raw = readFileSync(path.join(from, `${name}.raw`));
  const samples = Float32Array.from({ length: raw.length >> 1 }, (_, index) => raw.readInt16LE(2 * index) / 32_768);
  const file = path.join(folder, `${name}.wav`);
  writeFileSync(file, makeWave(samples));
  return { name, file, reference, origin: 'person, Pocketsphinx' };
}

function textBeside(from: string, language: string): Clip[] {
  const names = readdirSync(from).filter((each) => each.endsWith('.txt'));
  return names.map((text) => ({
    name: `${language} ${text.slice(0, -4)}`,
    file: path.join(from, `${text.slice(0, -4)}.wav`),
    reference: readFileSync(path.join(from, text), 'utf8').trim(),
    origin: 'synthetic, pytest-audioeval',
  }));
}

async function spoken(): Promise<Clip[]> {
  const sentences = [
    ['en-us', 'The meeting begins at nine in the morning and ends before lunch.'],
    ['en-us', 'Please send the signed contract to the office before Friday.'],
    ['cmn', '请把会议时间改到明天下午三点。'],
  ] as const;
  const clips: Clip[] = [];
  for (const [index, [voice, reference]] of sentences.entries()) {
    const file = path.join(folder, `espeak-${index}.wav`);
    try {
      await run('espeak-ng', ['-v', voice, '-s', '150', '-w', file, reference]);
      clips.push({ name: `espeak ${voice} ${index + 1}`, file, reference, origin: 'synthetic, espeak-ng' });
    } catch {
      process.stderr.write('espeak-ng is not installed: its sentences are left out\n');
      break;
    }
  }
  return clips;
}

async function join(name: string, files: readonly string[]): Promise<string> {
  const target = path.join(folder, name);
  const parts: Float32Array[] = [];
  for (const file of files) {
    const audio = await decodeAudio(readFileSync(file), { mostSeconds: 36_000 });
    for await (const part of audio.samples) parts.push(part);
    parts.push(new Float32Array(speechRate / 2));
  }
  const all = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let place = 0;
  for (const part of parts) {
    all.set(part, place);
    place += part.length;
  }
  writeFileSync(target, makeWave(all));
  return target;
}
