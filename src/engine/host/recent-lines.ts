/** The last lines of a text stream, for the log after a crash. */
export class RecentLines {
  readonly #limit: number;
  #lines: string[] = [];
  #rest = '';

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    this.#lines = [...this.#lines, ...lines].slice(-this.#limit);
  }

  lines(): string[] {
    return this.#rest === '' ? [...this.#lines] : [...this.#lines, this.#rest];
  }
}
