import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { download } from './download.ts';
import { type FileServer, type ServedFile, serveFile } from './testing/file-server.ts';

const content = Buffer.from(Uint8Array.from({ length: 300_000 }, (_, i) => (i * i) % 251));
const expected = { sha256: createHash('sha256').update(content).digest('hex'), bytes: content.length };

let folder: string;
let path: string;
let server: FileServer | undefined;
let child: ChildProcess | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'freeface-download-'));
  path = join(folder, 'model.onnx');
});

afterEach(async () => {
  child?.kill('SIGKILL');
  await server?.close();
  await rm(folder, { recursive: true });
});

const serve = async (file: Partial<ServedFile>): Promise<string> => {
  server = await serveFile({ content, ...file });
  return server.url;
};

describe('download', () => {
  it('When a file is downloaded, then it is complete, and progress ends at its size', async () => {
    const url = await serve({});
    const seen: number[] = [];

    await download(url, path, expected, { onBytes: (done) => seen.push(done) });

    expect((await readFile(path)).equals(content)).toBe(true);
    expect(seen.at(-1)).toBe(content.length);
    expect(await readdir(folder)).toEqual(['model.onnx']);
  });

  it('When the connection breaks, then the download continues at the same byte', async () => {
    const url = await serve({ breakAt: [100_000, 200_000] });

    await download(url, path, expected);

    expect((await readFile(path)).equals(content)).toBe(true);
    expect(server?.ranges).toHaveLength(3);
    expect(server?.ranges.slice(1)).toEqual([
      expect.stringMatching(/^bytes=\d+-$/),
      expect.stringMatching(/^bytes=\d+-$/),
    ]);
  });

  it('When the server ignores ranges, then a broken download starts again and succeeds', async () => {
    const url = await serve({ breakAt: [100_000], ignoresRange: true });

    await download(url, path, expected);

    expect((await readFile(path)).equals(content)).toBe(true);
  });

  it('When the file has another SHA-256, then it is refused and deleted', async () => {
    const url = await serve({ content: Buffer.from(content).fill(7, 1000, 1001) });

    await expect(download(url, path, expected)).rejects.toThrow(`has SHA-256`);

    expect(await readdir(folder)).toEqual([]);
  });

  it('When the file is longer than expected, then it is refused before it is read', async () => {
    const url = await serve({ content: Buffer.concat([content, content]) });

    await expect(download(url, path, expected)).rejects.toThrow('it has 600000 bytes, expected 300000');

    expect(await readdir(folder)).toEqual([]);
  });

  it('When the server returns 404, then there is no retry and the message says what to do', async () => {
    const url = await serve({ status: 404 });

    await expect(download(url, path, expected)).rejects.toThrow(
      `404 Not Found. Download it in another way and save it as ${path}`,
    );

    expect(server?.ranges).toHaveLength(1);
  });

  it('When the server returns 503, then there are three attempts', async () => {
    const url = await serve({ status: 503 });

    await expect(download(url, path, expected)).rejects.toThrow('the server returned 503');

    expect(server?.ranges).toHaveLength(3);
  });

  it('When no byte is received for too long, then the download fails and says so', async () => {
    const url = await serve({ hangAt: 1000 });

    await expect(download(url, path, expected, { stallMs: 60 })).rejects.toThrow('no byte was received for 0.06 s');
  });

  it('When no server listens at the address, then the message names the cause and another way', async () => {
    const url = await serve({});
    await server?.close();

    await expect(download(url, path, expected)).rejects.toThrow(
      /cannot be downloaded: .*ECONNREFUSED.*Download it in another way/,
    );
  });

  it('When the download is aborted, then it rejects with the reason, and the next download continues it', async () => {
    const url = await serve({ breakAt: [150_000] });
    const stop = new AbortController();
    const aborted = download(url, path, expected, {
      signal: stop.signal,
      onBytes: () => stop.abort(new Error('enough')),
    });
    await expect(aborted).rejects.toThrow('enough');

    await download(url, path, expected);

    expect((await readFile(path)).equals(content)).toBe(true);
    expect(server?.ranges.at(-1)).toMatch(/^bytes=[1-9]\d*-$/);
  });

  it('When the bytes of an earlier run are damaged, then the file is downloaded again', async () => {
    const url = await serve({ breakAt: [150_000] });
    const stop = new AbortController();
    await download(url, path, expected, { signal: stop.signal, onBytes: () => stop.abort() }).catch(() => undefined);
    const [part] = await readdir(folder);
    await writeFile(join(folder, part ?? ''), Buffer.alloc(5000, 1));

    await download(url, path, expected);

    expect((await readFile(path)).equals(content)).toBe(true);
  });

  it('When two calls download the same file at once, then both succeed', async () => {
    const url = await serve({});

    await Promise.all([download(url, path, expected), download(url, path, expected)]);

    expect((await readFile(path)).equals(content)).toBe(true);
    expect(await readdir(folder)).toEqual(['model.onnx']);
  });

  it('When a process is killed during a download, then there is no file, and the next process continues', async () => {
    const url = await serve({ hangAt: 120_000 });
    child = await startDownloading(url);
    await once(child.stdout as NodeJS.ReadableStream, 'data');
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(await readdir(folder)).not.toContain('model.onnx');
    await server?.close();
    const again = await serve({});

    await download(again, path, expected);

    expect((await readFile(path)).equals(content)).toBe(true);
    expect(server?.ranges).toEqual([expect.stringMatching(/^bytes=[1-9]\d*-$/)]);
    expect((await readdir(folder)).filter((name) => name.endsWith('.part'))).toEqual([]);
  });
});

/** Starts a child process that downloads `url` and prints a line whenever it receives bytes. */
async function startDownloading(url: string): Promise<ChildProcess> {
  const script = join(folder, 'child.mjs');
  const contents = `
    import { download } from './download.ts';
    const [url, path, sha256, bytes] = process.argv.slice(2);
    await download(url, path, { sha256, bytes: Number(bytes) }, { onBytes: (done) => console.log(done) });`;
  const resolveDir = resolve(import.meta.dirname);
  await build({
    stdin: { contents, resolveDir, loader: 'ts' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile: script,
  });
  return spawn(process.execPath, [script, url, path, expected.sha256, String(expected.bytes)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}
