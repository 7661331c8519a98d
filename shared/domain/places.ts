import { type Coordinates, toCoordinates, toVector, type Vector } from './globe.ts';
import { places as tuning } from './tuning.ts';

/** Sightings in one small part of the globe. */
export interface PlaceCell {
  readonly count: number;
  /** Times of the first and the last sighting, in milliseconds since the epoch. */
  readonly first: number;
  readonly last: number;
  /** Sum of the points in space, and the corners of the box around them, in metres. */
  readonly sum: Vector;
  readonly least: Vector;
  readonly most: Vector;
}

/** A place where a person was seen. All its sightings are within `radiusMetres` of its centre (`lat`, `lon`). */
export interface Place extends Coordinates {
  readonly radiusMetres: number;
  readonly count: number;
  /** Times of the first and the last sighting, in milliseconds since the epoch. */
  readonly first: number;
  readonly last: number;
}

export interface PlaceCounter {
  /** `at`: milliseconds since the epoch. */
  add(at: number, where: Coordinates): void;
  cells(): PlaceCell[];
}

/**
 * Counts sightings in cells. Its memory grows with the number of cells, not with the number of sightings.
 *
 * [Note: Places as points in space]
 * Degrees of longitude become shorter towards the poles and jump at the date line. Points in space have neither problem: cells are
 * cubes, a centre is a mean, and a distance means the same everywhere.
 */
export function createPlaceCounter(): PlaceCounter {
  const cells = new Map<number, MutableCell>();
  return {
    add(at, where) {
      const point = toVector(where);
      const key = cubeOf(point, tuning.cellMetres);
      const cell = cells.get(key);
      if (cell === undefined) cells.set(key, newCell(at, point));
      else widen(cell, at, point);
    },
    cells: () => [...cells.values()],
  };
}

/**
 * Groups cells into places, the most visited place first. Cells belong to one place if a chain of cells connects them in which the
 * centres of neighbours are at most `places.linkMetres` apart. The order of `cells` does not change the result.
 */
export function placesOf(cells: readonly PlaceCell[]): Place[] {
  const middles = cells.map(({ sum, count }) => scaled(sum, 1 / count));
  const groups = joinNear(middles);
  return [...groups.values()]
    .map((members) => placeOf(members.map((index) => cells[index]!)))
    .sort((a, b) => b.count - a.count || a.first - b.first || a.lat - b.lat || a.lon - b.lon);
}

interface MutableCell {
  count: number;
  first: number;
  last: number;
  readonly sum: [number, number, number];
  readonly least: [number, number, number];
  readonly most: [number, number, number];
}

const newCell = (at: number, point: Vector): MutableCell => ({
  count: 1,
  first: at,
  last: at,
  sum: [...point],
  least: [...point],
  most: [...point],
});

function widen(cell: MutableCell, at: number, point: Vector): void {
  cell.count++;
  cell.first = Math.min(cell.first, at);
  cell.last = Math.max(cell.last, at);
  for (const axis of axes) {
    cell.sum[axis] += point[axis];
    cell.least[axis] = Math.min(cell.least[axis], point[axis]);
    cell.most[axis] = Math.max(cell.most[axis], point[axis]);
  }
}

/** Number of the cube that contains a point. It has 17 bits for each axis, enough for the earth in cubes of 100 m. */
function cubeOf([x, y, z]: Vector, edge: number): number {
  return cubeNumber(Math.floor(x / edge), Math.floor(y / edge), Math.floor(z / edge));
}

const half = 65_536;
const cubeNumber = (x: number, y: number, z: number): number =>
  ((x + half) * 2 * half + (y + half)) * 2 * half + z + half;

const axes = [0, 1, 2] as const;

/** Groups points that are near one another (union-find). Returns the indices of the points in each group. */
function joinNear(points: readonly Vector[]): Map<number, number[]> {
  const edge = tuning.linkMetres;
  const cubes = new Map<number, number[]>();
  for (const [index, point] of points.entries()) {
    const key = cubeOf(point, edge);
    const others = cubes.get(key);
    if (others === undefined) cubes.set(key, [index]);
    else others.push(index);
  }
  const parents = points.map((_, index) => index);
  const rootOf = (index: number): number => {
    let root = index;
    while (parents[root] !== root) {
      parents[root] = parents[parents[root]!]!;
      root = parents[root]!;
    }
    return root;
  };
  for (const [index, point] of points.entries()) {
    for (const other of around(point, edge, cubes)) {
      if (other < index && isNear(point, points[other]!, edge)) parents[rootOf(index)] = rootOf(other);
    }
  }
  const groups = new Map<number, number[]>();
  for (const index of points.keys()) {
    const root = rootOf(index);
    const members = groups.get(root);
    if (members === undefined) groups.set(root, [index]);
    else members.push(index);
  }
  return groups;
}

/** Indices of the points in the cube of `point` and in the 26 cubes around it. */
function* around(point: Vector, edge: number, cubes: ReadonlyMap<number, readonly number[]>): Iterable<number> {
  const [x, y, z] = scaled(point, 1 / edge).map(Math.floor) as [number, number, number];
  for (let dx = -1; dx <= 1; dx++) {
    for (let dy = -1; dy <= 1; dy++) {
      for (let dz = -1; dz <= 1; dz++) yield* cubes.get(cubeNumber(x + dx, y + dy, z + dz)) ?? [];
    }
  }
}

function placeOf(cells: readonly PlaceCell[]): Place {
  const count = cells.reduce((sum, cell) => sum + cell.count, 0);
  // Sorted, because the sum of floats depends on their order.
  const ordered = cells.toSorted((a, b) => a.sum[0] - b.sum[0] || a.sum[1] - b.sum[1] || a.sum[2] - b.sum[2]);
  const total = ordered.reduce<Vector>((sum, cell) => plus(sum, cell.sum), [0, 0, 0]);
  const middle = scaled(total, 1 / count);
  return {
    ...toCoordinates(middle),
    radiusMetres: Math.max(...cells.map((cell) => farthest(middle, cell))),
    count,
    first: Math.min(...cells.map(({ first }) => first)),
    last: Math.max(...cells.map(({ last }) => last)),
  };
}

/** Distance from `middle` to the farthest corner of the cell's box. */
const farthest = (middle: Vector, { least, most }: PlaceCell): number =>
  Math.hypot(...axes.map((axis) => Math.max(middle[axis] - least[axis], most[axis] - middle[axis])));

const isNear = (a: Vector, b: Vector, metres: number): boolean =>
  (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 + (a[2] - b[2]) ** 2 <= metres * metres;

const scaled = ([x, y, z]: Vector, factor: number): Vector => [x * factor, y * factor, z * factor];
const plus = (a: Vector, b: Vector): Vector => [a[0] + b[0], a[1] + b[1], a[2] + b[2]];
