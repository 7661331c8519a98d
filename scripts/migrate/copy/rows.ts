import { createHash } from 'node:crypto';
import { eachOf } from '../../../shared/domain/each-of.ts';
import type { AuditEntry } from '../../../shared/ports/audit.ts';
import { itemsOf, type Page, type PageOptions, pagesOf } from '../../../shared/ports/pages.ts';
import type { Face } from '../../../shared/ports/records/faces.ts';
import type { Tenant } from '../../../shared/ports/tenant.ts';
import type { VectorEntry, VectorSpace } from '../../../shared/ports/vectors.ts';
import type { Source, Target } from './ends.ts';

/** Kinds of rows, in the order in which they are written: a row comes after the rows that it refers to. */
export const parts = [
  'tenants',
  'users',
  'api_keys',
  'signing_keys',
  'webhooks',
  'persons',
  'photos',
  'images',
  'templates',
  'jobs',
  'dead_letters',
  'uploads',
  'audit',
] as const;
export type Part = (typeof parts)[number];

/** A row of a source: its content for the digest, and a function that writes it into a target. */
export interface SourceRow {
  readonly row: unknown;
  write(target: Target): Promise<void>;
}

export interface WalkOptions {
  readonly spaceOf: (space: string) => VectorSpace;
  /** Whether the target already has a photo. Such a photo is still read, for its digest. */
  readonly hasPhoto?: (key: string) => boolean;
  /** Stores audit entries that the target cannot store. */
  readonly archive?: (tenant: Tenant, entries: readonly AuditEntry[]) => Promise<void>;
}

const limit = 200;
/** Number of rows that are read or written at the same time. */
export const atOnce = 16;

/** Every row of a part. `tenant`: null for rows that belong to the platform itself. */
export async function* rowsOf(
  part: Part,
  source: Source,
  tenant: Tenant | null,
  options: WalkOptions,
): AsyncGenerator<SourceRow[]> {
  if (tenant === null) {
    if (part !== 'signing_keys') return;
    yield (await source.accounts.signingKeys()).map((key) => ({
      row: key,
      write: ({ accounts }) => accounts.signingKey(key),
    }));
    return;
  }
  const { records, accounts, webhooks } = source;
  switch (part) {
    case 'tenants': {
      const record = await accounts.getTenant(tenant);
      if (record !== null) yield [{ row: record, write: (target) => target.accounts.tenant(record) }];
      return;
    }
    case 'users':
      yield* pages(
        (page) => accounts.listUsers(tenant, page),
        (user) => (target) => target.accounts.user(tenant, user),
      );
      return;
    case 'api_keys':
      yield* pages(
        (page) => accounts.listApiKeys(tenant, page),
        (key) => (target) => target.accounts.apiKey(tenant, key),
      );
      return;
    case 'webhooks':
      yield* pages(
        (page) => webhooks.listWebhooks(tenant, page),
        (webhook) => (target) => target.webhooks.webhook(tenant, webhook),
      );
      return;
    case 'persons':
      yield* pages(
        (page) => records.listPersons(tenant, page),
        (person) => (target) => target.records.person(tenant, person),
      );
      return;
    case 'photos':
      yield* photos(source, tenant, options);
      return;
    case 'images':
      yield* images(source, tenant);
      return;
    case 'templates':
      yield* templates(source, tenant, options);
      return;
    case 'jobs':
      yield* pages(
        (page) => records.listJobs(tenant, {}, page),
        (job) => (target) => target.records.job(tenant, job),
      );
      return;
    case 'dead_letters':
      yield* pages(
        (page) => records.listDeadLetters(tenant, {}, page),
        (letter) => (target) => target.records.deadLetter(tenant, letter),
      );
      return;
    case 'uploads':
      yield* pages(
        (page) => records.listUploads(tenant, {}, page),
        (upload) => (target) => target.records.upload(tenant, upload),
      );
      return;
    case 'audit':
      yield* audit(source, tenant, options);
      return;
    case 'signing_keys':
      return;
  }
}

async function* pages<Item>(
  read: (page: PageOptions) => Promise<Page<Item>>,
  write: (item: Item) => SourceRow['write'],
): AsyncGenerator<SourceRow[]> {
  for await (const items of pagesOf((page) => read({ ...page, limit })))
    yield items.map((item) => ({ row: item, write: write(item) }));
}

/** Images, each with its faces. */
async function* images({ records }: Source, tenant: Tenant): AsyncGenerator<SourceRow[]> {
  for await (const items of pagesOf((page) => records.listImages(tenant, { ...page, limit })))
    yield await eachOf(items, atOnce, async (image) => {
      const faces = await facesOf(records, tenant, image.imageId);
      return {
        row: [image, faces.toSorted((a, b) => (a.faceId < b.faceId ? -1 : 1))],
        write: (target: Target) => target.records.image(tenant, image, faces),
      };
    });
}

async function facesOf(records: Source['records'], tenant: Tenant, imageId: string): Promise<Face[]> {
  const faces: Face[] = [];
  for await (const face of itemsOf((page) => records.listFaces(tenant, { imageId }, { ...page, limit: 1000 })))
    faces.push(face);
  return faces;
}

/** Templates of the faces that the records contain. */
async function* templates(
  { records, vectors }: Source,
  tenant: Tenant,
  { spaceOf }: WalkOptions,
): AsyncGenerator<SourceRow[]> {
  for await (const faces of pagesOf((page) => records.listFaces(tenant, {}, { ...page, limit }))) {
    for (const name of new Set(faces.map((face) => face.space))) {
      const space = spaceOf(name);
      const faceIds = faces.flatMap((face) => (face.space === name ? [face.faceId] : []));
      const entries = await vectors.get(tenant, space, faceIds);
      // The first row writes all templates of the page.
      yield entries.map((entry, index) => ({
        row: [name, templateOf(entry)],
        write: async (target) => {
          if (index === 0) await target.vectors.upsert(tenant, space, entries);
        },
      }));
    }
  }
}

const templateOf = ({ embedding, ...rest }: VectorEntry) => ({
  ...rest,
  embedding: Buffer.from(embedding.buffer, embedding.byteOffset, embedding.byteLength).toString('base64'),
});

async function* photos(source: Source, tenant: Tenant, { hasPhoto }: WalkOptions): AsyncGenerator<SourceRow[]> {
  let keys: string[] = [];
  const load = () =>
    eachOf(keys, atOnce, async (key): Promise<SourceRow | null> => {
      const bytes = await source.images.get(tenant, key);
      if (bytes === null) return null;
      return {
        row: [key, createHash('sha256').update(bytes).digest('hex')],
        write: async ({ images: target }) => {
          if (hasPhoto?.(key) !== true) await target.put(tenant, key, bytes);
        },
      };
    });
  const whole = (rows: readonly (SourceRow | null)[]) => rows.filter((row) => row !== null);
  for await (const { key } of source.images.keys(tenant)) {
    // Only a few at a time: each photo has some megabytes.
    if (keys.push(key) < atOnce) continue;
    yield whole(await load());
    keys = [];
  }
  yield whole(await load());
}

async function* audit({ audit: log }: Source, tenant: Tenant, { archive }: WalkOptions): AsyncGenerator<SourceRow[]> {
  let entries: AuditEntry[] = [];
  const rows = (): SourceRow[] => {
    const some = entries;
    entries = [];
    return some.map((entry, index) => ({
      row: entry,
      write: async (target) => {
        if (index > 0) return;
        if (!(await target.audit.entries(tenant, some))) await archive?.(tenant, some);
      },
    }));
  };
  for await (const entry of log.chains(tenant)) {
    if (entries.length >= limit || (entries.length > 0 && entries[0]!.chain !== entry.chain)) yield rows();
    entries.push(entry);
  }
  if (entries.length > 0) yield rows();
}
