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
  /**
   * Answers requests that are on the way, accepts no new connection, waits up to `graceMs` for running requests, and then closes all
   * connections. See: [Note: Connections that are on the way]
   */
  close(graceMs: number): Promise<void>;
}

/** The server reads and discards a rejected body up to this many times the largest image, so that the client reads the response. */
const drainFactor = 4;

/** Pause without a new connection or request after which a stopping server closes, and the longest wait for it, in milliseconds. */
const quietMs = 50;
const longestQuietMs = 2000;

/** Headers that a request may have once. A proxy may use one of two values and this server the other one. */
const single: ReadonlySet<string> = new Set([
  'host',
  'authorization',
  'x-api-key',
  'idempotency-key',
  'content-type',
  'content-length',
  'if-match',
]);

/**
 * Starts a node:http server on the configured port.
 *
 * [Note: Time-outs of the server]
 * A proxy keeps idle connections for 60 s, and this server keeps them for 65 s. So the proxy closes them first, and no request arrives on
 * a connection that the server is closing. The headers must arrive within 10 s, and a whole request within 120 s.
 *
 * [Note: Headers beyond the first thousand]
 * Node drops all headers after the first 1,000 without an error. A caller could fill these and make the server lose `X-Forwarded-For`,
 * which the proxy adds at the end. So there is no limit on their number; their size is limited to 16 kB together.
 *
 * [Note: Connections that are on the way]
 * On a busy machine, the kernel has completed connections that the server has not accepted yet, and idle connections have requests that
 * it has not read yet. Closing resets both. So a stopping server first goes on for a moment, answers with `Connection: close`, and closes
 * when nothing new has arrived for 50 ms, at the latest after 2 s. Each step runs after the event loop has read what has arrived
 * (`setImmediate` follows the poll phase; a timer precedes it).
 *
 * [Note: Connections and file descriptors]
 * Each connection needs a file descriptor, as files, stores and new threads do. Without descriptors the process cannot read a file or
 * load a package. So the server accepts fewer connections than there are descriptors, and closes any further connection at once. Then it
 * also closes the connections that wait for their next request. A new connection that sends no request is closed after 10 to 15 s.
 */
export async function listen(answer: Answer, context: RuntimeContext): Promise<RunningServer> {
  const { host, port, maxBodyBytesHeld, maxConnections } = context.config;
  let closing = false;
  let lastArrival = 0;
  const surface = openSurface(answer, context);
  const budget = createBodyBudget(maxBodyBytesHeld);
  const arrived = () => {
    lastArrival = performance.now();
  };
  const onRequest = (message: IncomingMessage, response: ServerResponse) => {
    arrived();
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
  server.on('connection', arrived);
  refuseBrokenRequests(server, surface, context);
  server.maxHeadersCount = 0;
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
    async close(graceMs) {
      closing = true;
      const begun = performance.now();
      setTimeout(() => server.closeAllConnections(), graceMs).unref();
      arrived();
      const isQuiet = () => performance.now() - lastArrival >= quietMs;
      const isLate = () => performance.now() - begun >= Math.min(longestQuietMs, graceMs / 2);
      do await nextPoll(quietMs);
      while (!isQuiet() && !isLate());
      await new Promise<void>((resolve) => {
        const idle = setInterval(() => setImmediate(() => server.closeIdleConnections()), 100);
        server.close(() => {
          clearInterval(idle);
          resolve();
        });
        server.closeIdleConnections();
      });
    },
  };
}

/** Resolves after the pause, when the event loop has read everything that arrived until then. */
const nextPoll = (pauseMs: number): Promise<void> =>
  new Promise((resolve) => setTimeout(() => setImmediate(resolve), pauseMs));

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
    const wrong = wrongHeader(message);
    if (wrong !== null) {
      // The caller and a proxy may disagree about the start of the next request.
      response.shouldKeepAlive = false;
      send(exchange, surface.refuse(new AppError('REQUEST_MALFORMED', { message: wrong })));
    } else send(exchange, await surface.answer(readRequest(exchange, gone.signal)));
  } catch (error) {
    context.log.error({ err: error }, 'handling a request failed');
    if (!response.headersSent) send(exchange, surface.refuse(error));
  }
}

/** Says how the headers are malformed; null: they are not. */
function wrongHeader({ headers, rawHeaders, httpVersion }: IncomingMessage): string | null {
  if (headers.host === undefined && httpVersion !== '1.0') return 'The request has no Host header.';
  const seen = new Set<string>();
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!.toLowerCase();
    if (!single.has(name)) continue;
    if (seen.has(name)) return `The request has the header ${name} twice.`;
    seen.add(name);
  }
  return null;
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
