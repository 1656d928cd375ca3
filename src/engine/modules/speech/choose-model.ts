import { makeError } from '../../../core/errors.ts';
import type { TranscribeRequest } from './speech-messages.ts';

export type SpeechModelKind = 'whisper' | 'sense-voice';
/** The languages of each model that is there. */
export type LoadedSpeechModels = Partial<Record<SpeechModelKind, readonly string[]>>;

/** What SenseVoice writes down where both models are there: its published error rates are far below those of a small Whisper. */
const chinese: ReadonlySet<string> = new Set(['zh', 'yue']);

/**
 * Who hears a recording. `by-language`: Whisper says which language it is, and leaves Chinese to SenseVoice. Whisper alone
 * translates, and heeds a prompt.
 *
 * @throws `invalid_request` for a language that nobody there knows, `module_not_installed` where a translation needs Whisper
 */
export function chooseModel(
  loaded: LoadedSpeechModels,
  request: Pick<TranscribeRequest, 'language' | 'task' | 'prompt'>,
): SpeechModelKind | 'by-language' {
  const { language, task, prompt } = request;
  const { whisper, 'sense-voice': senseVoice } = loaded;
  if (whisper === undefined && task === 'translate') {
    const reason = 'only Whisper translates; fetch it with "duanyun pull whisper-base"';
    throw makeError('module_not_installed', { module: 'speech', reason });
  }
  if (language !== undefined && ![...(whisper ?? []), ...(senseVoice ?? [])].includes(language)) {
    const reason = `The language ${language.slice(0, 20)} is not one that the speech model knows.`;
    throw makeError('invalid_request', { reason }, { param: 'language' });
  }
  if (whisper === undefined) return 'sense-voice';
  if (senseVoice === undefined || task === 'translate' || prompt !== undefined) return 'whisper';
  if (language === undefined) return 'by-language';
  return isForSenseVoice(language) ? 'sense-voice' : 'whisper';
}

export function isForSenseVoice(language: string): boolean {
  return chinese.has(language);
}
