import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { v7 } from 'uuid';
import { AppError } from '../../errors.ts';
import type { ApiKey, SigningKey, User } from '../../ports/accounts.ts';
import type { AccountsImport, AuditImport, Imports, RecordsImport, WebhooksImport } from '../../ports/imports.ts';
import type { Face, Image } from '../../ports/records/faces.ts';
import type { Job } from '../../ports/records/jobs.ts';
import type { TenantDocument } from './accounts-tenants.ts';
import type { UserDocument } from './accounts-users.ts';
import { blockOf, pointersTo } from './audit-chains.ts';
import {
  addFaceToLists,
  addImageToLists,
  faceRow,
  facesOn,
  type ImageDocument,
  removeFaceFromLists,
  removeImageFromLists,
} from './records-images.ts';
import { addJobToLists, removeJobFromLists } from './records-jobs.ts';
import * as letters from './records-letters.ts';
import { addPersonToLists, claimsOfPersons, type PersonDocument, withExternalId } from './records-persons.ts';
import { claimsIn } from './scylla/claims.ts';
import type { Bound } from './scylla/client.ts';
import { drop, platform, put } from './scylla/lists.ts';
import { openScyllaStore, type ScyllaStore, type ScyllaStoreOptions } from './scylla/store.ts';
import { microseconds } from './scylla/write-time.ts';
import type { StoredWebhook } from './webhooks-endpoints.ts';

/** Imports into ScyllaDB. See: [Note: Rows as they are] */
export async function openImports(options: ScyllaStoreOptions): Promise<Imports> {
  const open = (name: string) => openScyllaStore(name, options);
  const [records, accounts, webhooks, audit] = [open('records'), open('accounts'), open('webhooks'), open('audit')];
  return {
    records: recordsIn(records),
    accounts: accountsIn(accounts),
    webhooks: webhooksIn(webhooks),
    audit: auditIn(audit),
    async close() {
      for (const store of [records, accounts, webhooks, audit]) await store.close();
    },
  };
}

function recordsIn(store: ScyllaStore): RecordsImport {
  const { documents } = store;
  const write = (tenant: string, work: () => Promise<unknown>): Promise<void> =>
    store.write(undefined, async () => {
      await store.registerTenant(tenant);
      await work();
    });
  return {
    person: (tenant, { personId, faceCount: _, ...person }) =>
      write(tenant, async () => {
        const before = await withExternalId(store, tenant, person.externalId, personId, () =>
          documents.change<PersonDocument, PersonDocument | null>('persons', tenant, personId, (current) => {
            if (isDeepStrictEqual(current, person)) return { next: undefined, result: current };
            if (current?.deletion !== undefined) {
              throw new AppError('STORE_UNAVAILABLE', {
                message: `person ${personId} is being deleted in the target installation; retry later`,
              });
            }
            const moved = current !== null && current.createdAt !== person.createdAt;
            const gone = moved ? drop('persons_by_tenant', tenant, { at: current.createdAt, id: personId }) : [];
            return { next: person, effects: [...gone, ...addPersonToLists(tenant, personId, person)], result: current };
          }),
        );
        if (before?.externalId != null && before.externalId !== person.externalId) {
          await claimsOfPersons(store).release(tenant, before.externalId, personId);
        }
      }),
    image: (tenant, image, faces) => write(tenant, () => importImage(store, tenant, image, faces)),
    job: (tenant, job) =>
      write(tenant, () =>
        documents.change<Job, void>('jobs', tenant, job.jobId, (current) => {
          if (isDeepStrictEqual(current, job)) return { next: undefined, result: undefined };
          const gone = current === null ? [] : removeJobFromLists(tenant, current);
          return { next: job, effects: [...gone, ...addJobToLists(tenant, job)], result: undefined };
        }),
      ),
    deadLetter: (tenant, letter) => write(tenant, () => letters.saveDeadLetter(store, tenant, letter)),
    upload: (tenant, upload) => write(tenant, () => letters.saveUpload(store, tenant, upload)),
  };
}

const importImage = (
  store: ScyllaStore,
  tenant: string,
  { imageId, ...image }: Image,
  faces: readonly Face[],
): Promise<void> =>
  store.documents.change<ImageDocument, void>('images', tenant, imageId, async (current) => {
    const stored = current === null ? new Map<string, Face>() : await facesOn(store.scylla, tenant, imageId);
    const wanted = new Map(faces.map((face) => [face.faceId, face]));
    const changed = faces.filter((face) => !isDeepStrictEqual(stored.get(face.faceId), face));
    const gone = [...stored.values()].filter(({ faceId }) => !wanted.has(faceId));
    const isSame = isDeepStrictEqual(current, image);
    if (isSame && changed.length + gone.length === 0) return { next: undefined, result: undefined };
    const replaced = changed.flatMap((face) => stored.get(face.faceId) ?? []);
    const coming = addImageToLists(tenant, imageId, image);
    return {
      next: image,
      inSameBatch: [
        ...changed.map((face) => faceRow(tenant, imageId, face)),
        ...gone.map(({ faceId }): Bound => ['images:dropFace', [tenant, imageId, faceId]]),
      ],
      effects: [
        ...(current === null ? [] : removeImageFromLists(tenant, imageId, current)),
        // An expired image is only in the list of all images.
        ...(image.expiredAt === null
          ? coming
          : put('images_by_tenant', tenant, { at: image.createdAt, id: imageId }, String(image.bytes))),
        // The image of a replaced face stays the same, so its row in `faces` stays.
        ...replaced.flatMap((face) => removeFaceFromLists(tenant, face)).filter(([name]) => name !== 'faces:drop'),
        ...gone.flatMap((face) => removeFaceFromLists(tenant, face)),
        ...changed.flatMap((face) => addFaceToLists(tenant, face, true)),
      ],
      result: undefined,
    };
  });

function accountsIn(store: ScyllaStore): AccountsImport {
  const { documents } = store;
  const write = (work: () => Promise<unknown>): Promise<void> =>
    store.write(undefined, async () => void (await work()));
  return {
    tenant: (record) =>
      write(() =>
        documents.change<TenantDocument, void>('tenants', record.tenant, record.tenant, (current) => {
          const { firstKey, ...before } = current ?? {};
          if (isDeepStrictEqual(before, record)) return { next: undefined, result: undefined };
          return {
            next: firstKey === undefined ? record : { ...record, firstKey },
            effects:
              current === null
                ? put('tenants_by_age', platform, { at: record.createdAt, id: v7() }, record.tenant)
                : [],
            result: undefined,
          };
        }),
      ),
    user: (tenant, user) => write(() => importUser(store, tenant, user)),
    apiKey: (tenant, key) =>
      write(async () => {
        const first = (await documents.get<TenantDocument>('tenants', tenant, tenant))?.firstKey;
        await documents.change<ApiKey, void>('api_keys', tenant, key.keyId, (current) => {
          if (isDeepStrictEqual(current, key)) return { next: undefined, result: undefined };
          const isListed = current !== null || first?.keyId === key.keyId;
          const entry = { at: key.createdAt, id: v7() };
          return {
            next: key,
            effects: isListed ? [] : put('api_keys_by_tenant', tenant, entry, key.keyId),
            result: undefined,
          };
        });
      }),
    signingKey: (key) =>
      write(() =>
        documents.change<{ keys: readonly SigningKey[] }, void>('signing_keys', platform, 'all', (current) => {
          const others = (current?.keys ?? []).filter(({ keyId }) => keyId !== key.keyId);
          const keys = [key, ...others].sort((a, b) => b.createdAt - a.createdAt);
          return isDeepStrictEqual(current?.keys, keys)
            ? { next: undefined, result: undefined }
            : { next: { keys }, result: undefined };
        }),
      ),
  };
}

async function importUser(store: ScyllaStore, tenant: string, user: User): Promise<void> {
  const { userId, username } = user;
  const claims = claimsIn(store.scylla, 'users_by_name', store.now);
  const read = (id: string) => store.documents.get<UserDocument>('users', tenant, id);
  const { held } = await claims.claim(
    tenant,
    username,
    userId,
    async (holder) => (await read(holder))?.username === username,
  );
  if (!held) throw new AppError('USER_EXISTS');
  await store.documents.change<UserDocument, void>('users', tenant, userId, (current) => {
    const { order = v7(), era = randomUUID(), kept = null, ...before } = current ?? {};
    if (isDeepStrictEqual(before, user)) return { next: undefined, result: undefined };
    return {
      next: { ...user, order, era, kept },
      effects: current === null ? put('users_by_tenant', tenant, { at: user.createdAt, id: order }, userId) : [],
      result: undefined,
    };
  });
}

const webhooksIn = (store: ScyllaStore): WebhooksImport => ({
  webhook: (tenant, webhook) =>
    store.write(undefined, () =>
      store.documents.change<{ last: number; webhooks: readonly StoredWebhook[] }, void>(
        'webhooks',
        tenant,
        'all',
        (current) => {
          const { last, webhooks } = current ?? { last: 0, webhooks: [] };
          const existing = webhooks.find(({ webhookId }) => webhookId === webhook.webhookId);
          if (existing === undefined) {
            const made = { ...webhook, number: last + 1, era: randomUUID() };
            return { next: { last: last + 1, webhooks: [...webhooks, made] }, result: undefined };
          }
          const same = { ...webhook, number: existing.number, era: existing.era };
          return isDeepStrictEqual(existing, same)
            ? { next: undefined, result: undefined }
            : {
                next: { last, webhooks: webhooks.map((each) => (each === existing ? same : each)) },
                result: undefined,
              };
        },
      ),
    ),
});

/** Entries that are written together. */
const together = 20;

const auditIn = (store: ScyllaStore): AuditImport => ({
  entries: (tenant, entries) =>
    store.write(undefined, async () => {
      const { scylla } = store;
      await store.registerTenant(tenant);
      const [first] = entries;
      if (first?.sequence === 1) {
        await scylla.write(put('audit_chains', tenant, { at: first.at, id: first.chain }), microseconds());
      }
      for (let from = 0; from < entries.length; from += together) {
        const some = entries.slice(from, from + together);
        await scylla.write(
          some.flatMap((entry) => pointersTo(tenant, entry)),
          microseconds(),
        );
        await scylla.write(
          some.map(
            (entry): Bound => [
              'audit:put',
              [tenant, entry.chain, blockOf(entry.sequence), entry.sequence, JSON.stringify(entry)],
            ],
          ),
          microseconds(),
        );
      }
      return true;
    }),
});
