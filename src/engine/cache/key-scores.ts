/**
 * What a cell is worth by the geometry of its keys, averaged over layers and heads (cells are shared by all of them). Higher
 * stays longer. Pure.
 */

export type KeyRows = {
  /** `cells` × `width` numbers. */
  rows: Float32Array;
  /** All heads of a layer side by side. */
  width: number;
};

/**
 * Keys with a small norm draw the most attention (Devoto et al., arXiv 2406.11430).
 * @param headSize width of one head, a divisor of `width`
 */
export function keyNormScores(layers: Iterable<KeyRows>, cells: number, headSize: number): Float32Array {
  const scores = new Float32Array(cells);
  eachHead(layers, headSize, ({ rows, width }, offset) => {
    for (let cell = 0; cell < cells; cell++) {
      scores[cell] = (scores[cell] as number) - norm(rows, cell * width + offset, headSize);
    }
  });
  return scores;
}

/** Keys unlike the mean of all keys tell most (KeyDiff, arXiv 2504.15364): one minus the cosine to the mean direction. */
export function keyDiffScores(layers: Iterable<KeyRows>, cells: number, headSize: number): Float32Array {
  const scores = new Float32Array(cells);
  const anchor = new Float64Array(headSize);
  const norms = new Float32Array(cells);
  eachHead(layers, headSize, ({ rows, width }, offset) => {
    anchor.fill(0);
    for (let cell = 0; cell < cells; cell++) {
      const start = cell * width + offset;
      const length = norm(rows, start, headSize) || 1;
      norms[cell] = length;
      for (let index = 0; index < headSize; index++) {
        anchor[index] = (anchor[index] as number) + (rows[start + index] as number) / length;
      }
    }
    const anchorNorm = Math.hypot(...anchor) || 1;
    for (let cell = 0; cell < cells; cell++) {
      const start = cell * width + offset;
      let product = 0;
      for (let index = 0; index < headSize; index++) {
        product += (rows[start + index] as number) * (anchor[index] as number);
      }
      scores[cell] = (scores[cell] as number) - product / ((norms[cell] as number) * anchorNorm);
    }
  });
  return scores;
}

function eachHead(layers: Iterable<KeyRows>, headSize: number, visit: (layer: KeyRows, offset: number) => void): void {
  for (const layer of layers) {
    for (let offset = 0; offset < layer.width; offset += headSize) visit(layer, offset);
  }
}

function norm(rows: Float32Array, start: number, length: number): number {
  let sum = 0;
  for (let index = start; index < start + length; index++) sum += (rows[index] as number) ** 2;
  return Math.sqrt(sum);
}
