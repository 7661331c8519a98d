import helmet from 'helmet';

/**
 * Returns the security headers of every response, as helmet recommends them: a browser must not run, frame or sniff a response, nor
 * leak its address. An HTML page sets its own content security policy. `behindTls`: a browser must use HTTPS from now on. `shared`:
 * pages of other origins may load a response.
 *
 * @example
 * securityHeaders({ behindTls: true, shared: false })['x-frame-options']; // 'DENY'
 */
export function securityHeaders({
  behindTls,
  shared,
}: {
  behindTls: boolean;
  shared: boolean;
}): Record<string, string> {
  const protect = helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        'default-src': ["'none'"],
        'base-uri': ["'none'"],
        'form-action': ["'none'"],
        'frame-ancestors': ["'none'"],
      },
    },
    strictTransportSecurity: behindTls,
    crossOriginResourcePolicy: { policy: shared ? 'cross-origin' : 'same-origin' },
    xFrameOptions: { action: 'deny' },
  });
  // Every response has the same headers, so helmet runs only once.
  const headers: Record<string, string> = {};
  const collecting = {
    setHeader: (name: string, value: string) => {
      headers[name.toLowerCase()] = value;
    },
    removeHeader: () => {},
  };
  const [request, response] = [{}, collecting] as unknown as Parameters<typeof protect>;
  protect(request, response, (error) => {
    if (error !== undefined) throw error;
  });
  return headers;
}
