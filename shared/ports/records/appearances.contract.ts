import { describe, expect, it } from 'vitest';
import type { Location } from '../../domain/face.ts';
import { newFace, newImage, newPerson, newTenant } from '../../testing/record-factories.ts';
import { allPages, type RecordsSetUp } from '../../testing/records-subject.ts';
import type { Page } from '../pages.ts';
import type { Records } from '../records.ts';
import type { Tenant } from '../tenant.ts';
import type { AppearanceFilter } from './appearances.ts';
import type { Face } from './faces.ts';

export function appearancesContract(name: string, setUp: RecordsSetUp): void {
  describe(`${name}: appearances`, () => {
    /** Saves a new person with one face for each sighting, each on a separate image. */
    const appear = async (
      records: Records,
      tenant: Tenant,
      sightings: readonly { at: number | null; location?: Location | null }[],
    ) => {
      const person = newPerson();
      const faceIds: string[] = [];
      for (const { at, location = null } of sightings) {
        const face = newFace({ personId: person.personId, capturedAt: at, location });
        await records.saveEnrolment(tenant, { person, image: newImage(), faces: [face] });
        faceIds.push(face.faceId);
      }
      return { personId: person.personId, faceIds };
    };
    const oldest = { order: 'oldest-first', limit: 10 } as const;
    const ids = (page: Page<Face>) => page.items.map(({ faceId }) => faceId);

    it('When appearances are listed, then both orders are by the time of the photo, or of the enrolment if the photo has none', async () => {
      const { records, tenant, clock } = await setUp();
      const now = clock.now();
      const { personId, faceIds } = await appear(records, tenant, [
        { at: now + 1000 },
        { at: null },
        { at: now - 1000 },
      ]);
      await appear(records, tenant, [{ at: now }]);
      const inTime = [faceIds[2], faceIds[1], faceIds[0]];

      const list = (options: typeof oldest | { order: 'newest-first'; limit: number }) =>
        records.listAppearances(tenant, personId, {}, options);

      expect(ids(await list(oldest))).toEqual(inTime);
      expect(ids(await list({ order: 'newest-first', limit: 10 }))).toEqual(inTime.toReversed());
      expect((await list(oldest)).items[0]).toEqual((await records.getFaces(tenant, [faceIds[2]!]))[0]);
      expect(ids(await records.listAppearances(newTenant(), personId, {}, oldest))).toEqual([]);
      expect(await records.summarizeAppearances(tenant, personId, {})).toEqual({
        count: 3,
        first: now - 1000,
        last: now + 1000,
        cells: [],
      });
    });

    it('When a time range is given, then its start is included and its end is not', async () => {
      const { records, tenant } = await setUp();
      const { personId, faceIds } = await appear(records, tenant, [{ at: 10 }, { at: 20 }, { at: 30 }]);

      const between = { from: 10, to: 30 };

      expect(ids(await records.listAppearances(tenant, personId, between, oldest))).toEqual(faceIds.slice(0, 2));
      expect(await records.summarizeAppearances(tenant, personId, between)).toMatchObject({ count: 2, last: 20 });
    });

    it('When many appearances have the same time, then pages return each of them once, in both orders', async () => {
      const { records, tenant } = await setUp();
      const person = newPerson();
      const faces = Array.from({ length: 25 }, () => newFace({ personId: person.personId, capturedAt: 5 }));
      await records.saveEnrolment(tenant, { person, image: newImage(), faces });
      const all = faces.map(({ faceId }) => faceId).sort();

      for (const order of ['oldest-first', 'newest-first'] as const) {
        const pages = await allPages(
          (options) => records.listAppearances(tenant, person.personId, {}, { ...options, order }),
          10,
        );
        const seen = pages.flatMap(ids);
        expect(pages.map(({ items }) => items.length)).toEqual([10, 10, 5]);
        expect(order === 'oldest-first' ? seen : seen.toReversed()).toEqual(all);
      }
    });

    it('When an area is given, then only appearances in it are returned, also across the date line and in several pages', async () => {
      const { records, tenant } = await setUp();
      const west = { lat: -17, lon: 179.9 };
      const east = { lat: -17, lon: -179.9, accuracy_m: 5 };
      const { personId, faceIds } = await appear(records, tenant, [
        { at: 1, location: west },
        { at: 2, location: { lat: 52.5, lon: 13.4 } },
        { at: 3 },
        { at: 4, location: east },
        { at: 5, location: west },
      ]);
      const area = { kind: 'box', west: 179, south: -20, east: -179, north: -10 } as const;
      const circle = { kind: 'circle', lat: -17, lon: 180, radiusMetres: 20_000 } as const;
      const matching = [faceIds[0], faceIds[3], faceIds[4]];

      const pages = await allPages(
        (options) => records.listAppearances(tenant, personId, { area }, { ...options, order: 'oldest-first' }),
        2,
      );
      const summary = await records.summarizeAppearances(tenant, personId, { area: circle });

      expect(pages.map(ids)).toEqual([matching.slice(0, 2), matching.slice(2)]);
      expect([summary.count, summary.first, summary.last]).toEqual([3, 1, 5]);
      expect(summary.cells.map(({ count }) => count).sort()).toEqual([1, 2]);
    });

    it('When there are thousands of appearances, then pages and summary are complete, and a token is valid for its filter only', async () => {
      const { records, tenant } = await setUp();
      const person = newPerson();
      for (let start = 0; start < 9000; start += 100) {
        const faces = Array.from({ length: 100 }, (_, i) =>
          newFace({
            personId: person.personId,
            capturedAt: start + i,
            location: { lat: (start + i) % 3000 === 0 ? 10 : 20, lon: 0 },
          }),
        );
        await records.saveEnrolment(tenant, { person, image: newImage(), faces });
      }
      const area = { kind: 'box', west: -1, south: 9, east: 1, north: 11 } as const;
      const list = (filter: AppearanceFilter, after?: string) =>
        records.listAppearances(tenant, person.personId, filter, { ...oldest, limit: 2, after });

      const first = await list({ area });
      const rest = await list({ area }, first.next!);
      const summary = await records.summarizeAppearances(tenant, person.personId, {});

      expect([...first.items, ...rest.items].map(({ capturedAt }) => capturedAt)).toEqual([0, 3000, 6000]);
      expect(rest.next).toBeNull();
      expect([summary.count, summary.first, summary.last]).toEqual([9000, 0, 8999]);
      expect(summary.cells.map(({ count }) => count).sort((a, b) => a - b)).toEqual([3, 8997]);
      await expect(list({}, first.next!)).rejects.toMatchObject({ code: 'PAGE_TOKEN_INVALID' });
    });
  });
}
