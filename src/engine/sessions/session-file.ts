/**
 * A session as it lies on the disk, AES-256-GCM in two parts, so that a list needs to read only the first:
 * magic and version, length of part 1, nonce and part 1 (what it is), nonce and part 2 (tokens, then the cells). Each part authenticates
 * all that stands before it.
 */
import { randomBytes, webcrypto } from 'node:crypto';
import { z } from 'zod';
import { makeError } from '../../core/errors.ts';

const magic = Buffer.from('duanyun-session\u0001', 'latin1');
const nonceBytes = 12;
const tagBytes = 16;
const lengthBytes = 4;
const mostAboutBytes = 64 * 1024;

const aboutSchema = z.object({
  id: z.string(),
  model: z.string(),
  /** Of the weights and of the form of the cells: another engine cannot use them. */
  fingerprint: z.string(),
  tokens: z.int().min(1),
  savedAt: z.string(),
});
export type SessionAbout = z.output<typeof aboutSchema>;

const keptSchema = z.object({
  indices: z.array(z.int()),
  positions: z.array(z.int()),
  shift: z.int(),
  firstEvicted: z.int(),
  lastEvicted: z.int(),
  evicted: z.int(),
});
const sequenceSchema = z.object({
  tokens: z.array(z.int().min(0)).min(1),
  adapter: z.string(),
  /** What is left of it and the budget it lost the rest to. */
  compressed: z.object({ kept: keptSchema, budget: z.string() }).optional(),
});
/** `state`: the cells, as the native library writes them. */
export type SavedSequence = z.output<typeof sequenceSchema> & { state: Uint8Array };

export async function encodeSession(key: Buffer, about: SessionAbout, sequence: SavedSequence): Promise<Buffer> {
  const { state, ...rest } = sequence;
  const aboutText = Buffer.from(JSON.stringify(about));
  const length = Buffer.alloc(lengthBytes);
  length.writeUInt32LE(aboutText.length);
  const start = Buffer.concat([magic, length]);
  const first = await seal(key, aboutText, start);
  const restText = Buffer.from(JSON.stringify(rest));
  const restLength = Buffer.alloc(lengthBytes);
  restLength.writeUInt32LE(restText.length);
  const head = Buffer.concat([start, first]);
  return Buffer.concat([head, await seal(key, Buffer.concat([restLength, restText, state]), head)]);
}

/** Bytes at the beginning of a file that are enough for `decodeAbout`. */
export const aboutReadBytes = magic.length + lengthBytes + nonceBytes + mostAboutBytes + tagBytes;

/** Throws `session_invalid`. */
export async function decodeAbout(key: Buffer, bytes: Buffer): Promise<SessionAbout> {
  const { start, end } = aboutRange(bytes);
  const text = await unseal(key, bytes.subarray(start, end), bytes.subarray(0, start));
  return parse(aboutSchema, text);
}

/** Throws `session_invalid` for whatever was not written by `encodeSession` with this key. */
export async function decodeSession(
  key: Buffer,
  bytes: Buffer,
): Promise<{ about: SessionAbout; sequence: SavedSequence }> {
  const about = await decodeAbout(key, bytes);
  const { end } = aboutRange(bytes);
  const body = await unseal(key, bytes.subarray(end), bytes.subarray(0, end));
  const length = body.length < lengthBytes ? Infinity : body.readUInt32LE(0);
  if (lengthBytes + length > body.length) throw makeError('session_invalid', { reason: 'it ends too early' });
  const rest = parse(sequenceSchema, body.subarray(lengthBytes, lengthBytes + length));
  return { about, sequence: { ...rest, state: body.subarray(lengthBytes + length) } };
}

function aboutRange(bytes: Buffer): { start: number; end: number } {
  const start = magic.length + lengthBytes;
  if (bytes.length < start || !bytes.subarray(0, magic.length).equals(magic)) {
    throw makeError('session_invalid', { reason: 'it is no session file of this version' });
  }
  const length = bytes.readUInt32LE(magic.length);
  const end = start + nonceBytes + length + tagBytes;
  if (length > mostAboutBytes || end > bytes.length)
    throw makeError('session_invalid', { reason: 'it ends too early' });
  return { start, end };
}

/** Nonce, then the text with its tag. Off this thread: a session has tens of megabytes. */
async function seal(key: Buffer, text: Buffer, before: Buffer): Promise<Buffer> {
  const nonce = randomBytes(nonceBytes);
  const cipher = await webcrypto.subtle.importKey('raw', key, 'AES-GCM', false, ['encrypt']);
  const sealed = await webcrypto.subtle.encrypt({ name: 'AES-GCM', iv: nonce, additionalData: before }, cipher, text);
  return Buffer.concat([nonce, Buffer.from(sealed)]);
}

async function unseal(key: Buffer, sealed: Buffer, before: Buffer): Promise<Buffer> {
  if (sealed.length < nonceBytes + tagBytes) throw makeError('session_invalid', { reason: 'it ends too early' });
  const cipher = await webcrypto.subtle.importKey('raw', key, 'AES-GCM', false, ['decrypt']);
  const iv = sealed.subarray(0, nonceBytes);
  try {
    const text = await webcrypto.subtle.decrypt(
      { name: 'AES-GCM', iv, additionalData: before },
      cipher,
      sealed.subarray(nonceBytes),
    );
    return Buffer.from(text);
  } catch (cause) {
    throw makeError('session_invalid', { reason: 'it was changed or is of another key' }, { cause });
  }
}

function parse<Schema extends z.ZodType>(schema: Schema, text: Buffer): z.output<Schema> {
  try {
    return schema.parse(JSON.parse(text.toString('utf8')));
  } catch (cause) {
    throw makeError('session_invalid', { reason: 'its content has an unknown form' }, { cause });
  }
}
