/** What went wrong with one mirror, in words for the user. Never leaves this folder: the store makes catalogue errors of it. */
export class DownloadFault extends Error {
  /** True where trying the same mirror again is pointless: no such file, other content. */
  readonly permanent: boolean;

  constructor(message: string, options: { cause?: unknown; permanent?: boolean } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'DownloadFault';
    this.permanent = options.permanent ?? false;
  }
}
