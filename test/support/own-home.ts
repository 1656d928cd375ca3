import { mkdirSync, mkdtempSync, symlinkSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/** A home with the weights of another one, and nothing else of it: what was remembered there must not decide a test. */
export function ownHome(home: string): string {
  const own = mkdtempSync(path.join(os.tmpdir(), 'duanyun-home-'));
  for (const name of ['blobs', 'models', 'derived']) {
    // A fresh home has nothing derived yet.
    mkdirSync(path.join(home, name), { recursive: true });
    symlinkSync(path.join(home, name), path.join(own, name));
  }
  return own;
}
