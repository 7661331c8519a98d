/** The two sides of a copy. */
export const ends = ['embedded', 'distributed'] as const;
export type EndName = (typeof ends)[number];
