/** A request whose body has not been read yet. */
export interface IncomingRequest {
  readonly method: string;
  readonly path: string;
  /** Percent-decoded path parameters. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** Names are in lower case. The values of a repeated header are joined by a comma. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Reads the whole body once. Errors: BODY_TOO_LARGE for more than `limit` bytes; it never stores more bytes than that. */
  body(limit: number): Promise<Uint8Array>;
  readonly remoteAddress: string;
  /** Aborts when the client disconnects before the response is complete. */
  readonly gone: AbortSignal;
}

export interface OutgoingResponse {
  readonly status: number;
  readonly headers: Record<string, string>;
  /** The server sends each chunk of an iterable at once. If the iterable fails, the response ends without its end mark. */
  readonly body: string | Uint8Array | AsyncIterable<Uint8Array> | null;
}
