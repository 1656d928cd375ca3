/** Rectangles in any direction around sets of points. Pure. */

export type Point = { x: number; y: number };
/** Around `centre`; `angle` in radians is the direction of `width`. */
export type Rectangle = { centre: Point; width: number; height: number; angle: number };
/** Of a line of text: from its first letter's top, in reading direction. */
export type Quad = { topLeft: Point; topRight: Point; bottomLeft: Point };

/** Andrew's monotone chain. */
export function convexHull(points: readonly Point[]): Point[] {
  const sorted = points.toSorted((left, right) => left.x - right.x || left.y - right.y);
  if (sorted.length < 3) return sorted;
  const half = (ordered: readonly Point[]): Point[] => {
    const chain: Point[] = [];
    for (const point of ordered) {
      for (;;) {
        const [before, last] = [chain.at(-2), chain.at(-1)];
        if (before === undefined || last === undefined || cross(before, last, point) > 0) break;
        chain.pop();
      }
      chain.push(point);
    }
    return chain.slice(0, -1);
  };
  return [...half(sorted), ...half(sorted.toReversed())];
}

/** The smallest rectangle around the points; one of its sides lies on a side of their hull. */
export function smallestRectangle(points: readonly Point[]): Rectangle {
  const hull = convexHull(points);
  let best: Rectangle | undefined;
  for (const [index, from] of hull.entries()) {
    const to = hull[(index + 1) % hull.length] ?? from;
    const angle = Math.atan2(to.y - from.y, to.x - from.x);
    const candidate = rectangleAt(hull, angle);
    if (best === undefined || candidate.width * candidate.height < best.width * best.height) best = candidate;
  }
  return best ?? { centre: { x: 0, y: 0 }, width: 0, height: 0, angle: 0 };
}

/** Grown by the same amount on each side. */
export function grow(rectangle: Rectangle, by: number): Rectangle {
  return { ...rectangle, width: rectangle.width + 2 * by, height: rectangle.height + 2 * by };
}

/** `width` becomes the direction that is nearest to the right, so that text in it stands or lies but is not mirrored. */
export function upright(rectangle: Rectangle): Rectangle {
  const quarterTurns = Math.round(rectangle.angle / (Math.PI / 2));
  const angle = rectangle.angle - quarterTurns * (Math.PI / 2);
  if (quarterTurns % 2 === 0) return { ...rectangle, angle };
  return { ...rectangle, width: rectangle.height, height: rectangle.width, angle };
}

/** @param turns quarter turns clockwise that the line's reading direction is away from the rectangle's `width` */
export function quadOf({ centre, width, height, angle }: Rectangle, turns: number): Quad {
  const along = { x: (Math.cos(angle) * width) / 2, y: (Math.sin(angle) * width) / 2 };
  const down = { x: (-Math.sin(angle) * height) / 2, y: (Math.cos(angle) * height) / 2 };
  const corner = (right: number, bottom: number): Point => ({
    x: centre.x + right * along.x + bottom * down.x,
    y: centre.y + right * along.y + bottom * down.y,
  });
  const corners = [corner(-1, -1), corner(1, -1), corner(1, 1), corner(-1, 1)];
  const at = (index: number): Point => corners[(index + turns) % 4] as Point;
  return { topLeft: at(0), topRight: at(1), bottomLeft: at(3) };
}

function rectangleAt(points: readonly Point[], angle: number): Rectangle {
  const [cosine, sine] = [Math.cos(angle), Math.sin(angle)];
  let [left, right, top, bottom] = [Infinity, -Infinity, Infinity, -Infinity];
  for (const { x, y } of points) {
    const along = x * cosine + y * sine;
    const across = y * cosine - x * sine;
    left = Math.min(left, along);
    right = Math.max(right, along);
    top = Math.min(top, across);
    bottom = Math.max(bottom, across);
  }
  const [along, across] = [(left + right) / 2, (top + bottom) / 2];
  const centre = { x: along * cosine - across * sine, y: along * sine + across * cosine };
  return { centre, width: right - left, height: bottom - top, angle };
}

function cross(origin: Point, left: Point, right: Point): number {
  return (left.x - origin.x) * (right.y - origin.y) - (left.y - origin.y) * (right.x - origin.x);
}
