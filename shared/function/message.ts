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
