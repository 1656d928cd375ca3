/** The speech worker process: Whisper in a process of its own. */
import { serveWorker } from '../../host/serve-worker.ts';
import { Recogniser } from './recogniser.ts';
import type { SpeechInfo, SpeechLoadOptions, SpeechProgress, SpeechRequest, SpeechResult } from './speech-messages.ts';

let recogniser: Recogniser | undefined;

serveWorker<SpeechLoadOptions, SpeechInfo, SpeechRequest, SpeechResult, SpeechProgress>({
  async load(options) {
    recogniser = await Recogniser.load(options);
    return { languages: recogniser.languages };
  },
  async call(request, context) {
    if (recogniser === undefined) throw new Error('called before it was loaded');
    if (request.kind === 'voice') return { kind: 'voice', probabilities: await recogniser.watch(request) };
    const transcript = await recogniser.transcribe(request, context.signal, (progress) => context.onProgress(progress));
    return { kind: 'transcript', transcript };
  },
});
