import type { HttpManifest } from '../../shared/function/define.ts';
import type { CallOptions } from '../../shared/testing/send.ts';

/** Nobody's id. */
const unknown = '01890000-0000-7000-8000-000000000000';

/** A call that whoever has nothing to say could make, and the status that answers it. It changes nothing, but that a person is made. */
export function firstCall({ name, trigger: { method, path } }: HttpManifest): {
  method: string;
  path: string;
  options: CallOptions;
  status: number;
} {
  return {
    method,
    path: path.replace(/\{[^}]+\}/g, unknown),
    options: ['POST', 'PUT'].includes(method) ? { json: {} } : {},
    status: own[name] ?? statusOf(method, path),
  };
}

/** A change of nothing is refused, what is unknown is not found, what is to be made lacks its fields; a list is a list. */
function statusOf(method: string, path: string): number {
  if (method === 'PUT') return 400;
  if (path.includes('{')) return 404;
  return method === 'GET' ? 200 : 400;
}

/** Where that is not so: a person needs no field, the ids to list are asked for, and a key cannot log out. */
const own: Readonly<Record<string, number>> = {
  'create-person': 201,
  'list-persons-by-external-ids': 400,
  'log-out': 403,
};
