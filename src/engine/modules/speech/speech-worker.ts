/** The speech worker process: Whisper in a process of its own. */
import { serveWorker } from '../../host/serve-worker.ts';
import { Recogniser } from './recogniser.ts';
import { SpeakerTeller } from './speakers/speaker-teller.ts';
import type { SpeechInfo, SpeechLoadOptions, SpeechProgress, SpeechRequest, SpeechResult } from './speech-messages.ts';

let recogniser: Recogniser | undefined;
let teller: SpeakerTeller | undefined;

serveWorker<SpeechLoadOptions, SpeechInfo, SpeechRequest, SpeechResult, SpeechProgress>({
  async load(options) {
    recogniser = await Recogniser.load(options);
    teller = new SpeakerTeller(options);
    return { languages: recogniser.languages };
  },
  async call(request, context) {
    if (recogniser === undefined || teller === undefined) throw new Error('called before it was loaded');
    if (request.kind === 'voice') return { kind: 'voice', probabilities: await recogniser.watch(request) };
    if (request.kind === 'speakers') {
      const onLine = (done: number): void => context.onProgress({ type: 'line', done });
      return { kind: 'speakers', speakers: await teller.tell(request, context.file, context.signal, onLine) };
    }
    const transcript = await recogniser.transcribe(request, context.file, context.signal, (progress) =>
      context.onProgress(progress),
    );
    return { kind: 'transcript', transcript };
  },
});
