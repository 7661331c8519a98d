import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Coordinates, distanceMetres, isInside } from './globe.ts';
import { createPlaceCounter, type Place, placesOf } from './places.ts';

const berlin = { lat: 52.52, lon: 13.405 };
/** `metres` north of a place. */
const north = ({ lat, lon }: Coordinates, metres: number): Coordinates => ({ lat: lat + metres / 111_195, lon });

function placesAt(points: readonly Coordinates[]): Place[] {
  const counter = createPlaceCounter();
  for (const [at, point] of points.entries()) counter.add(at, point);
  return placesOf(counter.cells());
}

describe('places', () => {
  it('When a person was at home, at work and once far away, then there are three places, the most visited first', () => {
    const home = [0, 10, 20, 30].map((metres) => north(berlin, metres));
    const work = [3000, 3020].map((metres) => north(berlin, metres));

    const places = placesAt([...work, ...home, { lat: -33.86, lon: 151.21 }]);

    expect(places.map(({ count, first, last }) => [count, first, last])).toEqual([
      [4, 2, 5],
      [2, 0, 1],
      [1, 6, 6],
    ]);
    expect(places[0]!.lat).toBeCloseTo(north(berlin, 15).lat, 6);
    expect(places[0]!.radiusMetres).toBeGreaterThanOrEqual(15);
    expect(places[0]!.radiusMetres).toBeLessThan(30);
    expect(places[2]!.radiusMetres).toBeCloseTo(0, 6);
  });

  it.each([
    ['the date line', { lat: 10, lon: 179.9999 }, { lat: 10, lon: -179.9999 }],
    ['the north pole', { lat: 89.9999, lon: 0 }, { lat: 89.9999, lon: 180 }],
    ['the equator and the zero meridian', { lat: 0.0001, lon: 0.0001 }, { lat: -0.0001, lon: -0.0001 }],
  ])('When sightings are on both sides of %s, then they are one place', (_, a, b) => {
    const [place, ...others] = placesAt([a, b]);

    expect(others).toEqual([]);
    expect(place!.count).toBe(2);
    expect(distanceMetres(place!.lat, place!.lon, a.lat, a.lon)).toBeLessThan(20);
  });

  it('When sightings come in any order, then the places are the same, and each contains its sightings', () => {
    const point = fc.record({
      lat: fc.oneof(fc.double({ min: -90, max: 90, noNaN: true }), fc.double({ min: 52.5, max: 52.51, noNaN: true })),
      lon: fc.oneof(fc.double({ min: -180, max: 180, noNaN: true }), fc.double({ min: 13.4, max: 13.41, noNaN: true })),
    });
    const shuffled = fc
      .array(point, { minLength: 1, maxLength: 60 })
      .chain((points) =>
        fc.tuple(
          fc.constant(points),
          fc.shuffledSubarray(points, { minLength: points.length, maxLength: points.length }),
        ),
      );

    void fc.assert(
      fc.property(shuffled, ([points, others]) => {
        const places = placesAt(points).map(rounded).sort();

        expect(placesAt(others).map(rounded).sort()).toEqual(places);
        const total = placesAt(points).reduce((sum, { count }) => sum + count, 0);
        expect(total).toBe(points.length);
        for (const { lat, lon } of points) {
          const holding = placesAt(points).some(
            (place) => distanceMetres(place.lat, place.lon, lat, lon) <= place.radiusMetres * 1.001 + 0.01,
          );
          expect(holding).toBe(true);
        }
      }),
      { numRuns: 100 },
    );
  });

  it('When sightings lead from house to house, then they are one long place; a gap splits it', () => {
    const walk = Array.from({ length: 20 }, (_, i) => north(berlin, i * 150));
    const gap = [...walk.slice(0, 10), ...walk.slice(14)];

    expect(placesAt(walk).map(({ count }) => count)).toEqual([20]);
    expect(placesAt(gap).map(({ count }) => count)).toEqual([10, 6]);
  });

  it('When a hundred thousand sightings are all at different places, then they are counted quickly', () => {
    const random = (i: number) => ((i * 7919) % 100_003) / 100_003;
    const points = Array.from({ length: 100_000 }, (_, i) => ({
      lat: 180 * random(i) - 90,
      lon: 360 * random(i * 31) - 180,
    }));

    const begun = performance.now();
    const total = placesAt(points).reduce((sum, { count }) => sum + count, 0);

    expect(total).toBe(100_000);
    expect(performance.now() - begun).toBeLessThan(10_000);
  });
});

/** Sums of floats differ in their last digits when they are added in another order. */
const rounded = ({ lat, radiusMetres, count, first: _f, last: _l }: Place): string =>
  `${lat.toFixed(6)} ${radiusMetres.toFixed(2)} ${count}`;

describe('areas', () => {
  const fiji = { kind: 'box', west: 177, south: -19, east: -178, north: -16 } as const;

  it.each([
    [{ lat: -17, lon: 178 }, true],
    [{ lat: -17, lon: -179 }, true],
    [{ lat: -17, lon: 180 }, true],
    [{ lat: -17, lon: -180 }, true],
    [{ lat: -17, lon: 0 }, false],
    [{ lat: -17, lon: -177 }, false],
    [{ lat: -20, lon: 178 }, false],
  ])('When a box crosses the date line, then isInside of %o is %s', (place, inside) => {
    expect(isInside(fiji, place)).toBe(inside);
  });

  it('When a box ends at 180, then -180 is inside', () => {
    expect(isInside({ ...fiji, east: 180 }, { lat: -17, lon: -180 })).toBe(true);
  });

  it('When a circle crosses the date line, then both sides are inside', () => {
    const circle = { kind: 'circle', lat: 0, lon: 179.999, radiusMetres: 1000 } as const;

    expect(isInside(circle, { lat: 0, lon: -179.999 })).toBe(true);
    expect(isInside(circle, { lat: 0.02, lon: 179.999 })).toBe(false);
  });
});
