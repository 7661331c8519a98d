import cors from 'cors';
import type { IncomingRequest, OutgoingResponse } from '../function/message.ts';

export interface CrossOrigin {
  /** What the answer to `request` must carry for a page of another origin to read it. */
  headers(request: Pick<IncomingRequest, 'method' | 'headers'>): Record<string, string>;
  /** The answer when a browser asks beforehand; null: it does not. */
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
 * Which web pages may call; null when none may.
 *
 * [Note: No credentials across origins]
 * Callers show a key or a token in a header, which a page must have been given. Cookies and logins of the browser count for nothing
 * here, so `Access-Control-Allow-Credentials` is never sent, and `*` lets nobody do what they could not do without a browser.
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
