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
import { drain, readBody } from './read-body.ts';
import { type Answer, openSurface, type Surface } from './surface.ts';

export type { Answer };

export interface RunningServer {
  readonly host: string;
  readonly port: number;
  /** Takes no new connection, lets running requests finish for at most `graceMs`, then cuts the rest. */
  close(graceMs: number): Promise<void>;
}

/** Of a refused body this many times the largest image is read and thrown away, so that the client gets to read the refusal. */
const drainFactor = 4;

/**
 * node:http on one port.
 *
 * [Note: Time-outs of the server]
 * A proxy in front keeps idle connections for 60 s; ours live 65 s, so that it is the proxy who closes them and no request
 * meets a connection that is being closed. Headers must be here after 10 s, a whole request after 120 s.
 */
export async function listen(answer: Answer, context: RuntimeContext): Promise<RunningServer> {
  const { host, port, maxBodyBytesHeld } = context.config;
  let closing = false;
  const surface = openSurface(answer, context);
  const budget = createBodyBudget(maxBodyBytesHeld);
  const onRequest = (message: IncomingMessage, response: ServerResponse) => {
    // A client that keeps its connection busy would keep a stopping server up.
    if (closing) response.shouldKeepAlive = false;
    void respond({ message, response, surface, context, budget });
  };
  // Whether there is a Host is looked at where the refusal gets our envelope.
  const server = createServer({ requireHostHeader: false }, onRequest);
  // Who asks before it sends a body is told to go on when the body is read, so that a refusal spares it the way.
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
    context.log.error({ err: error }, 'answering failed');
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

/** Also the form that is meant for proxies, `GET http://host/path`, which every server must understand. */
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
    // The head is gone; all that can be done about a failure is to end without the end mark.
    pipeline(Readable.from(body, { objectMode: false }), response).catch((error: unknown) =>
      context.log.warn({ err: error }, 'an answer was cut off'),
    );
  } else response.end(body);
}
