/** The command line is wrong. */
export class UsageError extends Error {}

/** Whether the error reports a wrong command line: a UsageError, or an error of `parseArgs`. */
export const isUsageError = (error: unknown): error is Error =>
  error instanceof UsageError ||
  (error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS'));
