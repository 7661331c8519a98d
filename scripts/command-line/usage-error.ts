/** A command that cannot be understood. */
export class UsageError extends Error {}

/** Whether a command line was wrong, whoever found out: the command itself or node's parser. */
export const isUsageError = (error: unknown): error is Error =>
  error instanceof UsageError ||
  (error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS'));
