/** Mean radius of the earth in metres. */
export const earthRadius = 6_371_008.8;
const radians = Math.PI / 180;

/** Degrees, WGS 84. */
export interface Coordinates {
  readonly lat: number;
  readonly lon: number;
}

/** An area on the globe: a circle, or a box between meridians and parallels, in degrees. The box crosses the date line if `west > east`. */
export type Area =
  | ({ readonly kind: 'circle'; readonly radiusMetres: number } & Coordinates)
  | {
      readonly kind: 'box';
      readonly west: number;
      readonly south: number;
      readonly east: number;
      readonly north: number;
    };

/** true when the place is in `area` or on its edge. */
export function isInside(area: Area, { lat, lon }: Coordinates): boolean {
  if (area.kind === 'circle') return distanceMetres(area.lat, area.lon, lat, lon) <= area.radiusMetres;
  if (lat < area.south || lat > area.north) return false;
  const { west, east } = area;
  const within = (degrees: number) =>
    west <= east ? degrees >= west && degrees <= east : degrees >= west || degrees <= east;
  // 180 and -180 are the same meridian.
  return within(lon) || (Math.abs(lon) === 180 && within(-lon));
}

/** Great-circle distance in metres by the haversine formula. Arguments in degrees. NaN when an argument is NaN. */
export function distanceMetres(latA: number, lonA: number, latB: number, lonB: number): number {
  const sinLat = Math.sin(((latB - latA) * radians) / 2);
  const sinLon = Math.sin(((lonB - lonA) * radians) / 2);
  const a = sinLat * sinLat + Math.cos(latA * radians) * Math.cos(latB * radians) * sinLon * sinLon;
  return 2 * earthRadius * Math.asin(Math.min(1, Math.sqrt(a)));
}

/** A point in space, in metres from the centre of the earth. */
export type Vector = readonly [x: number, y: number, z: number];

/** Converts a place to a point in space. The x axis goes through latitude 0, longitude 0; the z axis goes through the north pole. */
export function toVector({ lat, lon }: Coordinates): Vector {
  const ring = earthRadius * Math.cos(lat * radians);
  return [ring * Math.cos(lon * radians), ring * Math.sin(lon * radians), earthRadius * Math.sin(lat * radians)];
}

/** Converts a point in space to the place below it. The point must not be the centre of the earth. */
export const toCoordinates = ([x, y, z]: Vector): Coordinates => ({
  lat: Math.atan2(z, Math.hypot(x, y)) / radians,
  lon: Math.atan2(y, x) / radians,
});
