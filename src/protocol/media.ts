import type { AudioPart, ImagePart } from '../core/chat.ts';
import { refuse } from './parse-wire.ts';

/**
 * The source of a picture: the bytes of a `data:` URL, or a web address as it is. Nothing is fetched here.
 *
 * @param param where the address stands in the request, for the error
 * @throws `invalid_request` for other schemes (a `file:` address would read this machine) and damaged base64
 */
export function imageSource(url: string, param: string): ImagePart['source'] {
  if (/^https?:\/\//i.test(url)) {
    if (!URL.canParse(url)) throw refuse(param, 'is not a valid address');
    return { kind: 'url', url };
  }
  if (!/^data:/i.test(url)) throw refuse(param, 'must be a data:, http: or https: URL');
  const comma = url.indexOf(',');
  const header = /^data:(image\/[\w.+-]+)(?:;[\w.+=-]+)*;base64$/i.exec(url.slice(0, Math.max(comma, 0)));
  if (header?.[1] === undefined) throw refuse(param, 'must have the form data:image/…;base64,…');
  return { kind: 'bytes', bytes: base64Bytes(url.slice(comma + 1), param), mediaType: header[1].toLowerCase() };
}

export function audioPart(data: string, format: string, param: string): AudioPart {
  return { type: 'audio', bytes: base64Bytes(data, param), format, field: param };
}

/** Node skips what is not base64, so the length tells whether all of it was. Line breaks are allowed. */
function base64Bytes(text: string, param: string): Uint8Array {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length > 0 && bytes.length === decodedLength(text)) return bytes;
  const joined = text.replaceAll(/[\r\n]/g, '');
  if (bytes.length === 0 || bytes.length !== decodedLength(joined)) throw refuse(param, 'is not valid base64');
  return bytes;
}

function decodedLength(text: string): number {
  const unpadded = text.endsWith('==') ? text.length - 2 : text.endsWith('=') ? text.length - 1 : text.length;
  return unpadded % 4 === 1 ? -1 : Math.floor((unpadded * 3) / 4);
}
