/** Pictures and recordings as parts of a message: `data:` URLs and base64, made without Node's Buffer. */
import type { AudioFormat, AudioPart, ImagePart } from './chat-types.ts';
import { DuanyunClientError } from './errors.ts';

/** Bytes, a Blob or File, a `data:` URL, or an `http(s):` address that the server may fetch. */
export type ImageSource = string | URL | Blob | Uint8Array | ArrayBuffer;
export type AudioSource = string | Blob | Uint8Array | ArrayBuffer;

/**
 * @param options.detail how closely it is looked at. Default `auto`
 * @throws `image_invalid` for what is no PNG, JPEG, WebP or GIF
 */
export async function imagePart(
  source: ImageSource,
  options: { detail?: 'auto' | 'low' | 'high' } = {},
): Promise<ImagePart> {
  const url = await imageUrl(source);
  return { type: 'image_url', image_url: { url, ...(options.detail === undefined ? {} : { detail: options.detail }) } };
}

async function imageUrl(source: ImageSource): Promise<string> {
  if (typeof source === 'string' || source instanceof URL) {
    const address = String(source);
    if (/^(data:image\/|https?:\/\/)/i.test(address)) return address;
    const message = 'A picture is named by a data:, http: or https: address, or given as bytes.';
    throw new DuanyunClientError('image_invalid', message);
  }
  const bytes = await bytesOf(source);
  const type = imageType(bytes);
  if (type === undefined) {
    throw new DuanyunClientError('image_invalid', 'The picture is no PNG, JPEG, WebP or GIF.');
  }
  return `data:${type};base64,${base64(bytes)}`;
}

/**
 * @param source bytes, a Blob or File, a `data:` URL, or base64 (which needs `options.format`)
 * @param options.format Default: what the bytes begin with
 * @throws `audio_invalid` where the format is not said and cannot be seen
 */
export async function audioPart(source: AudioSource, options: { format?: AudioFormat } = {}): Promise<AudioPart> {
  if (typeof source === 'string') {
    const comma = source.indexOf(',');
    const isDataUrl = /^data:[^,]*;base64$/i.test(source.slice(0, Math.max(0, comma)));
    const data = isDataUrl ? source.slice(comma + 1) : source;
    return audio(data, options.format ?? audioFormat(firstBytes(data)));
  }
  const bytes = await bytesOf(source);
  return audio(base64(bytes), options.format ?? audioFormat(bytes));
}

function audio(data: string, format: AudioFormat | undefined): AudioPart {
  if (format === undefined) {
    const message = 'The recording is no WAV, MP3, FLAC, OGG, M4A or WebM that can be recognised; say its format.';
    throw new DuanyunClientError('audio_invalid', message);
  }
  return { type: 'input_audio', input_audio: { data, format } };
}

export async function bytesOf(source: Blob | Uint8Array | ArrayBuffer): Promise<Uint8Array> {
  if (source instanceof Uint8Array) return source;
  if (source instanceof ArrayBuffer) return new Uint8Array(source);
  return new Uint8Array(await source.arrayBuffer());
}

/** By the first bytes, not by the name: that is how the server looks at it too. */
function imageType(bytes: Uint8Array): string | undefined {
  if (begins(bytes, 0, [0x89, 0x50, 0x4e, 0x47])) return 'image/png';
  if (begins(bytes, 0, [0xff, 0xd8, 0xff])) return 'image/jpeg';
  if (begins(bytes, 0, 'GIF8')) return 'image/gif';
  if (begins(bytes, 0, 'RIFF') && begins(bytes, 8, 'WEBP')) return 'image/webp';
  return undefined;
}

function audioFormat(bytes: Uint8Array): AudioFormat | undefined {
  if (begins(bytes, 0, 'RIFF') && begins(bytes, 8, 'WAVE')) return 'wav';
  if (begins(bytes, 0, 'fLaC')) return 'flac';
  if (begins(bytes, 0, 'OggS')) return 'ogg';
  if (begins(bytes, 4, 'ftyp')) return 'm4a';
  if (begins(bytes, 0, [0x1a, 0x45, 0xdf, 0xa3])) return 'webm';
  // An ID3 tag, or the eleven set bits that every frame of MPEG audio begins with.
  if (begins(bytes, 0, 'ID3') || (bytes[0] === 0xff && ((bytes[1] ?? 0) & 0xe6) === 0xe2)) return 'mp3';
  return undefined;
}

function begins(bytes: Uint8Array, at: number, mark: string | number[]): boolean {
  const codes = typeof mark === 'string' ? Array.from(mark, (character) => character.charCodeAt(0)) : mark;
  return codes.every((code, index) => bytes[at + index] === code);
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** RFC 4648, 4. */
export function base64(bytes: Uint8Array): string {
  const letter = (value: number): string => alphabet[value & 63] ?? '';
  const pieces: string[] = [];
  let piece = '';
  for (let at = 0; at < bytes.length; at += 3) {
    const second = bytes[at + 1];
    const third = bytes[at + 2];
    const bits = ((bytes[at] ?? 0) << 16) | ((second ?? 0) << 8) | (third ?? 0);
    piece += letter(bits >> 18) + letter(bits >> 12);
    piece += (second === undefined ? '=' : letter(bits >> 6)) + (third === undefined ? '=' : letter(bits));
    if (piece.length > 8192) {
      pieces.push(piece);
      piece = '';
    }
  }
  return pieces.join('') + piece;
}

/** The first bytes of base64 text, as many as a file format is known by. */
function firstBytes(text: string): Uint8Array {
  const bytes: number[] = [];
  let bits = 0;
  let held = 0;
  for (const character of text.slice(0, 24)) {
    const value = alphabet.indexOf(character);
    if (value === -1) break;
    bits = (bits << 6) | value;
    held += 6;
    if (held < 8) continue;
    held -= 8;
    bytes.push((bits >> held) & 255);
    bits &= (1 << held) - 1;
  }
  return Uint8Array.from(bytes);
}
