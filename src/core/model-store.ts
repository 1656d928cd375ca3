import type { FileRole, ModelEntry } from './catalogue.ts';

/** A model whose files are all on this machine, checked against their hashes. */
export type InstalledModel = {
  entry: ModelEntry;
  weightsPath: string;
  projectorPath?: string;
  /** Every file by its role. Absent for a file of one's own. */
  paths?: Partial<Record<FileRole, string>>;
  /** Where files made from these lie; may not exist yet. Removed with the model. */
  derivedDirectory?: string;
  sizeBytes: number;
  /** Identity of the published weights: `sha256:…` for those of the store, `file:size:mtime` for the user's own. */
  source: string;
  /** Present where `weightsPath` is a file that `duanyun optimize` wrote for this device. */
  tuned?: { goal: string; recipe: string; sourcePath: string };
};

/** Progress of one pull. Ends with `pull-done`, or the iteration throws a `DuanyunError`. */
export type PullEvent =
  | { type: 'pull-start'; model: string; file: string; totalBytes: number | undefined; resumedBytes: number }
  | { type: 'source-start'; file: string; source: string }
  | { type: 'source-failed'; file: string; source: string; reason: string }
  | {
      type: 'pull-progress';
      file: string;
      receivedBytes: number;
      totalBytes: number | undefined;
      bytesPerSecond: number;
      remainingSeconds: number | undefined;
    }
  | { type: 'file-done'; file: string; sha256: string; sizeBytes: number }
  | { type: 'pull-done'; model: string };

/** What the entry and the command line need of the store in `models`. */
export interface ModelAdministration {
  catalogue(): ModelEntry[];
  installed(): Promise<InstalledModel[]>;
  /** Catalogue id, alias, `default`, or a path to a GGUF file. */
  pull(name: string, options: { signal: AbortSignal }): AsyncIterable<PullEvent>;
  /** Frees the disk; returns the bytes freed. */
  remove(name: string): Promise<number>;
}

/** The model that answers on the device, and another one in its place. */
export interface DeviceModelSwitch {
  /** Id of the model that answers or is being brought up. */
  current(): string | undefined;
  /**
   * Resolves when the other model answers. Answers that run end first; what does not fit is refused before anything is
   * let go, and where the other one cannot be loaded the one before comes back.
   *
   * @throws `model_not_found` for one that is not installed, `conflict` while one is being brought up, `model_too_large` …
   */
  switchTo(name: string, signal: AbortSignal): Promise<void>;
}
