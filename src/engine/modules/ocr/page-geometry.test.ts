import { describe, expect, it } from 'vitest';
import { decodeLine, signsOf } from './ctc-decoder.ts';
import { readingRows } from './reading-order.ts';
import { quadOf, smallestRectangle, upright } from './rectangle.ts';
import { lineNormalisation, samplePicture } from './sample-picture.ts';
import { findTextRegions } from './text-regions.ts';

describe('rectangles', () => {
  it('are the smallest around points in any direction', () => {
    const angle = 0.3;
    const corners = [-20, 20].flatMap((u) =>
      [-5, 5].map((v) => ({
        x: 50 + u * Math.cos(angle) - v * Math.sin(angle),
        y: 40 + u * Math.sin(angle) + v * Math.cos(angle),
      })),
    );
    const found = upright(smallestRectangle([...corners, { x: 50, y: 40 }]));
    expect(found.width).toBeCloseTo(40);
    expect(found.height).toBeCloseTo(10);
    expect(found.angle).toBeCloseTo(angle);
    expect(found.centre.x).toBeCloseTo(50);
  });

  it('give quads in four reading directions', () => {
    const rectangle = { centre: { x: 10, y: 5 }, width: 20, height: 10, angle: 0 };
    expect(quadOf(rectangle, 0)).toMatchObject({ topLeft: { x: 0, y: 0 }, topRight: { x: 20, y: 0 } });
    expect(quadOf(rectangle, 1)).toMatchObject({ topLeft: { x: 20, y: 0 }, topRight: { x: 20, y: 10 } });
    expect(quadOf(rectangle, 2)).toMatchObject({ topLeft: { x: 20, y: 10 }, bottomLeft: { x: 20, y: 0 } });
  });

  it('do not fail on a point, a line or nothing', () => {
    expect(smallestRectangle([])).toMatchObject({ width: 0 });
    expect(smallestRectangle([{ x: 1, y: 1 }])).toMatchObject({ width: 0, height: 0 });
  });
});

describe('regions', () => {
  it('are found where the map is high, grown by their size, without specks', () => {
    const map = new Float32Array(100 * 60);
    for (let y = 20; y < 30; y++) map.fill(0.9, y * 100 + 10, y * 100 + 70);
    map[5 * 100 + 90] = 0.9;
    const regions = findTextRegions(map, 100, 60);
    expect(regions).toHaveLength(1);
    expect(regions[0]?.rectangle.centre).toMatchObject({ x: 40, y: 25 });
    expect(regions[0]?.rectangle.height).toBeGreaterThan(14);
  });
});

describe('a line', () => {
  it('is put together from the likeliest signs', () => {
    const signs = signsOf('甲\n乙\n');
    expect(signs).toEqual(['', '甲', '乙', ' ']);
    const steps = [1, 1, 0, 1, 2, 3, 0];
    const scores = new Float32Array(steps.length * signs.length);
    for (const [step, sign] of steps.entries()) scores[step * signs.length + sign] = 0.8;
    const line = decodeLine(scores, signs);
    expect(line.text).toBe('甲甲乙 ');
    expect(line.confidence).toBeCloseTo(0.8);
    expect(decodeLine(new Float32Array(0), signs)).toEqual({ text: '', confidence: 0 });
  });

  it('is sampled in its own direction', () => {
    const picture = { width: 2, height: 1, rgb: Uint8Array.from([255, 0, 0, 0, 0, 255]) };
    const quad = { topLeft: { x: 2, y: 1 }, topRight: { x: 0, y: 1 }, bottomLeft: { x: 2, y: 0 } };
    const { data } = samplePicture(picture, quad, { width: 2, height: 1 }, lineNormalisation);
    // Blue first: the planes are blue, green, red.
    expect([...data].map(Math.round)).toEqual([1, -1, -1, -1, -1, 1]);
  });
});

describe('reading order', () => {
  const piece = (name: string, x: number, y: number, width = 300) => ({ name, x, y, width, height: 20 });
  const names = (rows: { name: string }[][]) => rows.map((row) => row.map(({ name }) => name).join(' '));

  it('keeps the cells of a row together', () => {
    const cells = [0, 1, 2, 3, 4].flatMap((row) => [
      piece(`l${row}`, 10, row * 40 + 3, 40),
      piece(`r${row}`, 400, row * 40, 40),
    ]);
    expect(names(readingRows(cells.toReversed()))).toEqual(['l0 r0', 'l1 r1', 'l2 r2', 'l3 r3', 'l4 r4']);
  });

  it('reads columns of running text one after the other', () => {
    const lines = [0, 1, 2, 3].flatMap((row) => [piece(`l${row}`, 10, row * 40), piece(`r${row}`, 400, row * 40 + 8)]);
    expect(names(readingRows(lines))).toEqual(['l0', 'l1', 'l2', 'l3', 'r0', 'r1', 'r2', 'r3']);
  });
});
