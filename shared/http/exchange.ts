import type { MiddlewareObj } from '@middy/core';
import type { AuditNote, CallContext, HttpManifest } from '../function/define.ts';
import type { IncomingRequest, OutgoingResponse } from '../function/message.ts';

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
