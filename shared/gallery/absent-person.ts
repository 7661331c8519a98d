import { AppError, type AppErrorOptions } from '../errors.ts';
import type { CallContext } from '../function/define.ts';
import type { Ports } from '../ports/index.ts';

type Caller = Pick<CallContext, 'tenant' | 'signal'>;
type RecordsPort = Pick<Ports, 'records'>;

/** The error for a person that the records do not have: PERSON_ERASED, or PERSON_NOT_FOUND with the `options`. */
export async function absentPerson(
  personId: string,
  { tenant, signal }: Caller,
  { records }: RecordsPort,
  options?: AppErrorOptions,
): Promise<AppError> {
  const [erased] = await records.erasedPersons(tenant, [personId], { signal });
  return erased === undefined ? new AppError('PERSON_NOT_FOUND', options) : new AppError('PERSON_ERASED');
}

/** Errors: PERSON_ERASED, which names each field. `named`: the field of each id. */
export async function refuseErased(
  named: readonly { readonly field: string; readonly personId: string }[],
  { tenant, signal }: Caller,
  { records }: RecordsPort,
): Promise<void> {
  if (named.length === 0) return;
  const ids = named.map(({ personId }) => personId);
  const erased = new Set(await records.erasedPersons(tenant, ids, { signal }));
  const wrong = named.filter(({ personId }) => erased.has(personId));
  if (wrong.length === 0) return;
  throw new AppError('PERSON_ERASED', {
    details: wrong.slice(0, 100).map(({ field }) => ({ field, issue: 'is the id of an erased person' })),
  });
}
