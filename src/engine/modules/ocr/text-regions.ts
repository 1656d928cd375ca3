/**
 * From the map of a text detector (differentiable binarisation, Liao et al. 2020) to rectangles around lines of text.
 * Constants are those that PP-OCR was published with, unless they say otherwise. Pure.
 */
import { grow, smallestRectangle, upright, type Point, type Rectangle } from './rectangle.ts';

export type TextRegion = { rectangle: Rectangle; score: number };

/** A pixel with at least this probability is text. */
const pixelThreshold = 0.3;
/** Mean probability over the rectangle. Published: 0.6; a line that is missed here is a line that nobody checks. */
const regionThreshold = 0.5;
/** The detector is trained on shrunken regions; this much of area over perimeter is added again. Published: 1.5. */
const growRatio = 1.6;
/** Shorter sides, in pixels of the map, are specks. */
const minSide = 3;
/** More are noise; the picture is then read in part and counts as not read. */
export const maxRegions = 1000;

/** @param map probabilities, row by row */
export function findTextRegions(map: Float32Array, width: number, height: number): TextRegion[] {
  const seen = new Uint8Array(map.length);
  const regions: TextRegion[] = [];
  for (let start = 0; start < map.length && regions.length < maxRegions; start++) {
    if (seen[start] === 1 || !((map[start] ?? 0) > pixelThreshold)) continue;
    const outline = outlineOf(map, seen, start, width, height);
    const core = smallestRectangle(outline);
    if (Math.min(core.width, core.height) < minSide) continue;
    const score = meanInside(map, width, height, core);
    if (score < regionThreshold) continue;
    const by = (core.width * core.height * growRatio) / (2 * (core.width + core.height));
    const rectangle = upright(grow(core, by));
    if (Math.min(rectangle.width, rectangle.height) < minSide + 2) continue;
    regions.push({ rectangle, score });
  }
  return regions;
}

/** The first and the last pixel of each row of one connected patch: as good as all of them for a hull. */
function outlineOf(map: Float32Array, seen: Uint8Array, start: number, width: number, height: number): Point[] {
  const rows = new Map<number, { first: number; last: number }>();
  const waiting = [start];
  seen[start] = 1;
  for (let index = waiting.pop(); index !== undefined; index = waiting.pop()) {
    const [x, y] = [index % width, Math.floor(index / width)];
    const row = rows.get(y);
    if (row === undefined) rows.set(y, { first: x, last: x });
    else {
      row.first = Math.min(row.first, x);
      row.last = Math.max(row.last, x);
    }
    for (let down = Math.max(0, y - 1); down <= Math.min(height - 1, y + 1); down++) {
      for (let across = Math.max(0, x - 1); across <= Math.min(width - 1, x + 1); across++) {
        const next = down * width + across;
        if (seen[next] === 1 || !((map[next] ?? 0) > pixelThreshold)) continue;
        seen[next] = 1;
        waiting.push(next);
      }
    }
  }
  // Both edges of the pixels, so that a patch one pixel high has a height.
  return [...rows].flatMap(([y, { first, last }]) => [
    { x: first, y },
    { x: last + 1, y },
    { x: first, y: y + 1 },
    { x: last + 1, y: y + 1 },
  ]);
}

function meanInside(map: Float32Array, width: number, height: number, rectangle: Rectangle): number {
  const { centre, angle } = rectangle;
  const [cosine, sine] = [Math.cos(angle), Math.sin(angle)];
  const reachX = (Math.abs(cosine) * rectangle.width + Math.abs(sine) * rectangle.height) / 2;
  const reachY = (Math.abs(sine) * rectangle.width + Math.abs(cosine) * rectangle.height) / 2;
  let [sum, count] = [0, 0];
  const lastY = Math.min(height - 1, Math.floor(centre.y + reachY));
  const lastX = Math.min(width - 1, Math.floor(centre.x + reachX));
  for (let y = Math.max(0, Math.floor(centre.y - reachY)); y <= lastY; y++) {
    for (let x = Math.max(0, Math.floor(centre.x - reachX)); x <= lastX; x++) {
      const [awayX, awayY] = [x + 0.5 - centre.x, y + 0.5 - centre.y];
      if (Math.abs(awayX * cosine + awayY * sine) > rectangle.width / 2) continue;
      if (Math.abs(awayY * cosine - awayX * sine) > rectangle.height / 2) continue;
      sum += map[y * width + x] ?? 0;
      count++;
    }
  }
  return count === 0 ? 0 : sum / count;
}
