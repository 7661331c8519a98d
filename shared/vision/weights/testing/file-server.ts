import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface FileServer {
  readonly url: string;
  /** The Range header of each request so far; undefined for a request without it. */
  readonly ranges: (string | undefined)[];
  close(): Promise<void>;
}

export interface ServedFile {
  readonly content: Buffer;
  /** Ends the connection after that many bytes of the file. Each request uses one entry. */
  readonly breakAt?: number[];
  /** Sends that many bytes of the file and then stops without closing the connection. */
  readonly hangAt?: number;
  readonly ignoresRange?: boolean;
  readonly status?: number;
}

/** Starts an HTTP server on loopback that serves one file, with ranges and with the given faults. */
export async function serveFile(file: ServedFile): Promise<FileServer> {
  const ranges: (string | undefined)[] = [];
  const breaks = [...(file.breakAt ?? [])];
  const server = createServer((request, response) => {
    ranges.push(request.headers.range);
    answer(file, breaks.shift(), request, response);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/model.onnx`,
    ranges,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}

function answer(
  file: ServedFile,
  breakAt: number | undefined,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const size = file.content.length;
  if (file.status !== undefined) return void response.writeHead(file.status).end();
  const asked = file.ignoresRange ? undefined : /^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1];
  const from = Number(asked ?? 0);
  const length = { 'content-length': size - from };
  if (asked === undefined) response.writeHead(200, length);
  else response.writeHead(206, { ...length, 'content-range': `bytes ${from}-${size - 1}/${size}` });
  if (breakAt !== undefined) return void response.write(file.content.subarray(from, breakAt), () => response.destroy());
  if (file.hangAt !== undefined) return void response.write(file.content.subarray(from, file.hangAt));
  response.end(file.content.subarray(from));
}
