/**
 * Environment of every process that loads networks.
 *
 * [Note: The allocator]
 * Loading the networks leaves as much memory behind as they take, and glibc keeps it: the default pack on two threads is
 * resident with 354 MB. Told to give blocks from 256 KB on back at once it is 265 MB. glibc listens only while a process starts:
 * `npm start` runs the platform in a process of its own under these settings, from one that has loaded nothing and passes on
 * how it ends. A function's bundle does not: its image, or whoever starts it, sets them.
 */
export const allocator = { MALLOC_MMAP_THRESHOLD_: '262144', MALLOC_TRIM_THRESHOLD_: '1048576' } as const;
