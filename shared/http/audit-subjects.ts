import type { AuditSubjects, NewAuditEntry } from '../ports/audit.ts';
import type { HttpExchange } from './exchange.ts';

/** Most ids of each kind in one entry; `more` counts the rest. */
const maxIds = 100;
const maxDepth = 8;

type Kind = 'persons' | 'faces' | 'images';
const kinds: Readonly<Record<string, Kind>> = {
  person_id: 'persons',
  person_ids: 'persons',
  face_id: 'faces',
  face_ids: 'faces',
  image_id: 'images',
  image_ids: 'images',
};

/** Path parameters and response fields that identify accounts, jobs, webhooks and the like, but no person, face or image. */
const otherIds = new Set([
  'user_id',
  'key_id',
  'tenant',
  'job_id',
  'batch_id',
  'dead_letter_id',
  'webhook_id',
  'message_id',
  'id',
]);

/** Form of an id. A value of any other form is ignored, even in a field for ids. */
const idForm = /^[A-Za-z0-9][A-Za-z0-9._~-]{0,127}$/;

/** Collects the ids of the request (path, query, body) and then those of `replies`; null: of the request alone. */
export function subjectsOf({ request, input }: HttpExchange, replies: readonly unknown[] | null): AuditSubjects {
  const found = { persons: new Set<string>(), faces: new Set<string>(), images: new Set<string>() };
  for (const each of [request.params, input.query, input.body, ...(replies ?? [])]) collect(each, found, 0);
  const kept = (kind: Kind) => [...found[kind]].slice(0, maxIds);
  const [persons, faces, images] = [kept('persons'), kept('faces'), kept('images')];
  const all = found.persons.size + found.faces.size + found.images.size;
  return { persons, faces, images, more: all - persons.length - faces.length - images.length };
}

function collect(value: unknown, found: Record<Kind, Set<string>>, depth: number): void {
  if (typeof value !== 'object' || value === null || depth > maxDepth) return;
  if (Array.isArray(value)) {
    for (const each of value) collect(each, found, depth + 1);
    return;
  }
  for (const [name, each] of Object.entries(value)) {
    // Free data of the client: a field `person_id` in it need not be the id of a person.
    if (name === 'metadata') continue;
    const kind = Object.hasOwn(kinds, name) ? kinds[name] : undefined;
    if (kind === undefined) collect(each, found, depth + 1);
    else for (const id of Array.isArray(each) ? each : [each]) if (isId(id)) found[kind].add(id);
  }
}

/** Collects the ids of accounts, jobs, webhooks and the like from the path and the top level of the response data. */
export function otherIdsOf({ request }: HttpExchange, data: unknown): NewAuditEntry['details'] {
  const given = typeof data === 'object' && data !== null ? data : {};
  return Object.fromEntries(
    [...Object.entries(given), ...Object.entries(request.params)].filter(
      ([name, value]) => otherIds.has(name) && typeof value === 'string' && /^[\w.~-]{1,128}$/.test(value),
    ),
  ) as NewAuditEntry['details'];
}

const isId = (value: unknown): value is string => typeof value === 'string' && idForm.test(value);
