import { presentErrorDetails } from '../api/errors.ts';
import { type ErrorCode, toAppError } from '../errors.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { HttpMiddleware } from './exchange.ts';

/** Whoever is refused for one of these is refused for who they are. */
const doorCodes: readonly ErrorCode[] = ['UNAUTHENTICATED', 'FORBIDDEN', 'LOGIN_FAILED', 'LOGIN_LOCKED'];

/** Turns whatever was thrown into the error envelope. The inner message of a 5xx goes to the log, never to the client. */
export function errors(metrics: Metrics): HttpMiddleware {
  return {
    onError: function errorsOnError(request) {
      const { event } = request;
      if (event.request.gone.aborted) {
        metrics.clientsGone.inc({ function: event.manifest.name });
        // Nobody reads the answer; 499 keeps those who left apart from those who were failed.
        request.response = { status: 499, headers: {}, body: null };
        return;
      }
      const error = toAppError(request.error);
      const { code } = error;
      metrics.requestErrors.inc({ function: event.manifest.name, code });
      if (doorCodes.includes(code)) metrics.authFailures.inc({ code });
      if (code === 'BUSY') metrics.shed.inc({ function: event.manifest.name });
      event.log = event.log.child({ code });
      if (error.httpStatus >= 500) event.log.error({ err: error.cause ?? error }, 'request failed');
      request.response = errorResponse(error, event.requestId);
    },
  };
}

/** The error envelope as an answer. `error` may be anything that was thrown. */
export function errorResponse(thrown: unknown, requestId: string) {
  const error = toAppError(thrown);
  const { httpStatus: status, code } = error;
  const hidden = status >= 500;
  return {
    status,
    headers: {
      'content-type': 'application/json; charset=utf-8',
      ...(error.retryAfter !== undefined || status === 429 || status === 503
        ? { 'retry-after': String(error.retryAfter ?? 1) }
        : {}),
      ...(status === 401 ? { 'www-authenticate': 'Bearer realm="FreeFace"' } : {}),
    },
    body: JSON.stringify({
      success: false,
      message: hidden ? error.publicMessage : error.message,
      error: {
        code,
        ...(hidden || error.details === undefined ? {} : { details: presentErrorDetails(error.details) }),
        request_id: requestId,
      },
    }),
  };
}
