/** Which tokens of a sequence are still in the cache, and at which positions they stand there. */

export type PositionRange = { from: number; to: number };
export type PositionMove = PositionRange & { by: number };

export class KeptTokens {
  /** Indexes in the token list, ascending, and the position of each. */
  readonly #indices: number[] = [];
  readonly #positions: number[] = [];
  #shift = 0;
  #firstEvicted = Number.POSITIVE_INFINITY;
  #lastEvicted = -1;
  #evicted = 0;
  /** The first so many tokens share their cells with another sequence: those cells must keep their positions. */
  sharedUntil = 0;

  get cells(): number {
    return this.#indices.length;
  }

  get evicted(): number {
    return this.#evicted;
  }

  get indices(): readonly number[] {
    return this.#indices;
  }

  get positions(): readonly number[] {
    return this.#positions;
  }

  /** Tokens before the first that was evicted: what another sequence may share. */
  get intact(): number {
    return this.#firstEvicted;
  }

  /** Length of the shortest beginning that holds all gaps: from there on the sequence can be cut and continued. */
  get resumeFrom(): number {
    return this.#lastEvicted + 1;
  }

  /** By how much tokens that come next stand before where they would without evictions. */
  get shift(): number {
    return this.#shift;
  }

  /** @param position where the token would stand if nothing had been evicted */
  append(index: number, position: number): void {
    this.#indices.push(index);
    this.#positions.push(position - this.#shift);
  }

  /**
   * Forgets the tokens at these places (of `indices`, ascending) and returns the positions to free. Tokens of a picture,
   * which may share a position, must go together or not at all.
   */
  evict(places: readonly number[]): PositionRange[] {
    const ranges: PositionRange[] = [];
    let previousPlace = -2;
    for (const place of places) {
      const position = this.#positions[place] as number;
      const last = ranges.at(-1);
      if (last !== undefined && place === previousPlace + 1) last.to = position + 1;
      else ranges.push({ from: position, to: position + 1 });
      previousPlace = place;
      const index = this.#indices[place] as number;
      this.#firstEvicted = Math.min(this.#firstEvicted, index);
      this.#lastEvicted = Math.max(this.#lastEvicted, index);
    }
    this.#evicted += places.length;
    const gone = new Set(places);
    keepOnly(this.#indices, gone);
    keepOnly(this.#positions, gone);
    return ranges;
  }

  /** Moves what stands behind gaps forward, so that positions count up without holes; in the order to apply them. */
  closeGaps(): PositionMove[] {
    const moves: PositionMove[] = [];
    let free = 0;
    for (let place = 0; place < this.#indices.length; place++) {
      const position = this.#positions[place] as number;
      if ((this.#indices[place] as number) >= this.sharedUntil && position > free) {
        const by = free - position;
        const last = moves.at(-1);
        if (last !== undefined && last.by === by && last.to === position) last.to = position + 1;
        else moves.push({ from: position, to: position + 1, by });
        this.#positions[place] = free;
      }
      free = (this.#positions[place] as number) + 1;
    }
    this.#shift -= moves.at(-1)?.by ?? 0;
    return moves;
  }

  /** Forgets what stands at `length` and behind it in the token list; nothing there may have been evicted. */
  truncate(length: number): void {
    while ((this.#indices.at(-1) ?? -1) >= length) {
      this.#indices.pop();
      this.#positions.pop();
    }
  }

  /** For a file; `restore` makes it again. */
  save(): KeptTokensRecord {
    return {
      indices: [...this.#indices],
      positions: [...this.#positions],
      shift: this.#shift,
      firstEvicted: this.#evicted === 0 ? -1 : this.#firstEvicted,
      lastEvicted: this.#lastEvicted,
      evicted: this.#evicted,
    };
  }

  static restore(record: KeptTokensRecord): KeptTokens {
    const kept = new KeptTokens();
    kept.#indices.push(...record.indices);
    kept.#positions.push(...record.positions);
    kept.#shift = record.shift;
    kept.#firstEvicted = record.firstEvicted < 0 ? Number.POSITIVE_INFINITY : record.firstEvicted;
    kept.#lastEvicted = record.lastEvicted;
    kept.#evicted = record.evicted;
    return kept;
  }
}

export type KeptTokensRecord = {
  indices: number[];
  positions: number[];
  shift: number;
  /** −1: none. */
  firstEvicted: number;
  lastEvicted: number;
  evicted: number;
};

function keepOnly(list: number[], gone: ReadonlySet<number>): void {
  let length = 0;
  for (let place = 0; place < list.length; place++) {
    if (!gone.has(place)) list[length++] = list[place] as number;
  }
  list.length = length;
}
