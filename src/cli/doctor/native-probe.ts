/** Runs in a process of its own for `doctor`: loads the native library, checks its layouts, prints what it can do. */
import { toDuanyunError } from '../../core/errors.ts';
import { loadNative } from '../../engine/native/library.ts';

try {
  process.stdout.write(JSON.stringify({ systemInfo: String(loadNative().systemInfo()) }));
} catch (error) {
  const { code, message } = toDuanyunError(error);
  process.stdout.write(
    JSON.stringify({ code, message, detail: error instanceof Error ? error.message : String(error) }),
  );
}
