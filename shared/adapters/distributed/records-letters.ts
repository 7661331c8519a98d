import { eachOf } from '../../domain/each-of.ts';
import type { Page, PageOptions } from '../../ports/pages.ts';
import type { DeadLetterFilter, StoredDeadLetter } from '../../ports/records/dead-letters.ts';
import type { WriteOptions } from '../../ports/records/outbox.ts';
import type { Upload } from '../../ports/records/uploads.ts';
import type { Records } from '../../ports/records.ts';
import { requireUpload } from '../records-conditions.ts';
import { atOnce } from './records-images.ts';
import type { Bound } from './scylla/client.ts';
import { drop, pageOf, platform, put, type StoredEntry, walk } from './scylla/lists.ts';
import { outboxOf, type ScyllaStore } from './scylla/store.ts';

/** Dead letters and uploads: documents that are replaced as a whole, and listed by age. */

export const saveDeadLetter = (
  { documents }: ScyllaStore,
  tenant: string,
  letter: StoredDeadLetter,
  signal?: AbortSignal,
): Promise<void> =>
  documents.change<StoredDeadLetter, void>(
    'dead_letters',
    tenant,
    letter.deadLetterId,
    (current) => ({
      next: letter,
      effects: [...(current === null ? [] : letterLists(tenant, current, drop)), ...letterLists(tenant, letter, put)],
      result: undefined,
    }),
    { signal },
  );

export async function listDeadLetters(
  store: ScyllaStore,
  tenant: string,
  { type, reason }: DeadLetterFilter,
  options: PageOptions,
): Promise<Page<StoredDeadLetter>> {
  const listing = JSON.stringify(['dead-letters', tenant, type ?? null, reason ?? null]);
  return await pageOf(store.scylla, await store.tokens(), listing, 'dead_letters_by_tenant', tenant, {
    ...options,
    order: 'down',
    load: (entries) =>
      eachOf(entries, atOnce, async ({ id }) => {
        const letter = await store.documents.get<StoredDeadLetter>('dead_letters', tenant, id);
        const isWanted =
          (type === undefined || letter?.type === type) && (reason === undefined || letter?.reason === reason);
        return isWanted ? letter : null;
      }),
  });
}

export const removeDeadLetter = (
  { documents }: ScyllaStore,
  tenant: string,
  deadLetterId: string,
  options?: WriteOptions,
  which: (letter: StoredDeadLetter) => boolean = () => true,
): Promise<boolean> =>
  documents.change<StoredDeadLetter, boolean>(
    'dead_letters',
    tenant,
    deadLetterId,
    (current) =>
      current === null || !which(current)
        ? { next: undefined, result: false }
        : { next: null, effects: [...letterLists(tenant, current, drop), ...outboxOf(options)], result: true },
    options,
  );

/** Deletes dead letters of all tenants. */
export async function expireDeadLetters(store: ScyllaStore, before: number, limit: number): Promise<number> {
  const due: StoredEntry[] = [];
  const wanted = { order: 'up', to: before, step: Math.min(limit, 1000) } as const;
  for await (const entry of walk(store.scylla, 'dead_letters_of_all', platform, wanted)) {
    if (due.push(entry) >= limit) break;
  }
  const removed = await eachOf(due, atOnce, ({ id }) => {
    const [tenant, deadLetterId] = JSON.parse(id) as [string, string];
    return removeDeadLetter(store, tenant, deadLetterId, {}, ({ at }) => at < before);
  });
  return removed.filter(Boolean).length;
}

function letterLists(tenant: string, { at, deadLetterId }: StoredDeadLetter, change: Change): Bound[] {
  return [
    ...change('dead_letters_by_tenant', tenant, { at, id: deadLetterId }),
    ...change('dead_letters_of_all', platform, { at, id: JSON.stringify([tenant, deadLetterId]) }),
  ];
}

export const saveUpload = (
  { documents }: ScyllaStore,
  tenant: string,
  upload: Upload,
  { over, signal }: NonNullable<Parameters<Records['saveUpload']>[2]> = {},
) =>
  documents.change<Upload, void>(
    'uploads',
    tenant,
    upload.uploadId,
    (current) => {
      if (over !== undefined) requireUpload(current, over, upload);
      return {
        next: upload,
        effects: [...(current === null ? [] : uploadLists(tenant, current, drop)), ...uploadLists(tenant, upload, put)],
        result: undefined,
      };
    },
    { signal },
  );

export const deleteUpload = ({ documents }: ScyllaStore, tenant: string, uploadId: string, signal?: AbortSignal) =>
  documents.change<Upload, boolean>(
    'uploads',
    tenant,
    uploadId,
    (current) =>
      current === null
        ? { next: undefined, result: false }
        : { next: null, effects: uploadLists(tenant, current, drop), result: true },
    { signal },
  );

export async function listUploads(
  store: ScyllaStore,
  tenant: string,
  { imageId }: { readonly imageId?: string | undefined },
  options: PageOptions,
): Promise<Page<Upload>> {
  const listing = JSON.stringify(['uploads', tenant, imageId ?? null]);
  const table = imageId === undefined ? 'uploads_by_tenant' : 'uploads_by_image';
  return await pageOf(store.scylla, await store.tokens(), listing, table, tenant, {
    ...options,
    scope: imageId,
    order: 'up',
    load: (entries) =>
      eachOf(entries, atOnce, async ({ id, at }) => {
        const upload = await store.documents.get<Upload>('uploads', tenant, id);
        // An entry with another time belongs to a version that was replaced.
        return upload === null || upload.at !== at || (imageId !== undefined && upload.imageId !== imageId)
          ? null
          : upload;
      }),
  });
}

const uploadLists = (tenant: string, { at, uploadId, imageId }: Upload, change: Change): Bound[] => [
  ...change('uploads_by_tenant', tenant, { at, id: uploadId }),
  ...(change === drop
    ? drop('uploads_by_image', tenant, { at, id: uploadId }, imageId)
    : put('uploads_by_image', tenant, { at, id: uploadId }, '', imageId)),
];

type Change = typeof put | typeof drop;
