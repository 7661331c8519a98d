import type { MiddlewareObj } from '@middy/core';
import type { AuditNote, CallContext, HttpManifest } from '../function/define.ts';
import type { IncomingRequest, OutgoingResponse } from '../function/message.ts';

/** State of one request. Each middleware fills in its part; the handler reads the whole. */
export interface HttpExchange extends CallContext {
  readonly manifest: HttpManifest;
  request: IncomingRequest;
  readonly limits: { readonly imageBytes: number };
  /** Address of the caller, as far as the proxies in front are trusted (see client-address.ts). */
  readonly address: string;
  requestId: CallContext['requestId'];
  tenant: CallContext['tenant'];
  principal: CallContext['principal'];
  log: CallContext['log'];
  signal: CallContext['signal'];
  /** W3C trace context of this request's own span. */
  traceparent: string;
  /** The handler's reply, for the audit log; null before it, and when a stored response is sent again. */
  reply: { readonly data: unknown; readonly audit: AuditNote | undefined } | null;
  input: {
    params: unknown;
    query: unknown;
    body: unknown;
    image: Uint8Array | undefined;
    otherImage?: Uint8Array | undefined;
  };
  /** Headers of every response, errors included. */
  readonly responseHeaders: Record<string, string>;
}

export type HttpMiddleware = MiddlewareObj<HttpExchange, OutgoingResponse>;
