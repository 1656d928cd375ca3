/** The origin's own file system, typed as far as workers have it and the libraries of types do not. */

/** Synchronous access; at most one at a time in all tabs. */
export type FileAccess = {
  read(buffer: Uint8Array, options: { at: number }): number;
  write(buffer: Uint8Array, options: { at: number }): number;
  truncate(size: number): void;
  getSize(): number;
  flush(): void;
  close(): void;
};

export async function modelFolder(): Promise<FileSystemDirectoryHandle> {
  const root = await navigator.storage.getDirectory();
  return root.getDirectoryHandle('duanyun-models', { create: true });
}

export async function openAccess(file: FileSystemFileHandle): Promise<FileAccess> {
  return (file as unknown as { createSyncAccessHandle(): Promise<FileAccess> }).createSyncAccessHandle();
}

export async function fileNames(folder: FileSystemDirectoryHandle): Promise<string[]> {
  const names: string[] = [];
  for await (const name of (folder as unknown as { keys(): AsyncIterable<string> }).keys()) names.push(name);
  return names;
}

export function isMissing(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'NotFoundError';
}

/** Other browsers' words for a full disk included. */
export function isQuota(error: unknown): boolean {
  return (
    error instanceof DOMException &&
    (error.name === 'QuotaExceededError' || error.name === 'NS_ERROR_FILE_NO_DEVICE_SPACE' || error.code === 22)
  );
}
