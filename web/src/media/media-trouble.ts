import type { Texts } from '../text/texts-en.ts';

/** Why the browser did not give the camera or the microphone, and what to do. */
export function mediaTrouble(error: unknown, device: 'camera' | 'microphone', texts: Texts): string {
  const name = error instanceof DOMException ? error.name : '';
  if (name === 'SecurityError') return texts.insecure;
  const isRefused = name === 'NotAllowedError';
  if (device === 'camera') return isRefused ? texts.cameraRefused : texts.cameraMissing;
  return isRefused ? texts.microphoneRefused : texts.microphoneMissing;
}
