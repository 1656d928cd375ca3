/** From what a line recogniser says for each step to a text: the likeliest sign of each, repeats and blanks taken out. Pure. */

export type DecodedLine = {
  text: string;
  /** Mean probability of its signs; 0 where there are none. */
  confidence: number;
};

/** @param keys what a model can write, a sign a line, as PP-OCR ships it; a blank stands for sign 0, a space for the last */
export function signsOf(keys: string): string[] {
  return ['', ...keys.replace(/\r?\n$/, '').split(/\r?\n/), ' '];
}

/** @param scores probabilities, `signs.length` for each step */
export function decodeLine(scores: Float32Array, signs: readonly string[]): DecodedLine {
  const steps = Math.floor(scores.length / signs.length);
  let text = '';
  let [sum, count, last] = [0, 0, 0];
  for (let step = 0; step < steps; step++) {
    const offset = step * signs.length;
    let best = 0;
    for (let sign = 1; sign < signs.length; sign++) {
      if ((scores[offset + sign] ?? 0) > (scores[offset + best] ?? 0)) best = sign;
    }
    if (best !== 0 && best !== last) {
      text += signs[best] ?? '';
      sum += scores[offset + best] ?? 0;
      count++;
    }
    last = best;
  }
  return { text, confidence: count === 0 ? 0 : sum / count };
}
