import { open } from 'node:fs/promises';
import { makeError } from '../core/errors.ts';

/** A whole file that the user named. Throws `not_found`, `invalid_request`, `body_too_large`. */
export async function readUserFile(file: string, mostMib: number): Promise<Buffer> {
  const handle = await open(file).catch((cause: unknown) => {
    throw unreadable(file, cause);
  });
  try {
    const { size } = await handle.stat();
    if (size > mostMib * 1024 * 1024) throw makeError('body_too_large', { limitMiB: mostMib });
    const bytes = await handle.readFile().catch((cause: unknown) => {
      throw unreadable(file, cause);
    });
    if (bytes.length === 0) throw makeError('invalid_request', { reason: `The file ${file} is empty.` });
    return bytes;
  } finally {
    await handle.close();
  }
}

function unreadable(file: string, cause: unknown): Error {
  const { code } = cause as NodeJS.ErrnoException;
  if (code === 'ENOENT') return makeError('not_found', { what: `The file ${file}` }, { cause });
  const reason = code === 'EISDIR' ? 'it is a folder' : (code ?? 'it cannot be opened');
  return makeError('invalid_request', { reason: `The file ${file} cannot be read: ${reason}.` }, { cause });
}
