import { type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { AppError } from '../errors.ts';
import type { RuntimeContext } from '../function/context.ts';
import type { Surface } from './surface.ts';

/**
 * Sends the usual error envelope for a request that is not well-formed HTTP, arrives too slowly or has too large headers. Then it closes
 * the connection, because the start of the next request is unknown.
 */
export function refuseBrokenRequests(server: Server, surface: Surface, { log, newId }: RuntimeContext): void {
  const current = new WeakMap<Socket, ServerResponse>();
  for (const event of ['request', 'checkContinue', 'checkExpectation'] as const) {
    server.prependListener(event, (message, response) => current.set(message.socket, response));
  }
  server.on('clientError', (error: NodeJS.ErrnoException, stream) => {
    const socket = stream as Socket;
    const response = current.get(socket);
    // During a response, the client would read an error as a part of it.
    const answering = response?.headersSent === true && !response.writableFinished;
    if (!socket.writable || error.code === 'ECONNRESET' || answering) {
      socket.destroy();
      return;
    }
    const requestId = newId();
    const refusal = refusalOf(error);
    log.info({ request_id: requestId, status: refusal.httpStatus, code: refusal.code }, 'answered');
    const { status, headers, body } = surface.refuse(refusal, requestId);
    const bytes = Buffer.from(body as string);
    const lines = Object.entries({ ...headers, connection: 'close', 'content-length': bytes.length });
    socket.write(
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`,
    );
    socket.write(bytes);
    socket.destroySoon();
  });
}

function refusalOf({ code }: NodeJS.ErrnoException): AppError {
  if (code === 'HPE_HEADER_OVERFLOW') return new AppError('HEADERS_TOO_LARGE');
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return new AppError('REQUEST_TIMEOUT');
  return new AppError('REQUEST_MALFORMED');
}
