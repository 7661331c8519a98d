import preferredMediaTypes from 'negotiator/lib/mediaType.js';
import { AppError } from '../errors.ts';
import { type HttpManifest, isBinary } from '../function/define.ts';
import type { HttpMiddleware } from './exchange.ts';

/**
 * Content negotiation: refuses a request whose `Accept` excludes every type that the function returns, and a compressed body. Error
 * responses are always JSON. Errors: NOT_ACCEPTABLE, MEDIA_TYPE_UNSUPPORTED.
 */
export function negotiate({ output, body, image }: HttpManifest): HttpMiddleware {
  const available = isBinary(output) ? [...output.binary] : ['application/json'];
  const takesBody = body !== undefined || image !== undefined;
  return {
    before: function negotiateBefore({ event: { request } }) {
      const { accept } = request.headers;
      if (accept !== undefined && accept.trim() !== '' && !accepts(accept, available)) {
        throw new AppError('NOT_ACCEPTABLE', {
          message: `The Accept header excludes every available type: ${available.join(', ')}.`,
          details: { available },
        });
      }
      const encoding = (request.headers['content-encoding'] ?? 'identity').trim().toLowerCase();
      if (takesBody && encoding !== 'identity' && encoding !== '') {
        throw new AppError('MEDIA_TYPE_UNSUPPORTED', {
          message: 'A compressed body is not supported; send no Content-Encoding.',
          details: [{ field: 'content-encoding', issue: 'must be absent or identity' }],
        });
      }
    },
  };
}

function accepts(accept: string, available: string[]): boolean {
  // Most requests: the header needs no parsing.
  if (accept === '*/*' || available.includes(accept)) return true;
  return preferredMediaTypes(accept, available).length > 0;
}
