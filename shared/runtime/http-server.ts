import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AppError } from '../errors.ts';
import { errorResponse } from '../http/errors.ts';
import type { IncomingRequest, OutgoingResponse } from '../http/exchange.ts';
import { explainListenError } from './address.ts';
import { type BodyBudget, createBodyBudget } from './body-budget.ts';
import type { RuntimeContext } from './context.ts';

/** Answers a request; `params` are filled in by whoever routes. */
export type Answer = (request: IncomingRequest) => Promise<OutgoingResponse>;

export interface RunningServer {
  readonly host: string;
  readonly port: number;
  /** Takes no new connection, lets running requests finish for at most `graceMs`, then cuts the rest. */
  close(graceMs: number): Promise<void>;
}

/** Past the limit a body is read and thrown away up to this multiple, so that the client gets to read the refusal. */
const drainFactor = 4;

/**
 * node:http on one port.
 *
 * [Note: Time-outs of the server]
 * A proxy in front keeps idle connections for 60 s; ours live 65 s, so that it is the proxy who closes them and no request
 * meets a connection that is being closed. Headers must be here after 10 s, a whole request after 120 s.
 */
export async function listen(answer: Answer, context: RuntimeContext): Promise<RunningServer> {
  const { host, port } = context.config;
  let closing = false;
  const budget = createBodyBudget(context.config.maxBodyBytesHeld);
  const server = createServer((message, response) => {
    // A client that keeps its connection busy would keep a stopping server up.
    if (closing) response.shouldKeepAlive = false;
    void respond(answer, message, response, context, budget);
  });
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

async function respond(
  answer: Answer,
  message: IncomingMessage,
  response: ServerResponse,
  context: RuntimeContext,
  budget: BodyBudget,
): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) gone.abort();
  });
  try {
    send(message, response, await answer(readRequest(message, response, gone.signal, budget)));
  } catch (error) {
    context.log.error({ err: error }, 'answering failed');
    if (!response.headersSent) send(message, response, errorResponse(error, context.newId()));
  }
}

function readRequest(
  message: IncomingMessage,
  response: ServerResponse,
  gone: AbortSignal,
  budget: BodyBudget,
): IncomingRequest {
  const url = message.url ?? '/';
  const mark = url.indexOf('?');
  let read: Promise<Uint8Array> | undefined;
  return {
    method: message.method ?? 'GET',
    path: mark < 0 ? url : url.slice(0, mark),
    params: {},
    query: new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1)),
    headers: message.headers as Record<string, string | undefined>,
    body: (limit) => (read ??= readBody(message, response, limit, budget)),
    remoteAddress: message.socket.remoteAddress ?? '',
    gone,
  };
}

/** What is refused is read to its end and thrown away, within bounds, so that the client gets to read why. */
function readBody(
  message: IncomingMessage,
  response: ServerResponse,
  limit: number,
  budget: BodyBudget,
): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    let held = 0;
    let refusal: AppError | undefined;
    response.once('close', () => budget.give(held));
    const refuse = (error: AppError) => {
      refusal = error;
      chunks.length = 0;
    };
    message.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (refusal === undefined) {
        if (length > limit) refuse(tooLarge(limit));
        else if (!budget.take(chunk.length)) refuse(new AppError('BUSY'));
        else {
          held += chunk.length;
          chunks.push(chunk);
        }
      } else if (length > limit * drainFactor) {
        reject(refusal);
        message.pause();
      }
    });
    message.on('end', () => {
      if (refusal === undefined) resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, length));
      else reject(refusal);
    });
    message.on('error', (cause) => reject(new AppError('BODY_MALFORMED', { message: 'The body ended early.', cause })));
    message.on('close', () => reject(new AppError('BODY_MALFORMED', { message: 'The body ended early.' })));
  });
}

const tooLarge = (limit: number) =>
  new AppError('BODY_TOO_LARGE', {
    message: `The body has more than ${limit} bytes.`,
    details: { limit_bytes: limit },
  });

function send(message: IncomingMessage, response: ServerResponse, answer: OutgoingResponse): void {
  const body = typeof answer.body === 'string' ? Buffer.from(answer.body) : answer.body;
  const headers: Record<string, string | number> = { ...answer.headers, 'x-content-type-options': 'nosniff' };
  if (answer.status !== 204 && answer.status !== 304) headers['content-length'] ??= body?.length ?? 0;
  // What was not read of a refused body would be taken for the next request.
  if (!message.complete) headers.connection = 'close';
  response.writeHead(answer.status, headers);
  if (message.method === 'HEAD' || body === null) response.end();
  else response.end(body);
}
