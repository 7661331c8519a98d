import type { HttpMiddleware } from './exchange.ts';

/** Request id middleware: uses a well-formed `X-Request-Id` of the request, otherwise a new id. Every response and log line has it. */
export function requestId(): HttpMiddleware {
  return {
    before: function requestIdBefore({ event }) {
      const given = event.request.headers['x-request-id'];
      if (given !== undefined && /^[A-Za-z0-9._-]{1,128}$/.test(given)) event.requestId = given;
      event.log = event.log.child({ request_id: event.requestId, function: event.manifest.name });
      event.responseHeaders['x-request-id'] = event.requestId;
    },
  };
}
