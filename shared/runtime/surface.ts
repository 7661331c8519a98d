import type { RuntimeContext } from '../function/context.ts';
import type { IncomingRequest, OutgoingResponse } from '../function/message.ts';
import { crossOrigin } from '../http/cors.ts';
import { errorResponse } from '../http/errors.ts';
import { securityHeaders } from '../http/security-headers.ts';

/** Answers a request; `params` are filled in by whoever routes. */
export type Answer = (request: IncomingRequest) => Promise<OutgoingResponse>;

/** What browsers see of a server, whatever answers behind it: probes and refusals too. */
export interface Surface {
  readonly answer: Answer;
  /** The answer to what cannot be given to anybody. */
  refuse(error: unknown, requestId?: string): OutgoingResponse;
}

export function openSurface(answer: Answer, { config, newId }: RuntimeContext): Surface {
  const origins = crossOrigin(config.corsOrigins);
  const common = {
    // Answers speak of people; nobody on the way keeps them unless told so.
    'cache-control': 'no-store',
    ...securityHeaders({ behindTls: config.behindTls, shared: origins !== null }),
  };
  const dressed = (response: OutgoingResponse, own: Record<string, string> = {}): OutgoingResponse => {
    const { vary } = response.headers;
    const headers: Record<string, string> = { ...common, ...own, ...response.headers };
    if (vary !== undefined && own.vary !== undefined) headers.vary = `${vary}, ${own.vary}`;
    return { ...response, headers };
  };
  const refuse = (error: unknown, requestId = newId()) => {
    const response = errorResponse(error, requestId);
    return dressed({ ...response, headers: { ...response.headers, 'x-request-id': requestId } });
  };
  return {
    refuse,
    async answer(request) {
      const preflight = origins?.preflight(request);
      if (preflight) return dressed(preflight);
      return dressed(await answer(request), origins?.headers(request));
    },
  };
}
