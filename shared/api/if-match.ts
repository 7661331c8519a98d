import { AppError } from '../errors.ts';

/** Entity tag of the current version of a resource, for If-Match. */
export const versionTag = ({ version }: { readonly version: number }): string => `"${version}"`;

/** The version that a change expects; undefined: any version. A tag of another form gives 0, which matches no version. */
export function expectedVersion({
  'if-match': ifMatch,
}: Readonly<Record<string, string | undefined>>): number | undefined {
  if (ifMatch === undefined || ifMatch === '*') return undefined;
  return Number(/^"(\d{1,15})"$/.exec(ifMatch)?.[1] ?? 0);
}

/**
 * Returns the version that a change may replace. The decision to change, and the check of the caller's rights, are based on `before`.
 * So the result is always the version of `before`, even if the caller expects another one. Errors: VERSION_CONFLICT.
 *
 * @example
 * versionToReplace({ 'if-match': '"3"' }, { version: 3 }); // 3
 */
export function versionToReplace(
  headers: Readonly<Record<string, string | undefined>>,
  before: { readonly version: number },
): number {
  if ((expectedVersion(headers) ?? before.version) !== before.version) throw new AppError('VERSION_CONFLICT');
  return before.version;
}
