/**
 * Every error a client or a broker can see: its HTTP status, and how an event that ran into it is answered.
 *
 * [Note: Two columns of errors]
 * Knative retries no answer, 5xx, 404, 408, 409 and 429, and sends every other failure to the dead letters. So an event
 * function answers 503 for what may pass and 422 for what never will; an HTTP function says 404 or 409 for the same trouble.
 */
export const errorTable = {
  // The request
  REQUEST_MALFORMED: [400, 'poison', 'The request is not well-formed HTTP.'],
  REQUEST_TIMEOUT: [408, 'retry', 'The request did not arrive in time.'],
  HEADERS_TOO_LARGE: [431, 'poison', 'The URL and the headers together are larger than allowed.'],
  BODY_MALFORMED: [400, 'poison', 'The body cannot be read.'],
  VALIDATION_FAILED: [400, 'poison', 'The request has fields that are missing, unknown or wrong.'],
  ID_MALFORMED: [400, 'poison', 'The id has not the form of an id.'],
  PAGE_TOKEN_INVALID: [400, 'poison', 'The page token was not given out by this listing.'],
  IMAGE_MISSING: [400, 'poison', 'The request carries no image.'],
  ROUTE_NOT_FOUND: [404, 'poison', 'There is nothing at this path.'],
  METHOD_NOT_ALLOWED: [405, 'poison', 'This path does not take this method.'],
  NOT_ACCEPTABLE: [406, 'poison', 'The answer cannot be given in an accepted type.'],
  BODY_TOO_LARGE: [413, 'poison', 'The body is larger than allowed.'],
  MEDIA_TYPE_UNSUPPORTED: [415, 'poison', 'The body has a content type that is not taken here.'],
  RANGE_NOT_SATISFIABLE: [416, 'poison', 'The range lies outside the image.'],
  IDEMPOTENCY_KEY_REUSED: [422, 'poison', 'This Idempotency-Key was used for another request.'],
  IDEMPOTENCY_KEY_IN_USE: [
    409,
    'retry',
    'The first request with this Idempotency-Key is not finished yet; try again soon.',
  ],
  IDEMPOTENCY_SECRET_SHOWN: [
    409,
    'poison',
    'This was done by the first request with this Idempotency-Key. Its answer held a secret, which was shown then and is not kept.',
  ],
  // Who calls, and how much
  UNAUTHENTICATED: [401, 'poison', 'Say who you are: Authorization: Bearer <token or key>, or X-API-Key: <key>.'],
  LOGIN_FAILED: [401, 'poison', 'Username or password is wrong.'],
  LOGIN_LOCKED: [429, 'poison', 'Too many failed logins; wait before the next.'],
  FORBIDDEN: [403, 'poison', 'You may not do this.'],
  RATE_LIMITED: [429, 'retry', 'Too many requests; wait before the next.'],
  QUOTA_EXCEEDED: [403, 'poison', 'The tenant holds as much as it may.'],
  CONSENT_REQUIRED: [403, 'poison', 'This tenant enrols nobody without a consent that is in force.'],
  TENANT_NOT_FOUND: [404, 'poison', 'There is no such tenant.'],
  TENANT_EXISTS: [409, 'poison', 'A tenant with this name exists.'],
  USER_NOT_FOUND: [404, 'poison', 'There is no such user.'],
  USER_EXISTS: [409, 'poison', 'A user with this username exists.'],
  API_KEY_NOT_FOUND: [404, 'poison', 'There is no such key.'],
  // Webhooks
  WEBHOOK_NOT_FOUND: [404, 'poison', 'There is no such webhook.'],
  WEBHOOK_DISABLED: [409, 'poison', 'The webhook is out of use.'],
  DELIVERY_NOT_FOUND: [404, 'poison', 'There is no such delivery, or it is so old that it was removed.'],
  // Jobs and events
  JOB_NOT_CANCELLABLE: [409, 'poison', 'The job has begun or is over.'],
  BATCH_NOT_FOUND: [404, 'poison', 'There is no such batch.'],
  UPLOAD_NOT_FOUND: [404, 'poison', 'There is no such file in the bucket or the watched folder.'],
  DEAD_LETTER_NOT_FOUND: [404, 'poison', 'There is no such dead letter.'],
  DEAD_LETTER_FINAL: [409, 'poison', 'The event cannot be handled any more.'],
  // The image
  EMPTY_IMAGE: [400, 'poison', 'The image is empty.'],
  IMAGE_CORRUPT: [422, 'poison', 'The image is damaged and cannot be decoded.'],
  UNSUPPORTED_IMAGE: [415, 'poison', 'The bytes are not an image of a supported format.'],
  IMAGE_TOO_LARGE: [413, 'poison', 'The image has more bytes, pixels or frames than allowed.'],
  NO_FACE: [422, 'poison', 'No face was found in the image.'],
  FACE_REJECTED: [422, 'poison', 'No face in the image is good enough.'],
  AMBIGUOUS_FACE: [422, 'poison', 'Several faces of similar size; it is not clear which one is meant.'],
  STRATEGY_UNAVAILABLE: [422, 'poison', 'No such model pack is loaded.'],
  // The gallery
  PERSON_NOT_FOUND: [404, 'poison', 'There is no such person.'],
  FACE_NOT_FOUND: [404, 'poison', 'There is no such face.'],
  IMAGE_NOT_FOUND: [404, 'poison', 'There is no such image.'],
  IMAGE_EXPIRED: [410, 'poison', 'The image was removed when its time of retention was over.'],
  JOB_NOT_FOUND: [404, 'poison', 'There is no such job.'],
  JOB_FAILED: [422, 'poison', 'The job has failed; its status says why.'],
  PERSON_EXISTS: [409, 'poison', 'A person with this id exists.'],
  EXTERNAL_ID_TAKEN: [409, 'poison', 'Another person has this external_id.'],
  FACE_OF_OTHER_PERSON: [409, 'poison', 'This face is enrolled for another person.'],
  VERSION_CONFLICT: [412, 'retry', 'It was changed in the meantime.'],
  // The service
  BUSY: [429, 'retry', 'Too many requests at once; try again soon.'],
  IMAGE_STORE_DAMAGED: [500, 'poison', 'Something went wrong.'],
  INTERNAL: [500, 'retry', 'Something went wrong.'],
  STORE_UNAVAILABLE: [503, 'retry', 'A store is unavailable; try again soon.'],
  NOT_READY: [503, 'retry', 'The service is starting; try again soon.'],
  TIMEOUT: [504, 'retry', 'The request took too long.'],
} as const satisfies Record<string, readonly [status: number, event: 'poison' | 'retry', message: string]>;

export type ErrorCode = keyof typeof errorTable;

export interface AppErrorOptions extends ErrorOptions {
  /** Replaces the table's sentence. Reaches the client unless the status is 5xx. */
  readonly message?: string;
  /**
   * Machine-readable context: `{field, issue}[]` or the like in the form of the API, or domain values, which the API presents. See:
   * presentErrorDetails
   */
  readonly details?: unknown;
  /** Seconds, for Retry-After. */
  readonly retryAfter?: number;
}

/** The only error that domain, ports and functions throw on purpose. */
export class AppError extends Error {
  override readonly name = 'AppError';
  readonly code: ErrorCode;
  readonly details: unknown;
  readonly retryAfter: number | undefined;

  constructor(code: ErrorCode, options: AppErrorOptions = {}) {
    super(options.message ?? errorTable[code][2], options);
    this.code = code;
    this.details = options.details;
    this.retryAfter = options.retryAfter;
  }

  /** The table's sentence, which tells nothing of the inside. */
  get publicMessage(): string {
    return errorTable[this.code][2];
  }

  get httpStatus(): number {
    return errorTable[this.code][0];
  }

  /** 503: deliver again. 422: to the dead letters. */
  get eventStatus(): 503 | 422 {
    return errorTable[this.code][1] === 'retry' ? 503 : 422;
  }
}

/**
 * Whether a write that threw `error` may have happened all the same: a store that does not answer in time, or whose answer is lost,
 * may have written. What was written before it must then stay, since something may refer to it by now; what nothing refers to is
 * cleared away later.
 */
export const mayHaveHappened = (error: unknown): boolean => toAppError(error).httpStatus >= 500;

/** `error` itself when it is an AppError; TIMEOUT for an aborted call; otherwise INTERNAL with `error` as its cause. */
export function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  if (error instanceof DOMException && (error.name === 'TimeoutError' || error.name === 'AbortError')) {
    return new AppError('TIMEOUT', { cause: error });
  }
  return new AppError('INTERNAL', { cause: error });
}
