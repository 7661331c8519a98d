import { presentErrorDetails } from '../api/errors.ts';
import { type ErrorCode, toAppError } from '../errors.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { HttpMiddleware } from './exchange.ts';

/** Codes that reject the caller's identity. */
const identityCodes: readonly ErrorCode[] = ['UNAUTHENTICATED', 'FORBIDDEN', 'LOGIN_FAILED', 'LOGIN_LOCKED'];

/** Error middleware: turns any thrown value into the error envelope. The inner message of a 5xx goes to the log, never to the client. */
export function errors(metrics: Metrics): HttpMiddleware {
  return {
    onError: function errorsOnError(request) {
      const { event } = request;
      if (event.request.gone.aborted) {
        metrics.clientsGone.inc({ function: event.manifest.name });
        // Status 499 separates requests whose caller disconnected from requests that failed.
        request.response = { status: 499, headers: {}, body: null };
        return;
      }
      const error = toAppError(request.error);
      const { code } = error;
      metrics.requestErrors.inc({ function: event.manifest.name, code });
      if (identityCodes.includes(code)) metrics.authFailures.inc({ code });
      if (code === 'BUSY') metrics.shed.inc({ function: event.manifest.name });
      event.log = event.log.child({ code });
      if (error.httpStatus >= 500) event.log.error({ err: error.cause ?? error }, 'request failed');
      request.response = errorResponse(error, event.requestId);
    },
  };
}

/** Returns the error envelope as a response. `thrown` may be any value. */
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
