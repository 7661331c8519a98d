/** Between what a copy goes. */
export const ends = ['embedded', 'distributed'] as const;
export type EndName = (typeof ends)[number];
