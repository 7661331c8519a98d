import helmet from 'helmet';

/**
 * What every answer tells browsers, as helmet advises: nothing of an answer may be run, framed, sniffed or leaked. A page brings a
 * policy of its own. `behindTls`: browsers are told never to come in the clear again. `shared`: pages of other origins may load
 * what they are allowed to ask for.
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
  // The same for every answer, so they are asked for once.
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
