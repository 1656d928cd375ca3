/**
 * One dictation: sound comes in pieces, utterances are found by their silences, written down while they grow and for good
 * when they end. Nothing is kept of an utterance that is done.
 */
import { type DuanyunError, makeError, toDuanyunError } from '../../core/errors.ts';
import type { Transcriber, VoiceWatch } from '../../core/perception.ts';
import type { DictationCommand, DictationEvent, DictationSettings } from '../../protocol/realtime.ts';
import { Agreement } from './agreement.ts';
import { VoiceSamples, waveFile } from './pcm.ts';

/** Speech begins where it is this likely, and goes on down to the second. */
const startProbability = 0.5;
const stopProbability = 0.35;
const frameMs = 32;
/** Kept before the first frame of speech. */
const leadMs = 500;
/** The model hears no more at once. */
const mostUtteranceMs = 28_000;
/** New sound that makes another try worth it. */
const partialEveryMs = 1_000;
/** Sound that may wait to be looked at, when the device cannot keep up. */
const mostWaitingMs = 60_000;

export type DictationParts = {
  transcriber: Transcriber;
  voice: VoiceWatch;
  settings: DictationSettings;
  id: string;
  newItemId: () => string;
  emit: (event: DictationEvent) => void;
  /** The session cannot go on. */
  fail: (error: DuanyunError) => void;
  signal: AbortSignal;
};

type Utterance = { item: string; agreement: Agreement };

export class DictationSession {
  readonly #parts: DictationParts;
  #settings: DictationSettings;
  #resampler: VoiceSamples;
  /** Sound that belongs to the utterance, or to the moment before one. */
  #pieces: Buffer[] = [];
  #bytes = 0;
  #utterance: Utterance | undefined;
  #previousItem: string | undefined;
  #silenceMs = 0;
  /** From the start of the session. */
  #heardMs = 0;
  #waitingMs = 0;
  #triedBytes = 0;
  #partial: AbortController | undefined;
  #work: Promise<void> = Promise.resolve();
  #finals: Promise<void> = Promise.resolve();

  constructor(parts: DictationParts) {
    this.#parts = parts;
    this.#settings = parts.settings;
    this.#resampler = new VoiceSamples(parts.settings.rate);
    parts.emit({ type: 'created', id: parts.id, settings: parts.settings });
  }

  /** In order; resolves when the command was looked at, not when an utterance is written down. */
  take(command: DictationCommand): Promise<void> {
    if (command.type === 'append') {
      this.#waitingMs += this.#milliseconds(command.pcm.length);
      if (this.#waitingMs > mostWaitingMs) {
        this.#parts.fail(makeError('engine_overloaded', { reason: 'the sound comes faster than the device hears it' }));
        return Promise.resolve();
      }
    }
    this.#work = this.#work
      .then(() => this.#do(command))
      .catch((error: unknown) => {
        if (this.#parts.signal.aborted) return;
        const failure = toDuanyunError(error);
        // What the client can mend costs itself, not the dictation.
        if (failure.code === 'invalid_request') this.#parts.emit({ type: 'error', error: failure });
        else this.#parts.fail(failure);
      });
    return this.#work;
  }

  /** Resolves when everything that was committed is written down. */
  async settled(): Promise<void> {
    await this.#work;
    await this.#finals;
  }

  async #do(command: DictationCommand): Promise<void> {
    this.#parts.signal.throwIfAborted();
    switch (command.type) {
      case 'append':
        this.#waitingMs -= this.#milliseconds(command.pcm.length);
        await this.#hear(command.pcm);
        return;
      case 'commit':
        if (this.#bytes === 0) throw makeError('invalid_request', { reason: 'There is no sound to commit.' });
        this.#begin();
        this.#commit();
        return;
      case 'clear':
        this.#forget();
        this.#parts.emit({ type: 'cleared' });
        return;
      case 'update': {
        const { rate } = this.#settings;
        const { silenceMs, ...rest } = { ...this.#settings, ...command.change };
        this.#settings = command.keepsOpen || silenceMs === undefined ? rest : { ...rest, silenceMs };
        if (this.#settings.rate !== rate) {
          this.#forget();
          this.#resampler = new VoiceSamples(this.#settings.rate);
        }
        this.#parts.emit({ type: 'updated', id: this.#parts.id, settings: this.#settings });
      }
    }
  }

  async #hear(pcm: Uint8Array): Promise<void> {
    const { voice, signal, emit } = this.#parts;
    this.#pieces.push(Buffer.from(pcm));
    this.#bytes += pcm.length;
    const pieceMs = this.#milliseconds(pcm.length);
    this.#heardMs += pieceMs;
    const { silenceMs } = this.#settings;
    const probabilities = await voice.hear(this.#resampler.take(pcm), { signal });
    if (silenceMs === undefined) {
      // The client says where an utterance ends; only the model's window sets a limit.
      this.#begin();
    } else {
      for (const probability of probabilities) {
        if (probability >= startProbability && this.#utterance === undefined) {
          const { item } = this.#begin();
          emit({ type: 'speech-started', item, atMs: Math.max(0, Math.round(this.#heardMs - pieceMs)) });
        }
        this.#silenceMs = probability >= stopProbability ? 0 : this.#silenceMs + frameMs;
      }
      if (this.#utterance === undefined) return this.#keepLead();
      if (this.#silenceMs >= silenceMs) {
        emit({ type: 'speech-stopped', item: this.#utterance.item, atMs: Math.round(this.#heardMs) });
        return this.#commit();
      }
    }
    if (this.#milliseconds(this.#bytes) >= mostUtteranceMs) return this.#commit();
    this.#tryPartial();
  }

  #begin(): Utterance {
    this.#utterance ??= { item: this.#parts.newItemId(), agreement: new Agreement() };
    return this.#utterance;
  }

  /** Sound before speech is kept for a moment, so that no first consonant is lost. */
  #keepLead(): void {
    while (this.#pieces.length > 1 && this.#milliseconds(this.#bytes - (this.#pieces[0]?.length ?? 0)) > leadMs) {
      this.#bytes -= this.#pieces.shift()?.length ?? 0;
    }
  }

  #forget(): void {
    this.#partial?.abort();
    this.#pieces = [];
    this.#bytes = 0;
    this.#triedBytes = 0;
    this.#silenceMs = 0;
    this.#utterance = undefined;
  }

  #commit(): void {
    const { emit } = this.#parts;
    const utterance = this.#utterance;
    if (utterance === undefined) return;
    const pcm = Buffer.concat(this.#pieces);
    const settings = this.#settings;
    this.#forget();
    const { item, agreement } = utterance;
    emit({ type: 'committed', item, previous: this.#previousItem });
    this.#previousItem = item;
    const before = this.#finals;
    this.#finals = this.#finish(before, { item, agreement }, pcm, settings);
  }

  /** The utterance for good, after those before it. */
  async #finish(
    before: Promise<void>,
    { item, agreement }: Utterance,
    pcm: Buffer,
    settings: DictationSettings,
  ): Promise<void> {
    await before;
    const { emit, fail, signal } = this.#parts;
    try {
      const { text, language } = await this.#transcribe(pcm, settings, signal);
      const rest = text.startsWith(agreement.stable) ? text.slice(agreement.stable.length) : '';
      if (rest !== '') emit({ type: 'partial', item, stable: text, tail: '', added: rest });
      emit({ type: 'completed', item, text, seconds: pcm.length / 2 / settings.rate, language });
    } catch (error) {
      if (signal.aborted) return;
      const failure = toDuanyunError(error);
      emit({ type: 'failed', item, error: failure });
      fail(failure);
    }
  }

  /** One at a time, and never instead of a final. */
  #tryPartial(): void {
    const utterance = this.#utterance;
    if (utterance === undefined || this.#partial !== undefined) return;
    if (this.#milliseconds(this.#bytes - this.#triedBytes) < partialEveryMs) return;
    this.#triedBytes = this.#bytes;
    const own = new AbortController();
    this.#partial = own;
    void this.#partialOf(utterance, Buffer.concat(this.#pieces), own);
  }

  async #partialOf(utterance: Utterance, pcm: Buffer, own: AbortController): Promise<void> {
    const { emit, fail, signal } = this.#parts;
    const { item, agreement } = utterance;
    try {
      const { text } = await this.#transcribe(pcm, this.#settings, AbortSignal.any([own.signal, signal]));
      if (own.signal.aborted || signal.aborted || text === '') return;
      const { tail, added } = agreement.take(text);
      emit({ type: 'partial', item, stable: agreement.stable, tail, added });
    } catch (error) {
      if (own.signal.aborted || signal.aborted) return;
      const failure = toDuanyunError(error);
      emit({ type: 'failed', item, error: failure });
      fail(failure);
    } finally {
      if (this.#partial === own) this.#partial = undefined;
    }
  }

  async #transcribe(
    pcm: Uint8Array,
    { rate, language, prompt }: DictationSettings,
    signal: AbortSignal,
  ): Promise<{ text: string; language: string }> {
    const transcript = await this.#parts.transcriber.transcribe(
      { type: 'audio', bytes: waveFile(pcm, rate), format: 'audio/wav' },
      { signal, ...(language === undefined ? {} : { language }), ...(prompt === undefined ? {} : { prompt }) },
    );
    return { text: transcript.text.trim(), language: transcript.language };
  }

  #milliseconds(bytes: number): number {
    return (bytes / 2 / this.#settings.rate) * 1000;
  }
}
