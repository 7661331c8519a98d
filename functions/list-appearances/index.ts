import * as z from 'zod';
import * as examples from '../../shared/api/gallery.examples.ts';
import * as wire from '../../shared/api/gallery.ts';
import type { Area } from '../../shared/domain/globe.ts';
import { type Place, placesOf } from '../../shared/domain/places.ts';
import { places as tuning } from '../../shared/domain/tuning.ts';
import { AppError } from '../../shared/errors.ts';
import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';
import {
  appearance,
  presentAppearance,
  requirePerson,
  timeBounds,
  timeFields,
} from '../../shared/gallery/appearances.ts';

const query = z.object({
  ...timeFields,
  lat: z
    .number()
    .min(-90)
    .max(90)
    .optional()
    .describe('Centre of a circle, in degrees north. Needs `lon` and `radius_m`.'),
  lon: z.number().min(-180).max(180).optional().describe('Centre of a circle, in degrees east.'),
  radius_m: z.number().min(1).max(20_100_000).optional().describe('Radius of the circle, in metres.'),
  bbox: z
    .string()
    .regex(/^-?\d{1,3}(\.\d{1,20})?(,-?\d{1,3}(\.\d{1,20})?){3}$/, 'must be west,south,east,north in degrees')
    .optional()
    .describe(
      'A box as west,south,east,north in degrees, instead of a circle. If `west` is greater than `east`, the box crosses the date line.',
    ),
  limit: wire.pageLimit(50, 500),
  page_token: wire.pageToken,
});
type Query = z.output<typeof query>;

const place = z.object({
  lat: z.number(),
  lon: z.number(),
  radius_m: z.number().describe('Every counted appearance lies within this radius of `lat` and `lon`, in metres.'),
  count: z.number().int(),
  first: z.string(),
  last: z.string(),
});

export default defineFunction(
  {
    name: 'list-appearances',
    summary: 'Show where and when a person was seen',
    description:
      'The response lists the appearances of a person in an area and a time range, oldest first, in pages. `summary` covers all matching appearances, not only this page: their number, the first, the last, and the places as clusters on a map, the most visited first. If you give a circle or a box, appearances without a location do not match.',
    tag: 'persons',
    trigger: { kind: 'http', method: 'GET', path: '/api/v1/persons/{person_id}/appearances', scope: 'persons:read' },
    params: z.object({ person_id: wire.personId }),
    query,
    output: z.object({
      person_id: z.string(),
      appearances: z.array(appearance),
      summary: z.object({
        count: z.number().int(),
        first: z.string().nullable(),
        last: z.string().nullable(),
        places: z.array(place).describe(`At most ${tuning.mostShown} places, the most visited first.`),
        places_total: z.number().int().describe('Number of all places, including places that are not listed.'),
      }),
      next_page_token: z.string().nullable(),
      has_more: z.boolean(),
    }),
    errors: ['PERSON_NOT_FOUND', 'PAGE_TOKEN_INVALID'],
    examples: {
      response: {
        person_id: examples.personId,
        appearances: [examples.appearance],
        summary: {
          count: 1,
          first: examples.appearance.at,
          last: examples.appearance.at,
          places: [
            {
              lat: 52.52,
              lon: 13.405,
              radius_m: 1,
              count: 1,
              first: examples.appearance.at,
              last: examples.appearance.at,
            },
          ],
          places_total: 1,
        },
        next_page_token: null,
        has_more: false,
      },
    },
    uses: ['records'],
    ...sizes.record,
  },
  async ({ params, query, ...call }, { records }) => {
    const { tenant, signal } = call;
    const filter = { ...timeBounds(query), area: areaOf(query) };
    await requirePerson(params.person_id, call, { records });
    const { limit, page_token: after } = query;
    const page = await records.listAppearances(tenant, params.person_id, filter, {
      limit,
      after,
      order: 'oldest-first',
      signal,
    });
    const { count, first, last, cells } = await records.summarizeAppearances(tenant, params.person_id, filter, {
      signal,
    });
    const places = placesOf(cells);
    return {
      data: {
        person_id: params.person_id,
        appearances: page.items.map(presentAppearance),
        summary: {
          count,
          first: wire.presentTimeOrNull(first),
          last: wire.presentTimeOrNull(last),
          places: places.slice(0, tuning.mostShown).map(presentPlace),
          places_total: places.length,
        },
        next_page_token: page.next,
        has_more: page.next !== null,
      },
    };
  },
);

/** Errors: VALIDATION_FAILED for an incomplete circle, a circle together with a box, or an invalid box. */
function areaOf({ lat, lon, radius_m: radiusMetres, bbox }: Query): Area | undefined {
  const circle = { lat, lon, radius_m: radiusMetres };
  const given = Object.entries(circle).filter(([, value]) => value !== undefined);
  if (bbox !== undefined) {
    if (given.length > 0) throw wrong(given[0]![0], 'cannot be combined with bbox');
    return boxOf(bbox);
  }
  if (given.length === 0) return undefined;
  for (const [field, value] of Object.entries(circle)) {
    if (value === undefined) throw wrong(field, 'is required, because a circle needs lat, lon and radius_m');
  }
  return { kind: 'circle', lat: lat!, lon: lon!, radiusMetres: radiusMetres! };
}

function boxOf(bbox: string): Area {
  const [west, south, east, north] = bbox.split(',').map(Number) as [number, number, number, number];
  if (Math.max(Math.abs(west), Math.abs(east)) > 180 || Math.max(Math.abs(south), Math.abs(north)) > 90)
    throw wrong('bbox', 'must be between -180 and 180 degrees east, and between -90 and 90 degrees north');
  if (south > north) throw wrong('bbox', 'must have a south value that is not greater than its north value');
  return { kind: 'box', west, south, east, north };
}

const wrong = (field: string, issue: string) =>
  new AppError('VALIDATION_FAILED', { message: `${field} ${issue}.`, details: [{ field, issue }] });

/** The fifth decimal of a degree is about one metre. Rounding moves the centre by less, so one metre is added to the radius. */
const presentPlace = ({ lat, lon, radiusMetres, count, first, last }: Place) => ({
  lat: Math.round(lat * 1e5) / 1e5,
  lon: Math.round(lon * 1e5) / 1e5,
  radius_m: Math.ceil(radiusMetres + 1),
  count,
  first: wire.presentTime(first),
  last: wire.presentTime(last),
});
