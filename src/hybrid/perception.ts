/**
 * Reads pictures and hears speech on the device, before anything is decided about a request. What could not be read stays
 * unread, and with that the request stays here; what the client sent wrongly is told with the field it stands in.
 */
import { createHash } from 'node:crypto';
import type { AudioPart, ChatMessage, ContentPart, GenerationRequest, ImagePart } from '../core/chat.ts';
import type { Clock } from '../core/clock.ts';
import { DuanyunError, makeError, toDuanyunError } from '../core/errors.ts';
import type { ReadContent } from '../core/events.ts';
import type { Log } from '../core/log.ts';
import type {
  PictureFetcher,
  PictureGuard,
  PictureReader,
  PictureText,
  Transcriber,
  Transcript,
} from '../core/perception.ts';
import type { ReadText } from '../signals/request-segments.ts';
import { ReadingCache } from './reading-cache.ts';

export type PerceptionOptions = {
  /** Without it pictures are passed on as they are, unread, and only to the device. */
  guard?: PictureGuard;
  reader?: PictureReader;
  transcriber?: Transcriber;
  /** Without it an address is refused. */
  fetcher?: PictureFetcher;
  /** In one request. Default 16. */
  maxPictures?: number;
  /** A picture that takes longer counts as not read. Default 60 s. */
  readTimeoutMs?: number;
  /** A recording that takes longer counts as not heard. Default 30 minutes. */
  hearTimeoutMs?: number;
  clock: Clock;
  log: Log;
};

/** A part that nobody read, and why. */
export type Unread = { message: number; part: number; kind: 'image' | 'audio'; error: DuanyunError };

export type Perceived = {
  /** With the bytes of pictures in place of their addresses. */
  request: GenerationRequest;
  pictures: { message: number; part: number; reading: PictureText }[];
  recordings: { message: number; part: number; reading: Transcript }[];
  unread: Unread[];
};

export type PerceiveOptions = {
  signal: AbortSignal;
  /** False where nothing depends on it: the device sees for itself and nothing can leave. */
  readPictures: boolean;
  /** Asked before an address is fetched, which tells a stranger of the request. Throws where it must not be. */
  mayFetch: () => void;
};

type Visit<Part extends ContentPart> = { part: Part; message: number; index: number };

export class Perception {
  readonly #options: PerceptionOptions;
  readonly #pictures: ReadingCache<PictureText>;
  readonly #recordings: ReadingCache<Transcript>;

  constructor(options: PerceptionOptions) {
    this.#options = options;
    this.#pictures = new ReadingCache({ clock: options.clock });
    this.#recordings = new ReadingCache({ clock: options.clock, maxEntries: 16 });
  }

  /** Throws what the client can mend: `image_invalid`, `image_too_large`, `image_url_refused`, `audio_invalid` … */
  async perceive(request: GenerationRequest, options: PerceiveOptions): Promise<Perceived> {
    const perceived: Perceived = { request, pictures: [], recordings: [], unread: [] };
    const { input } = request;
    if (input.kind === 'completion') return perceived;
    // All of them are looked at before any is fetched, read or heard.
    const given = partsOf<ImagePart>(request, 'image');
    this.#checkCount(given);
    for (const visit of given) this.#check(visit);
    perceived.request = await this.#fetchAll(request, options);
    for (const visit of partsOf<ImagePart>(perceived.request, 'image')) {
      const { message, index } = visit;
      if (!options.readPictures) continue;
      const reading = await this.#readPicture(visit, options.signal);
      if (reading instanceof DuanyunError)
        perceived.unread.push({ message, part: index, kind: 'image', error: reading });
      else perceived.pictures.push({ message, part: index, reading });
    }
    for (const visit of partsOf<AudioPart>(request, 'audio')) {
      const { message, index } = visit;
      const reading = await this.#hear(visit, options.signal);
      if (reading instanceof DuanyunError)
        perceived.unread.push({ message, part: index, kind: 'audio', error: reading });
      else perceived.recordings.push({ message, part: index, reading });
    }
    return perceived;
  }

  /** What leaves holds pixels and nothing else. Throws where that cannot be made sure. */
  async withoutMetadata(request: GenerationRequest, signal: AbortSignal): Promise<GenerationRequest> {
    const { guard } = this.#options;
    return mapPictures(request, async (part) => {
      if (part.source.kind === 'url') throw makeError('egress_refused', { reason: 'a picture was not fetched' });
      if (guard === undefined) throw makeError('egress_refused', { reason: 'a picture still holds its metadata' });
      return { ...part, source: { kind: 'bytes', ...(await guard.withoutMetadata(part.source.bytes, { signal })) } };
    });
  }

  /** Forgets what was read. */
  clear(): void {
    this.#pictures.clear();
    this.#recordings.clear();
  }

  #checkCount(pictures: readonly Visit<ImagePart>[]): void {
    const { maxPictures = 16 } = this.#options;
    const first = pictures[maxPictures];
    if (first === undefined) return;
    const reason = `the request has ${pictures.length} pictures and ${maxPictures} are allowed`;
    throw makeError('image_too_large', { reason }, param(first.part));
  }

  #check({ part }: Visit<ImagePart>): void {
    const { guard, fetcher } = this.#options;
    if (part.source.kind === 'url') {
      if (fetcher !== undefined) return;
      const reason = 'this server fetches none; send it as a data: URL, or start the server with --image-url-host';
      throw makeError('image_url_refused', { reason }, param(part));
    }
    const { bytes } = part.source;
    inField(part, () => guard?.check(bytes));
  }

  async #fetchAll(request: GenerationRequest, { signal, mayFetch }: PerceiveOptions): Promise<GenerationRequest> {
    const { fetcher, guard } = this.#options;
    if (fetcher === undefined || !hasAddress(request)) return request;
    mayFetch();
    return mapPictures(request, async (part) => {
      const { source } = part;
      if (source.kind !== 'url') return part;
      try {
        const bytes = await fetcher.fetchPicture(source.url, { signal });
        guard?.check(bytes);
        return { ...part, source: { kind: 'bytes', bytes, mediaType: 'application/octet-stream' } };
      } catch (error) {
        throw named(error, part);
      }
    });
  }

  async #readPicture({ part }: Visit<ImagePart>, signal: AbortSignal): Promise<PictureText | DuanyunError> {
    const { reader, readTimeoutMs = 60_000 } = this.#options;
    if (part.source.kind === 'url') return makeError('image_url_refused', { reason: 'it was not fetched' });
    if (reader === undefined) return makeError('module_not_installed', { module: 'ocr', reason: 'there is none' });
    const { bytes } = part.source;
    return this.#attempt(part, signal, 'ocr', readTimeoutMs, (limited) =>
      this.#pictures.get(digest(bytes), limited, (shared) => reader.read(bytes, { signal: shared })),
    );
  }

  async #hear({ part }: Visit<AudioPart>, signal: AbortSignal): Promise<Transcript | DuanyunError> {
    const { transcriber, hearTimeoutMs = 1_800_000 } = this.#options;
    if (transcriber === undefined) {
      return makeError('module_not_installed', { module: 'speech', reason: 'there is none' });
    }
    return this.#attempt(part, signal, 'speech', hearTimeoutMs, (limited) =>
      this.#recordings.get(digest(part.bytes), limited, (shared) => transcriber.transcribe(part, { signal: shared })),
    );
  }

  /** The client's own faults are thrown; everything else means that the part was not read. */
  async #attempt<Reading>(
    part: ImagePart | AudioPart,
    signal: AbortSignal,
    module: string,
    limitMs: number,
    work: (signal: AbortSignal) => Promise<Reading>,
  ): Promise<Reading | DuanyunError> {
    const limit = AbortSignal.timeout(limitMs);
    try {
      return await work(AbortSignal.any([signal, limit]));
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof DuanyunError && isClientFault(error)) throw named(error, part);
      const failure = limit.aborted
        ? makeError('engine_overloaded', { reason: `the ${module} module took longer than ${limitMs / 1000} s` })
        : toDuanyunError(error);
      this.#options.log.warn({ module, code: failure.code, detail: failure.detail }, 'not read');
      return failure;
    }
  }
}

/** What the detectors get, and why the request counts as unchecked all the same. */
export function readTextsOf(
  { pictures, recordings }: Perceived,
  picturesWithoutText: 'device' | 'open',
): { readTexts: ReadText[]; uncheckedReason?: string } {
  const readTexts = [
    ...pictures.map(({ message, part, reading }) => ({ message, part, text: reading.text, origin: 'image' as const })),
    ...recordings.map(({ message, part, reading }) => ({
      message,
      part,
      text: reading.text,
      origin: 'speech' as const,
    })),
  ];
  if (pictures.some(({ reading }) => reading.unreadLines > 0)) {
    return { readTexts, uncheckedReason: 'picture-not-fully-read' };
  }
  if (pictures.some(({ reading }) => looksLikeDocument(reading.text))) {
    return { readTexts, uncheckedReason: 'picture-of-a-document' };
  }
  if (picturesWithoutText === 'device' && pictures.some(({ reading }) => !hasText(reading))) {
    return { readTexts, uncheckedReason: 'picture-without-text' };
  }
  return { readTexts };
}

/**
 * One digit that OCR misreads makes the check digit of a number wrong, and with that the detectors' finding; so what looks
 * like a card, a certificate or a record counts as unchecked, whatever its numbers are.
 */
const documentWords =
  /公民身份|身份证|居民身份|银行卡|卡号|账号|户名|护照|驾驶证|行驶证|社保|医保|病历|门诊|住院|诊断|identity card|passport|account n|card n|patient/i;
/** At least 15 digits, in groups or not. */
const longNumber = /(?:\d[ -]?){14,}[\dXx]/;

function looksLikeDocument(text: string): boolean {
  return documentWords.test(text) || longNumber.test(text);
}

/** A brand on a shirt is no text to judge a picture by. Signs. */
const leastText = 8;

export function hasText({ text }: PictureText): boolean {
  return text.replaceAll(/[^\p{L}\p{N}]/gu, '').length >= leastText;
}

export function hasAddress(request: GenerationRequest): boolean {
  return partsOf<ImagePart>(request, 'image').some(({ part }) => part.source.kind === 'url');
}

/** For the answer's metadata. */
export function readContentOf(
  { pictures, recordings }: Perceived,
  given: { pictures: 'text' | 'picture'; recordings: 'text' | 'sound' },
): ReadContent {
  return {
    pictures: pictures.map(({ message, part, reading }) => ({
      message,
      part,
      text: reading.text,
      model: reading.model,
      given: given.pictures,
    })),
    recordings: recordings.map(({ message, part, reading }) => ({
      message,
      part,
      text: reading.text,
      model: reading.model,
      language: reading.language,
      durationSeconds: reading.durationSeconds,
      given: given.recordings,
    })),
  };
}

function partsOf<Part extends ContentPart>(request: GenerationRequest, type: Part['type']): Visit<Part>[] {
  if (request.input.kind === 'completion') return [];
  return request.input.messages.flatMap(({ content }, message) =>
    content.flatMap((part, index) => (part.type === type ? [{ part: part as Part, message, index }] : [])),
  );
}

async function mapPictures(
  request: GenerationRequest,
  change: (part: ImagePart) => Promise<ImagePart>,
): Promise<GenerationRequest> {
  const { input } = request;
  if (input.kind === 'completion') return request;
  const messages: ChatMessage[] = [];
  for (const message of input.messages) {
    const content: ContentPart[] = [];
    for (const part of message.content) content.push(part.type === 'image' ? await change(part) : part);
    messages.push({ ...message, content });
  }
  return { ...request, input: { ...input, messages } };
}

/** Faults of the file or the address, which no other try mends. */
function isClientFault({ code }: DuanyunError): boolean {
  return /^(?:image|audio)_/.test(code);
}

function param({ field }: ImagePart | AudioPart): { param?: string } {
  return field === undefined ? {} : { param: field };
}

/** The same error with the field that it is about. */
function named(error: unknown, part: ImagePart | AudioPart): unknown {
  if (!(error instanceof DuanyunError) || error.param !== undefined) return error;
  const { detail } = error;
  return new DuanyunError(error.code, error.message, {
    cause: error,
    ...(detail === undefined ? {} : { detail }),
    ...param(part),
  });
}

function inField(part: ImagePart, work: () => void): void {
  try {
    work();
  } catch (error) {
    throw named(error, part);
  }
}

function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('base64');
}
