/**
 * Environment variables of every process that loads networks.
 *
 * [Note: The allocator]
 * Loading the networks needs as much temporary memory as the networks themselves, and glibc does not return it to the system: the
 * default pack on two threads uses 354 MB of resident memory. If glibc returns blocks from 256 KB up at once, it uses 265 MB. glibc
 * reads these settings only when a process starts. So `npm start` runs the platform in a child process with these settings; the parent
 * loads nothing and exits with the exit code of the child. A function's bundle has no such parent: its container image, or the user who
 * starts it, must set the variables.
 */
export const allocator = { MALLOC_MMAP_THRESHOLD_: '262144', MALLOC_TRIM_THRESHOLD_: '1048576' } as const;
