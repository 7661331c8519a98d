import cors from 'cors';
import type { IncomingRequest, OutgoingResponse } from '../function/message.ts';

export interface CrossOrigin {
  /** Response headers that let a page of another origin read the response to `request`. */
  headers(request: Pick<IncomingRequest, 'method' | 'headers'>): Record<string, string>;
  /** The response to a preflight request; null when `request` is not a preflight. */
  preflight(request: Pick<IncomingRequest, 'method' | 'headers'>): OutgoingResponse | null;
}

const exposed = [
  'X-Request-Id',
  'ETag',
  'Location',
  'RateLimit-Limit',
  'RateLimit-Remaining',
  'RateLimit-Reset',
  'RateLimit-Policy',
  'Retry-After',
  'Idempotency-Replayed',
];

/**
 * CORS for pages of the given origins; `*` allows all. null: no page of another origin may call.
 *
 * [Note: No credentials across origins]
 * A caller sends a key or a token in a header, so a page must already have it. The platform ignores cookies and logins of the
 * browser. So `Access-Control-Allow-Credentials` is never sent, and `*` allows nothing that a caller without a browser cannot do.
 *
 * @example
 * const cors = crossOrigin(['https://app.example']);
 * cors?.headers({ method: 'GET', headers: { origin: 'https://app.example' } });
 * // includes 'access-control-allow-origin': 'https://app.example'
 */
export function crossOrigin(origins: readonly string[]): CrossOrigin | null {
  if (origins.length === 0) return null;
  const apply = cors({
    origin: origins.includes('*') ? '*' : [...origins],
    methods: ['GET', 'HEAD', 'POST', 'PUT', 'DELETE'],
    exposedHeaders: exposed,
    maxAge: 600,
  });
  const headersFor = ({ method, headers }: Pick<IncomingRequest, 'method' | 'headers'>): Record<string, string> => {
    const collected: Record<string, string> = {};
    const response = {
      getHeader: (name: string) => collected[name.toLowerCase()],
      setHeader: (name: string, value: string) => {
        collected[name.toLowerCase()] = value;
      },
      end: () => {},
    };
    apply({ method, headers }, response, () => {});
    return collected;
  };
  return {
    headers: (request) => headersFor({ ...request, method: request.method === 'OPTIONS' ? 'GET' : request.method }),
    preflight(request) {
      const { method, headers } = request;
      if (method !== 'OPTIONS' || headers.origin === undefined) return null;
      if (headers['access-control-request-method'] === undefined) return null;
      return { status: 204, headers: headersFor(request), body: null };
    },
  };
}
