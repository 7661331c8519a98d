/**
 * Every error that a client or a broker can see: its HTTP status, and whether an event that fails with it is retried.
 *
 * [Note: Two columns of errors]
 * Knative retries a missing response, 5xx, 404, 408, 409 and 429, and sends every other failure to the dead letters. So an event
 * function responds with 503 if a retry may succeed (`retry`) and with 422 if it cannot (`poison`). For the same error, an HTTP
 * function responds with the status of the first column, such as 404 or 409.
 */
export const errorTable = {
  // The request
  REQUEST_MALFORMED: [400, 'poison', 'The request is not well-formed HTTP.'],
  REQUEST_TIMEOUT: [408, 'retry', 'The request did not arrive in time.'],
  HEADERS_TOO_LARGE: [431, 'poison', 'The URL and the headers together are larger than allowed.'],
  BODY_MALFORMED: [400, 'poison', 'The body cannot be read.'],
  VALIDATION_FAILED: [400, 'poison', 'The request has fields that are missing, unknown or wrong.'],
  ID_MALFORMED: [400, 'poison', 'The id does not have the form of an id.'],
  PAGE_TOKEN_INVALID: [400, 'poison', 'The page token does not belong to this list; start again without a token.'],
  IMAGE_MISSING: [400, 'poison', 'The request contains no image.'],
  ROUTE_NOT_FOUND: [404, 'poison', 'There is no route for this path.'],
  METHOD_NOT_ALLOWED: [405, 'poison', 'This path does not support this method.'],
  NOT_ACCEPTABLE: [406, 'poison', 'The response is not available in a type that the Accept header allows.'],
  BODY_TOO_LARGE: [413, 'poison', 'The body is larger than allowed.'],
  MEDIA_TYPE_UNSUPPORTED: [415, 'poison', 'The content type or encoding of the body is not supported here.'],
  RANGE_NOT_SATISFIABLE: [416, 'poison', 'The range is outside the image.'],
  IDEMPOTENCY_KEY_REUSED: [422, 'poison', 'This Idempotency-Key was used for another request.'],
  IDEMPOTENCY_KEY_IN_USE: [
    409,
    'retry',
    'The first request with this Idempotency-Key is still running; try again soon.',
  ],
  IDEMPOTENCY_SECRET_SHOWN: [
    409,
    'poison',
    'The first request with this Idempotency-Key was successful. Its response contained a secret, which is shown only once and is not stored.',
  ],
  IDEMPOTENCY_RESPONSE_GONE: [
    409,
    'poison',
    'The request with this Idempotency-Key was already processed, but its response is no longer stored. Read the resource instead.',
  ],
  // The caller, and its limits
  UNAUTHENTICATED: [
    401,
    'poison',
    'Authentication is required; send Authorization: Bearer <token or key>, or X-API-Key: <key>.',
  ],
  LOGIN_FAILED: [401, 'poison', 'The username or the password is wrong.'],
  LOGIN_LOCKED: [429, 'poison', 'Too many failed logins; wait before you try again.'],
  FORBIDDEN: [403, 'poison', 'You are not allowed to do this.'],
  RATE_LIMITED: [429, 'retry', 'Too many requests; wait before you try again.'],
  QUOTA_EXCEEDED: [403, 'poison', 'The tenant has reached its quota.'],
  CONSENT_REQUIRED: [403, 'poison', 'This tenant enrols a person only with a valid consent.'],
  TENANT_NOT_FOUND: [404, 'poison', 'The tenant does not exist.'],
  TENANT_EXISTS: [409, 'poison', 'A tenant with this name already exists.'],
  USER_NOT_FOUND: [404, 'poison', 'The user does not exist.'],
  USER_EXISTS: [409, 'poison', 'A user with this username already exists.'],
  API_KEY_NOT_FOUND: [404, 'poison', 'The API key does not exist.'],
  // Webhooks
  WEBHOOK_NOT_FOUND: [404, 'poison', 'The webhook does not exist.'],
  WEBHOOK_DISABLED: [409, 'poison', 'The webhook is disabled; enable it first.'],
  DELIVERY_NOT_FOUND: [404, 'poison', 'The delivery does not exist, or it was old and has been deleted.'],
  // Jobs and events
  JOB_NOT_CANCELLABLE: [409, 'poison', 'The job has started or ended, so it cannot be cancelled.'],
  BATCH_NOT_FOUND: [404, 'poison', 'The batch does not exist.'],
  UPLOAD_NOT_FOUND: [404, 'poison', 'The file does not exist in the bucket or the watched folder.'],
  DEAD_LETTER_NOT_FOUND: [404, 'poison', 'The dead letter does not exist.'],
  DEAD_LETTER_FINAL: [409, 'poison', 'The event cannot be processed any more.'],
  // The image
  EMPTY_IMAGE: [400, 'poison', 'The image is empty.'],
  IMAGE_CORRUPT: [422, 'poison', 'The image is damaged and cannot be decoded.'],
  UNSUPPORTED_IMAGE: [415, 'poison', 'The file is not an image of a supported format.'],
  IMAGE_TOO_LARGE: [
    413,
    'poison',
    'The image has more bytes, pixels or frames than allowed, or needs too much memory to decode.',
  ],
  NO_FACE: [422, 'poison', 'No face was found in the image.'],
  FACE_REJECTED: [422, 'poison', 'No face in the image is good enough.'],
  AMBIGUOUS_FACE: [422, 'poison', 'The image shows several faces of similar size, so the face to use is not clear.'],
  STRATEGY_UNAVAILABLE: [422, 'poison', 'The requested model pack is not loaded.'],
  // The gallery
  PERSON_NOT_FOUND: [404, 'poison', 'The person does not exist.'],
  PERSON_ERASED: [410, 'poison', 'The person was erased. The id cannot be used again.'],
  FACE_NOT_FOUND: [404, 'poison', 'The face does not exist.'],
  IMAGE_NOT_FOUND: [404, 'poison', 'The image does not exist.'],
  IMAGE_EXPIRED: [410, 'poison', 'The image was deleted because its retention time had ended.'],
  ERASED: [410, 'poison', 'The photo was erased. To enrol it again, use faces/enroll.'],
  JOB_NOT_FOUND: [404, 'poison', 'The job does not exist.'],
  JOB_FAILED: [422, 'poison', 'The job failed; its status contains the reason.'],
  PERSON_EXISTS: [409, 'poison', 'A person with this id already exists.'],
  EXTERNAL_ID_TAKEN: [409, 'poison', 'Another person has this external_id.'],
  FACE_OF_OTHER_PERSON: [409, 'poison', 'This face is already enrolled for another person.'],
  VERSION_CONFLICT: [412, 'retry', 'The resource was changed in the meantime; read it again and retry.'],
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
  /** Replaces the table's message. The client receives it unless the status is 5xx. */
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

  /** The table's message, which reveals no internal detail. */
  get publicMessage(): string {
    return errorTable[this.code][2];
  }

  get httpStatus(): number {
    return errorTable[this.code][0];
  }

  /** 503: the broker delivers the event again. 422: the broker sends it to the dead letters. */
  get eventStatus(): 503 | 422 {
    return errorTable[this.code][1] === 'retry' ? 503 : 422;
  }
}

/**
 * Whether a write that threw `error` may still have happened: a store that does not respond in time, or whose response is lost,
 * may have written. The caller must then keep everything it wrote before, since the new row may refer to it. Data that nothing
 * refers to is deleted later.
 */
export const mayHaveHappened = (error: unknown): boolean => toAppError(error).httpStatus >= 500;

/** Returns `error` if it is an AppError, TIMEOUT for an aborted call, otherwise INTERNAL with `error` as its cause. */
export function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  if (error instanceof DOMException && (error.name === 'TimeoutError' || error.name === 'AbortError')) {
    return new AppError('TIMEOUT', { cause: error });
  }
  return new AppError('INTERNAL', { cause: error });
}
