/** Puts the pieces of a page in the order in which a person reads them. Pure. */

export type Placed = {
  /** Of an upright page. */
  x: number;
  y: number;
  width: number;
  height: number;
};

/** Columns of running text have at least this many pieces, each at least this many times as wide as high. */
const columnPieces = 4;
const columnRatio = 5;
/** In heights of a line. */
const gutterHeights = 0.8;

/** Rows from top to bottom, each from left to right. Columns of running text are read one after the other. */
export function readingRows<Piece extends Placed>(pieces: readonly Piece[]): Piece[][] {
  const columns = splitColumns(pieces);
  return columns === undefined ? rowsOf(pieces) : columns.flatMap((column) => readingRows(column));
}

/** Pieces whose middles lie in each other's height stand in one row. */
function rowsOf<Piece extends Placed>(pieces: readonly Piece[]): Piece[][] {
  const rows: Piece[][] = [];
  for (const piece of pieces.toSorted((left, right) => middle(left) - middle(right))) {
    const row = rows.at(-1);
    const last = row?.at(-1);
    const isSame = last !== undefined && middle(piece) - middle(last) < Math.min(piece.height, last.height) * 0.5;
    if (row !== undefined && isSame) row.push(piece);
    else rows.push([piece]);
  }
  for (const row of rows) row.sort((left, right) => left.x - right.x);
  return rows;
}

/** Two sides of an empty band from top to bottom, where both hold running text; a table's columns do not. */
function splitColumns<Piece extends Placed>(pieces: readonly Piece[]): [Piece[], Piece[]] | undefined {
  if (pieces.length < 2 * columnPieces) return undefined;
  const height = median(pieces.map((piece) => piece.height));
  const sorted = pieces.toSorted((left, right) => left.x - right.x);
  let end = -Infinity;
  for (const [index, piece] of sorted.entries()) {
    if (index >= columnPieces && sorted.length - index >= columnPieces && piece.x - end > height * gutterHeights) {
      const sides: [Piece[], Piece[]] = [sorted.slice(0, index), sorted.slice(index)];
      if (sides.every(isRunningText)) return sides;
    }
    end = Math.max(end, piece.x + piece.width);
  }
  return undefined;
}

function isRunningText(pieces: readonly Placed[]): boolean {
  return median(pieces.map(({ width, height }) => width / height)) >= columnRatio;
}

function middle({ y, height }: Placed): number {
  return y + height / 2;
}

function median(values: readonly number[]): number {
  return values.toSorted((left, right) => left - right)[Math.floor(values.length / 2)] ?? 0;
}
