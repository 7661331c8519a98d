/** Entity tag of a thing as it is now, for If-Match. */
export const versionTag = ({ version }: { readonly version: number }): string => `"${version}"`;

/** The version that a change expects; undefined: whatever is stored. A tag of another form fits no version. */
export function expectedVersion({
  'if-match': ifMatch,
}: Readonly<Record<string, string | undefined>>): number | undefined {
  if (ifMatch === undefined || ifMatch === '*') return undefined;
  return Number(/^"(\d{1,15})"$/.exec(ifMatch)?.[1] ?? 0);
}
