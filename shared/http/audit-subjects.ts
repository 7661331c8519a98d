import type { AuditSubjects, NewAuditEntry } from '../ports/audit.ts';
import type { HttpExchange } from './exchange.ts';

/** Of each kind; an answer that speaks of more says of how many more. */
const most = 100;
const deepest = 8;

type Kind = 'persons' | 'faces' | 'images';
const kinds: Readonly<Record<string, Kind>> = {
  person_id: 'persons',
  person_ids: 'persons',
  face_id: 'faces',
  face_ids: 'faces',
  image_id: 'images',
  image_ids: 'images',
};

/** Path parameters and fields of an answer that name somebody else than a person: accounts, and jobs. */
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

/** Nothing else is an id, whatever stands under the name of one. */
const idForm = /^[A-Za-z0-9][A-Za-z0-9._~-]{0,127}$/;

/** Whom a call asks for (path, query and body) and whom the answer speaks of; the first come first. */
export function subjectsOf({ request, input }: HttpExchange, answered: readonly unknown[] | null): AuditSubjects {
  const found = { persons: new Set<string>(), faces: new Set<string>(), images: new Set<string>() };
  for (const each of [request.params, input.query, input.body, ...(answered ?? [])]) collect(each, found, 0);
  const kept = (kind: Kind) => [...found[kind]].slice(0, most);
  const [persons, faces, images] = [kept('persons'), kept('faces'), kept('images')];
  const all = found.persons.size + found.faces.size + found.images.size;
  return { persons, faces, images, more: all - persons.length - faces.length - images.length };
}

function collect(value: unknown, found: Record<Kind, Set<string>>, depth: number): void {
  if (typeof value !== 'object' || value === null || depth > deepest) return;
  if (Array.isArray(value)) {
    for (const each of value) collect(each, found, depth + 1);
    return;
  }
  for (const [name, each] of Object.entries(value)) {
    // The client's own, in which names mean whatever they like.
    if (name === 'metadata') continue;
    const kind = Object.hasOwn(kinds, name) ? kinds[name] : undefined;
    if (kind === undefined) collect(each, found, depth + 1);
    else for (const id of Array.isArray(each) ? each : [each]) if (isId(id)) found[kind].add(id);
  }
}

/** Ids of accounts in the path and at the top of the answer. */
export function otherIdsOf({ request }: HttpExchange, data: unknown): NewAuditEntry['details'] {
  const given = typeof data === 'object' && data !== null ? data : {};
  return Object.fromEntries(
    [...Object.entries(given), ...Object.entries(request.params)].filter(
      ([name, value]) => otherIds.has(name) && typeof value === 'string' && /^[\w.~-]{1,128}$/.test(value),
    ),
  ) as NewAuditEntry['details'];
}

const isId = (value: unknown): value is string => typeof value === 'string' && idForm.test(value);
