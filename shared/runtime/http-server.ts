import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { AppError } from '../errors.ts';
import type { RuntimeContext } from '../function/context.ts';
import type { IncomingRequest, OutgoingResponse } from '../function/message.ts';
import { explainListenError } from './address.ts';
import { type BodyBudget, createBodyBudget } from './body-budget.ts';
import { refuseBrokenRequests } from './broken-requests.ts';
import { connectionsWithin, descriptorLimit } from './descriptors.ts';
import { drain, readBody } from './read-body.ts';
import { type Answer, openSurface, type Surface } from './surface.ts';

export type { Answer };

export interface RunningServer {
  readonly host: string;
  readonly port: number;
  /** Accepts no new connection, waits up to `graceMs` for running requests, and then closes all connections. */
  close(graceMs: number): Promise<void>;
}

/** The server reads and discards a rejected body up to this many times the largest image, so that the client reads the response. */
const drainFactor = 4;

/**
 * Starts a node:http server on the configured port.
 *
 * [Note: Time-outs of the server]
 * A proxy keeps idle connections for 60 s, and this server keeps them for 65 s. So the proxy closes them first, and no request arrives on
 * a connection that the server is closing. The headers must arrive within 10 s, and a whole request within 120 s.
 *
 * [Note: Connections and file descriptors]
 * Each connection needs a file descriptor, as files, stores and new threads do. Without descriptors the process cannot read a file or
 * load a package. So the server accepts fewer connections than there are descriptors, and closes any further connection at once. Then it
 * also closes the connections that wait for their next request. A new connection that sends no request is closed after 10 to 15 s.
 */
export async function listen(answer: Answer, context: RuntimeContext): Promise<RunningServer> {
  const { host, port, maxBodyBytesHeld, maxConnections } = context.config;
  let closing = false;
  const surface = openSurface(answer, context);
  const budget = createBodyBudget(maxBodyBytesHeld);
  const onRequest = (message: IncomingMessage, response: ServerResponse) => {
    // Otherwise a client that sends requests on one connection without a pause would prevent the stop.
    if (closing) response.shouldKeepAlive = false;
    void respond({ message, response, surface, context, budget });
  };
  // `respond` checks the Host header, so that the error response has the envelope.
  const server = createServer({ requireHostHeader: false, connectionsCheckingInterval: 5000 }, onRequest);
  server.maxConnections = maxConnections ?? connectionsWithin(descriptorLimit());
  server.on('drop', () => server.closeIdleConnections());
  // Answers `Expect: 100-continue` only when the body is read, so a rejected client skips the upload.
  server.on('checkContinue', onRequest);
  server.on('checkExpectation', onRequest);
  refuseBrokenRequests(server, surface, context);
  server.keepAliveTimeout = 65_000;
  server.headersTimeout = 10_000;
  server.requestTimeout = 120_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(explainListenError(error, { host, port })));
    server.listen(port, host, resolve);
  });
  return {
    host,
    port: (server.address() as AddressInfo).port,
    close: (graceMs) =>
      new Promise((resolve) => {
        closing = true;
        const idle = setInterval(() => server.closeIdleConnections(), 100);
        server.close(() => {
          clearInterval(idle);
          resolve();
        });
        server.closeIdleConnections();
        setTimeout(() => server.closeAllConnections(), graceMs).unref();
      }),
  };
}

interface Exchange {
  readonly message: IncomingMessage;
  readonly response: ServerResponse;
  readonly surface: Surface;
  readonly context: RuntimeContext;
  readonly budget: BodyBudget;
}

async function respond(exchange: Exchange): Promise<void> {
  const { message, response, surface, context } = exchange;
  const gone = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) gone.abort();
  });
  try {
    if (message.headers.host === undefined && message.httpVersion !== '1.0')
      send(exchange, surface.refuse(new AppError('REQUEST_MALFORMED', { message: 'The request has no Host header.' })));
    else send(exchange, await surface.answer(readRequest(exchange, gone.signal)));
  } catch (error) {
    context.log.error({ err: error }, 'handling a request failed');
    if (!response.headersSent) send(exchange, surface.refuse(error));
  }
}

function readRequest({ message, response, budget }: Exchange, gone: AbortSignal): IncomingRequest {
  const url = targetOf(message.url ?? '/');
  const mark = url.indexOf('?');
  let read: Promise<Uint8Array> | undefined;
  return {
    method: message.method ?? 'GET',
    path: mark < 0 ? url : url.slice(0, mark),
    params: {},
    query: new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1)),
    headers: message.headers as Record<string, string | undefined>,
    body: (limit) => (read ??= readBody(message, response, budget, limit)),
    remoteAddress: message.socket.remoteAddress ?? '',
    gone,
  };
}

/** Returns path and query. Also accepts the form for proxies, `GET http://host/path`, which every server must support. */
function targetOf(url: string): string {
  if (url.startsWith('/')) return url;
  const [, target] = /^https?:\/\/[^/?#]*(.*)$/i.exec(url) ?? [];
  if (target === undefined) return url;
  return target.startsWith('/') ? target : `/${target}`;
}

function send({ message, response, context }: Exchange, answer: OutgoingResponse): void {
  const body = typeof answer.body === 'string' ? Buffer.from(answer.body) : answer.body;
  const streamed = body !== null && !(body instanceof Uint8Array);
  const headers: Record<string, string | number> = { ...answer.headers };
  if (answer.status !== 204 && answer.status !== 304 && !streamed) headers['content-length'] ??= body?.length ?? 0;
  if (!message.complete && !drain(message, context.config.maxImageBytes * drainFactor)) headers.connection = 'close';
  response.writeHead(answer.status, headers);
  if (message.method === 'HEAD' || body === null) response.end();
  else if (streamed) {
    // The headers are already sent, so a failure can only end the response without its end mark.
    pipeline(Readable.from(body, { objectMode: false }), response).catch((error: unknown) =>
      context.log.warn({ err: error }, 'sending the response body failed'),
    );
  } else response.end(body);
}
