/** Pictures and recordings on this disk → parts of a question. */
import path from 'node:path';
import { readUserFile } from '../user-file.ts';
import type { ChatPart } from './chat-client.ts';

/** The server's own limits are lower; this one keeps a wrong file from filling the memory. */
const mostMib = 256;
const imageTypes: Readonly<Record<string, string>> = { jpg: 'jpeg', jpe: 'jpeg', tif: 'tiff' };
/** What the interface knows; what a file is, the server sees in its first bytes. */
const audioFormats = new Set(['wav', 'mp3', 'flac', 'ogg', 'opus', 'm4a', 'webm']);

/** Throws `not_found`, `invalid_request`, `body_too_large`. */
export async function readImage(file: string): Promise<ChatPart> {
  const extension = extensionOf(file).replaceAll(/[^\w.+-]/g, '');
  const type = imageTypes[extension] ?? (extension === '' ? 'octet-stream' : extension);
  const data = (await readUserFile(file, mostMib)).toString('base64');
  return { type: 'image_url', image_url: { url: `data:image/${type};base64,${data}` } };
}

/** Throws as `readImage`. */
export async function readAudio(file: string): Promise<ChatPart> {
  const extension = extensionOf(file);
  const format = audioFormats.has(extension) ? extension : 'wav';
  return { type: 'input_audio', input_audio: { data: (await readUserFile(file, mostMib)).toString('base64'), format } };
}

function extensionOf(file: string): string {
  return path.extname(file).slice(1).toLowerCase();
}
