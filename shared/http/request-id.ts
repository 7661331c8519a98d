import type { HttpMiddleware } from './exchange.ts';

/** Takes a well-formed `X-Request-Id` from outside, else keeps the new one; every answer and log line carries it. */
export function requestId(): HttpMiddleware {
  return {
    before: function requestIdBefore({ event }) {
      const given = event.request.headers['x-request-id'];
      if (given !== undefined && /^[A-Za-z0-9._-]{1,128}$/.test(given)) event.requestId = given;
      event.log = event.log.child({ request_id: event.requestId, function: event.manifest.name });
      event.answerHeaders['x-request-id'] = event.requestId;
    },
  };
}
