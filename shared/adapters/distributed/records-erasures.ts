import { randomBytes } from 'node:crypto';
import { eachOf } from '../../domain/each-of.ts';
import type { Page, PageOptions } from '../../ports/pages.ts';
import type { Erasure } from '../../ports/records/erasures.ts';
import { contentMark, personMark } from '../erasure-marks.ts';
import type { Bound, Scylla } from './scylla/client.ts';
import { drop, pageOf, put } from './scylla/lists.ts';
import type { ScyllaStore } from './scylla/store.ts';

/** Marks that are read at once. */
const atOnce = 48;
const keyName = 'erasure-key';

/**
 * [Note: Marks without transactions]
 * The row of an erased person stays, as a mark. So the condition that decides each change of a person also keeps the id erased: see
 * `changePerson`. The marks of a photo follow from the change of the image that removes its face. A later change of the same image carries
 * them out first if a crash delayed them ([Note: One row decides]). An enrolment looks for the mark after it has read the image, and its
 * own change of the image fails if a face was removed since then. So an enrolment from a file either sees the mark or comes before the
 * erasure, which then removes its faces.
 *
 * The mark of a photo if there is one; null: none. `digest`: SHA-256 of the bytes, hex.
 */
export async function markOfContent({ scylla }: ScyllaStore, tenant: string, digest: string): Promise<Erasure | null> {
  const key = await erasureKey(scylla);
  if (key === null) return null;
  const subject = contentMark(key, tenant, digest);
  const [row] = await scylla.rows('erasures:get', [tenant, subject]);
  return row === undefined ? null : { subject, at: Number(row.at) };
}

/** The writes that mark a photo, and the mark. */
export async function contentMarking({ scylla, now }: ScyllaStore, tenant: string, digest: string) {
  const subject = contentMark((await erasureKey(scylla)) ?? (await makeKey(scylla)), tenant, digest);
  return { subject, bounds: marking(tenant, { subject, at: now() }) };
}

export const personMarking = (tenant: string, personId: string, at: number): Bound[] =>
  marking(tenant, { subject: personMark(personId), at });

export const marking = (tenant: string, { subject, at }: Erasure): Bound[] => [
  ['erasures:mark', [tenant, subject, at]],
  ...put('erasures_by_tenant', tenant, { at, id: subject }),
];

export const unmarking = (tenant: string, { subject, at }: Erasure): Bound[] => [
  ['erasures:unmark', [tenant, subject]],
  ...drop('erasures_by_tenant', tenant, { at, id: subject }),
];

export async function listErasures(store: ScyllaStore, tenant: string, options: PageOptions): Promise<Page<Erasure>> {
  const listing = JSON.stringify(['erasures', tenant]);
  return await pageOf(store.scylla, await store.tokens(), listing, 'erasures_by_tenant', tenant, {
    ...options,
    order: 'up',
    load: (entries) =>
      eachOf(entries, atOnce, async ({ id, at }) => {
        const [row] = await store.scylla.rows('erasures:get', [tenant, id]);
        // A photo that was erased twice has an entry for each time.
        return row === undefined || Number(row.at) !== at ? null : { subject: id, at };
      }),
  });
}

/** Hex; null: there is no key yet. */
export const erasureKey = async (scylla: Scylla): Promise<string | null> =>
  ((await scylla.rows('setting:read', [keyName]))[0]?.value as string | undefined) ?? null;

/** Keeps an existing key. */
export const setErasureKey = async (scylla: Scylla, key: string): Promise<void> =>
  void (await scylla.decide('setting:make', [keyName, key]));

/** One key for all processes: the first one stays. */
async function makeKey(scylla: Scylla): Promise<string> {
  await setErasureKey(scylla, randomBytes(32).toString('hex'));
  return (await erasureKey(scylla))!;
}
