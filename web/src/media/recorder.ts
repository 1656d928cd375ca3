/** Records the microphone and gives 16 kHz mono WAV, which is what the speech module hears. */
import type { Recording } from '../conversation/conversation.ts';
import { type Dictation, type DictatedText, startDictation } from './dictation.ts';
import { microphoneLevel } from './level.ts';
import { base64, waveFile } from './wave-file.ts';

const sampleRate = 16_000;
/** A recording ends by itself after this: ten minutes of WAV are 19 MB, and the server takes 32. */
export const longestSeconds = 600;

export type RecordingHandlers = {
  /** What was heard so far, where the server dictates. */
  onText: (text: DictatedText) => void;
  /** It does not, or no longer. */
  onNoText: () => void;
};

export type RunningRecording = {
  /** Loudness now, 0–1. */
  level(): number;
  /** Ends it and gives what was said as text; empty where the server does not dictate. */
  finishText(): Promise<string>;
  /** @throws DOMException where nothing was recorded that can be decoded */
  stop(): Promise<Recording>;
  cancel(): void;
};

/**
 * @throws DOMException `NotAllowedError` where the user refuses, `NotFoundError` without a microphone, and others of its kind
 */
export async function startRecording({ onText, onNoText }: RecordingHandlers): Promise<RunningRecording> {
  const { mediaDevices } = navigator as { mediaDevices?: MediaDevices };
  if (mediaDevices === undefined) throw new DOMException('insecure', 'SecurityError');
  const stream = await mediaDevices.getUserMedia({ audio: { channelCount: 1, echoCancellation: true } });
  const context = new AudioContext();
  const level = microphoneLevel(context, stream);
  const parts: Blob[] = [];
  const recorder = new MediaRecorder(stream);
  recorder.addEventListener('dataavailable', ({ data }) => parts.push(data));
  const ended = new Promise<void>((resolve) => {
    recorder.addEventListener('stop', () => resolve());
  });
  // Parts every second: what was said is not lost when the page is put away.
  recorder.start(1000);
  const release = (): void => {
    if (recorder.state !== 'inactive') recorder.stop();
    for (const track of stream.getTracks()) track.stop();
  };
  let dictation: Dictation | undefined;
  let isOver = false;
  const onUnavailable = (): void => {
    dictation = undefined;
    onNoText();
  };
  void startDictation(context, stream, { onText, onUnavailable })
    .then((started) => {
      if (isOver) started.cancel();
      else dictation = started;
      return undefined;
    })
    // Recording goes on without it.
    .catch(onNoText);
  return {
    async finishText() {
      isOver = true;
      const text = (await dictation?.finish()) ?? '';
      release();
      await context.close();
      return text;
    },
    level,
    async stop() {
      isOver = true;
      dictation?.cancel();
      release();
      await ended;
      try {
        return await toRecording(new Blob(parts, { type: recorder.mimeType }), context);
      } finally {
        await context.close();
      }
    },
    cancel() {
      isOver = true;
      dictation?.cancel();
      release();
      void context.close();
    },
  };
}

async function toRecording(blob: Blob, context: AudioContext): Promise<Recording> {
  const decoded = await context.decodeAudioData(await blob.arrayBuffer());
  const frames = Math.max(1, Math.ceil(decoded.duration * sampleRate));
  const offline = new OfflineAudioContext(1, frames, sampleRate);
  const source = offline.createBufferSource();
  source.buffer = decoded;
  source.connect(offline.destination);
  source.start();
  const rendered = await offline.startRendering();
  return { wav: base64(waveFile(rendered.getChannelData(0), sampleRate)), seconds: decoded.duration };
}
