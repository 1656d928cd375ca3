/** Records a meeting of hours as the browser compresses it: 24 kbit/s are 11 MB an hour, where WAV would be 115. */
import { microphoneLevel } from '../media/level.ts';

const bitsPerSecond = 24_000;

export type MeetingRecorder = {
  /** Loudness now, 0–1. */
  level(): number;
  stop(): Promise<File>;
  cancel(): void;
};

/** @throws DOMException where the microphone may not or cannot be used */
export async function startMeeting(): Promise<MeetingRecorder> {
  const { mediaDevices } = navigator as { mediaDevices?: MediaDevices };
  if (mediaDevices === undefined) throw new DOMException('insecure', 'SecurityError');
  const stream = await mediaDevices.getUserMedia({ audio: { channelCount: 1 } });
  const context = new AudioContext();
  const level = microphoneLevel(context, stream);
  const parts: Blob[] = [];
  const recorder = new MediaRecorder(stream, { audioBitsPerSecond: bitsPerSecond });
  recorder.addEventListener('dataavailable', ({ data }) => parts.push(data));
  const ended = new Promise<void>((resolve) => {
    recorder.addEventListener('stop', () => resolve());
  });
  recorder.start(1000);
  const release = (): void => {
    if (recorder.state !== 'inactive') recorder.stop();
    for (const track of stream.getTracks()) track.stop();
    void context.close();
  };
  return {
    level,
    async stop() {
      release();
      await ended;
      const type = recorder.mimeType.split(';', 1)[0] ?? 'audio/webm';
      return new File(parts, `meeting.${type.split('/')[1] ?? 'webm'}`, { type });
    },
    cancel: release,
  };
}
