import type { RuntimeContext } from '../function/context.ts';
import type { IncomingRequest, OutgoingResponse } from '../function/message.ts';
import { crossOrigin } from '../http/cors.ts';
import { errorResponse } from '../http/errors.ts';
import { securityHeaders } from '../http/security-headers.ts';

/** Returns the response to a request. The router sets the request's `params`. */
export type Answer = (request: IncomingRequest) => Promise<OutgoingResponse>;

/** Adds security headers and CORS to every response of a server, including probes and errors. */
export interface Surface {
  readonly answer: Answer;
  /** Error response of the server itself, for a request that no function handled. */
  refuse(error: unknown, requestId?: string): OutgoingResponse;
}

export function openSurface(answer: Answer, { config, newId }: RuntimeContext): Surface {
  const origins = crossOrigin(config.corsOrigins);
  const common = {
    // Responses contain personal data. Caches must not store them unless the function's own header allows it.
    'cache-control': 'no-store',
    ...securityHeaders({ behindTls: config.behindTls, shared: origins !== null }),
  };
  const withHeaders = (response: OutgoingResponse, own: Record<string, string> = {}): OutgoingResponse => {
    const { vary } = response.headers;
    const headers: Record<string, string> = { ...common, ...own, ...response.headers };
    if (vary !== undefined && own.vary !== undefined) headers.vary = `${vary}, ${own.vary}`;
    return { ...response, headers };
  };
  const refuse = (error: unknown, requestId = newId()) => {
    const response = errorResponse(error, requestId);
    return withHeaders({ ...response, headers: { ...response.headers, 'x-request-id': requestId } });
  };
  return {
    refuse,
    async answer(request) {
      const preflight = origins?.preflight(request);
      if (preflight) return withHeaders(preflight);
      return withHeaders(await answer(request), origins?.headers(request));
    },
  };
}
