import type { MiddlewareObj } from '@middy/core';
import type { AuditNote, CallContext, HttpManifest } from '../function/define.ts';

/** A request as the server hands it over, before anything of its body is read. */
export interface IncomingRequest {
  readonly method: string;
  readonly path: string;
  /** Percent-decoded path parameters. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** Lower-case names; repeated headers joined by a comma. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /**
   * Reads the whole body once. Throws AppError BODY_TOO_LARGE past `limit` bytes, without keeping more than that in memory.
   */
  body(limit: number): Promise<Uint8Array>;
  readonly remoteAddress: string;
  /** Aborts when the caller has gone. */
  readonly gone: AbortSignal;
}

export interface OutgoingResponse {
  readonly status: number;
  readonly headers: Record<string, string>;
  /** What comes bit by bit is sent as it comes; an answer that fails on the way is cut off. */
  readonly body: string | Uint8Array | AsyncIterable<Uint8Array> | null;
}

/** What the middlewares pass along: each fills in its part, the handler reads the whole. */
export interface HttpExchange extends CallContext {
  readonly manifest: HttpManifest;
  request: IncomingRequest;
  readonly limits: { readonly imageBytes: number };
  /** Where the call comes from, as far as the proxies in front are believed (see client-address.ts). */
  readonly address: string;
  requestId: CallContext['requestId'];
  tenant: CallContext['tenant'];
  principal: CallContext['principal'];
  log: CallContext['log'];
  signal: CallContext['signal'];
  /** W3C trace context of this request's own span. */
  traceparent: string;
  /** What the handler answered, for the audit log; null until then, and where an earlier answer is given once more. */
  answered: { readonly data: unknown; readonly audit: AuditNote | undefined } | null;
  input: { params: unknown; query: unknown; body: unknown; image: Uint8Array | undefined };
  /** Headers that every answer carries, whatever becomes of the request. */
  readonly answerHeaders: Record<string, string>;
}

export type HttpMiddleware = MiddlewareObj<HttpExchange, OutgoingResponse>;
