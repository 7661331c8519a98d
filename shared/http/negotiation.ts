import preferredMediaTypes from 'negotiator/lib/mediaType.js';
import { AppError } from '../errors.ts';
import { type HttpManifest, isBinary } from '../function/define.ts';
import type { HttpMiddleware } from './exchange.ts';

/** Refuses who accepts nothing of what the function gives, and bodies that would have to be unpacked. Refusals are always JSON. */
export function negotiate({ output, body, image }: HttpManifest): HttpMiddleware {
  const given = isBinary(output) ? [...output.binary] : ['application/json'];
  const takesBody = body !== undefined || image !== undefined;
  return {
    before: function negotiateBefore({ event: { request } }) {
      const { accept } = request.headers;
      if (accept !== undefined && accept.trim() !== '' && !accepts(accept, given)) {
        throw new AppError('NOT_ACCEPTABLE', {
          message: `Accept rules out what is given here: ${given.join(', ')}.`,
          details: { available: given },
        });
      }
      const encoding = (request.headers['content-encoding'] ?? 'identity').trim().toLowerCase();
      if (takesBody && encoding !== 'identity' && encoding !== '') {
        throw new AppError('MEDIA_TYPE_UNSUPPORTED', {
          message: 'Bodies are taken uncompressed; send no Content-Encoding.',
          details: [{ field: 'content-encoding', issue: 'must be absent or identity' }],
        });
      }
    },
  };
}

function accepts(accept: string, given: string[]): boolean {
  // Most callers: no need to take it apart.
  if (accept === '*/*' || given.includes(accept)) return true;
  return preferredMediaTypes(accept, given).length > 0;
}
