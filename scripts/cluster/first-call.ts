import type { HttpManifest } from '../../shared/function/define.ts';
import type { CallOptions } from '../../shared/testing/send.ts';

/** An id that nothing has. */
const unknown = '01890000-0000-7000-8000-000000000000';

/** Returns a call without content, and the status of its response. The call changes nothing, except that `create-person` creates a person. */
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
    status: exceptions[name] ?? statusOf(method, path),
  };
}

/** An empty update is refused, an unknown id is not found, a new object lacks its fields, and a list is returned. */
function statusOf(method: string, path: string): number {
  if (method === 'PUT') return 400;
  if (path.includes('{')) return 404;
  return method === 'GET' ? 200 : 400;
}

/** Exceptions: a person needs no field, the list by ids requires ids, and a key cannot log out. */
const exceptions: Readonly<Record<string, number>> = {
  'create-person': 201,
  'list-persons-by-external-ids': 400,
  'log-out': 403,
};
