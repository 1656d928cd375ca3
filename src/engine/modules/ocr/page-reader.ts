/**
 * Reads the printed text of a picture: where lines are, which way up they stand, what they say. The three models are
 * PP-OCR's detector, direction classifier and recogniser; whoever makes this hands them in.
 */
import type { PictureLine } from '../../../core/perception.ts';
import type { OnnxModel } from '../../native/onnx-runtime.ts';
import { decodeLine, type DecodedLine } from './ctc-decoder.ts';
import { readingRows } from './reading-order.ts';
import { quadOf, type Quad, type Rectangle } from './rectangle.ts';
import { detectorNormalisation, lineNormalisation, type Pixels, samplePicture } from './sample-picture.ts';
import { findTextRegions, maxRegions } from './text-regions.ts';

export type PageModels = { detector: OnnxModel; direction: OnnxModel; recogniser: OnnxModel; signs: readonly string[] };
export type PageText = {
  text: string;
  lines: PictureLine[];
  /** Places that look like text and could not be read. */
  unreadLines: number;
};

/** Longest side that the detector sees, in pixels. Larger finds smaller print and takes longer. */
const detectorSide = 1536;
/** Smaller pictures are enlarged, since the detector does not know letters of a few pixels; at most twice. */
const comfortableSide = 1024;
const lineHeight = 48;
const directionWidth = 192;
/** Wider than any line of a page; wider ones are squeezed. */
const maxLineWidth = 3200;
/** Lines that decide which way up a page is: the widest are the surest. */
const directionLines = 9;
const sureDirection = 0.75;
/** Below this a line is taken for unread. */
const readConfidence = 0.6;
/** Pieces this many times as high as wide may be a single sign or a line that runs down. */
const tallRatio = 1.5;

type Found = { rectangle: Rectangle; line: DecodedLine };

/** @param breathe called between the models' runs; awaits whatever else the process has to do, and may throw to end */
export async function readPage(picture: Pixels, models: PageModels, breathe: () => Promise<void>): Promise<PageText> {
  const regions = await findRegions(picture, models.detector);
  await breathe();
  const turns = await turnsOf(picture, regions, models.direction);
  const found: Found[] = [];
  for (const rectangle of regions) {
    found.push({ rectangle, line: await readBestLine(picture, rectangle, turns, models) });
    await breathe();
  }
  const isRead = ({ line }: Found): boolean => line.confidence >= readConfidence && line.text.trim() !== '';
  const readable = found.filter(isRead);
  const skew = skewOf(regions);
  const rows = readingRows(
    readable.map(({ line, rectangle }) => Object.assign(uprightBox(rectangle, picture, turns, skew), { line })),
  );
  return {
    text: rows.map((row) => row.map(({ line }) => line.text.trim()).join(' ')).join('\n'),
    lines: rows.flat().map(({ line, x, y, width, height }) => ({
      text: line.text.trim(),
      confidence: line.confidence,
      box: { x, y, width, height },
    })),
    unreadLines:
      found.filter((each) => !isRead(each) && isLong(each.rectangle)).length + (regions.length >= maxRegions ? 1 : 0),
  };
}

async function findRegions(picture: Pixels, detector: OnnxModel): Promise<Rectangle[]> {
  const longest = Math.max(picture.width, picture.height);
  const scale = Math.min(detectorSide / longest, Math.max(1, Math.min(2, comfortableSide / longest)));
  const side = (length: number): number => Math.max(32, Math.round((length * scale) / 32) * 32);
  const [width, height] = [side(picture.width), side(picture.height)];
  const whole: Quad = {
    topLeft: { x: 0, y: 0 },
    topRight: { x: picture.width, y: 0 },
    bottomLeft: { x: 0, y: picture.height },
  };
  const planes = samplePicture(picture, whole, { width, height }, detectorNormalisation);
  const map = await detector.run({ data: planes.data, dims: [1, 3, height, width] });
  const [scaleX, scaleY] = [picture.width / width, picture.height / height];
  return findTextRegions(map.data, width, height).map(({ rectangle }) => ({
    angle: rectangle.angle,
    // The two scales differ by rounding only.
    centre: { x: rectangle.centre.x * scaleX, y: rectangle.centre.y * scaleY },
    width: rectangle.width * scaleX,
    height: rectangle.height * scaleY,
  }));
}

/** Quarter turns clockwise that the page's lines are away from running to the right. */
async function turnsOf(picture: Pixels, regions: readonly Rectangle[], direction: OnnxModel): Promise<number> {
  const long = regions.filter(isLong);
  if (long.length === 0) return 0;
  let [lying, standing] = [0, 0];
  for (const { width, height } of long) {
    if (width >= height) lying += width;
    else standing += height;
  }
  const turned = standing > lying ? 1 : 0;
  const widest = long
    .filter(({ width, height }) => height > width === (turned === 1))
    .toSorted((left, right) => longer(right) - longer(left))
    .slice(0, directionLines);
  let votes = 0;
  for (const rectangle of widest) {
    const quad = quadOf(rectangle, turned);
    const filled = Math.min(directionWidth, Math.max(1, Math.round(lineHeight * ratioOf(quad))));
    const size = { width: directionWidth, height: lineHeight, filled };
    const { data } = samplePicture(picture, quad, size, lineNormalisation);
    const scores = await direction.run({ data, dims: [1, 3, lineHeight, directionWidth] });
    if ((scores.data[1] ?? 0) > sureDirection) votes++;
    else votes--;
  }
  return votes > 0 ? turned + 2 : turned;
}

async function readBestLine(
  picture: Pixels,
  rectangle: Rectangle,
  turns: number,
  models: PageModels,
): Promise<DecodedLine> {
  const quad = quadOf(rectangle, turns);
  const straight = await readLine(picture, quad, models);
  if (ratioOf(quad) > 1 / tallRatio || straight.confidence > 0.9) return straight;
  const turned = await readLine(picture, quadOf(rectangle, (turns + 1) % 4), models);
  return turned.confidence > straight.confidence ? turned : straight;
}

async function readLine(picture: Pixels, quad: Quad, { recogniser, signs }: PageModels): Promise<DecodedLine> {
  const filled = Math.min(maxLineWidth, Math.max(8, Math.round(lineHeight * ratioOf(quad))));
  // The recogniser was trained on lines at least this wide, and steps of eight pixels.
  const width = Math.max(64, Math.ceil(filled / 8) * 8);
  const { data } = samplePicture(picture, quad, { width, height: lineHeight, filled }, lineNormalisation);
  const scores = await recogniser.run({ data, dims: [1, 3, lineHeight, width] });
  return decodeLine(scores.data, signs);
}

/** A single sign says nothing of a page's direction, and a round thing is no line that could not be read. */
function isLong({ width, height }: Rectangle): boolean {
  return Math.max(width, height) > 2 * Math.min(width, height);
}

/** Radians by which the page's lines slope, the long ones counting most. */
function skewOf(regions: readonly Rectangle[]): number {
  const long = regions.filter(isLong).toSorted((left, right) => left.angle - right.angle);
  const half = long.reduce((sum, each) => sum + longer(each), 0) / 2;
  let sum = 0;
  for (const rectangle of long) {
    sum += longer(rectangle);
    if (sum >= half) return rectangle.angle;
  }
  return 0;
}

/** Width over height of a quad in reading direction. */
function ratioOf({ topLeft, topRight, bottomLeft }: Quad): number {
  const width = Math.hypot(topRight.x - topLeft.x, topRight.y - topLeft.y);
  return width / Math.max(1, Math.hypot(bottomLeft.x - topLeft.x, bottomLeft.y - topLeft.y));
}

function longer({ width, height }: Rectangle): number {
  return Math.max(width, height);
}

/** The box around a rectangle on the page turned upright and straight. */
function uprightBox(
  { centre, width, height, angle }: Rectangle,
  picture: Pixels,
  turns: number,
  skew: number,
): PictureLine['box'] {
  const lean = angle - skew;
  const [cosine, sine] = [Math.abs(Math.cos(lean)), Math.abs(Math.sin(lean))];
  const [across, down] = [cosine * width + sine * height, sine * width + cosine * height];
  const [awayX, awayY] = [centre.x - picture.width / 2, centre.y - picture.height / 2];
  const straightX = awayX * Math.cos(skew) + awayY * Math.sin(skew) + picture.width / 2;
  const straightY = awayY * Math.cos(skew) - awayX * Math.sin(skew) + picture.height / 2;
  const [x, y] = [
    [straightX, straightY],
    [straightY, picture.width - straightX],
    [picture.width - straightX, picture.height - straightY],
    [picture.height - straightY, straightX],
  ][turns] as [number, number];
  const [boxWidth, boxHeight] = turns % 2 === 0 ? [across, down] : [down, across];
  return { x: x - boxWidth / 2, y: y - boxHeight / 2, width: boxWidth, height: boxHeight };
}
