import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join, resolve } from 'node:path';
import { PassThrough } from 'node:stream';
import { describe, expect, it, onTestFinished } from 'vitest';
import { functions } from '../functions/registry.gen.ts';
import { fakeClock } from '../shared/testing/fake-clock.ts';
import { startPlatform } from '../shared/testing/platform.ts';
import { drawGroup, drawPortrait, drawScene } from '../shared/testing/portraits/index.ts';
import { temporaryFolder } from '../shared/testing/temporary-folder.ts';
import { main } from './import.ts';

describe('npm run import', () => {
  it('When a folder of people is imported, then each photo is sent once with the id and name of its folder', async () => {
    const root = photos(['Ada_Lovelace/1.jpg', 'Ada_Lovelace/more/2.PNG', 'José_Núñez/1.webp', 'crowd.jpg']);
    const server = await startServer();

    const run = await importing(root, server);

    expect(run.code).toBe(0);
    expect(server.received.toSorted((a, b) => (a.content! < b.content! ? -1 : 1))).toEqual([
      { content: 'Ada_Lovelace/1.jpg', external_id: 'Ada_Lovelace', name: 'Ada Lovelace' },
      { content: 'Ada_Lovelace/more/2.PNG', external_id: 'Ada_Lovelace', name: 'Ada Lovelace' },
      { content: 'José_Núñez/1.webp', external_id: 'José_Núñez', name: 'José Núñez' },
      { content: 'crowd.jpg', processing_options: '{"enable_multi_face":true}' },
    ]);
    expect(run.out).toMatch(/^photos +4 {2}of 2 people/m);
    expect(run.out).toMatch(/^enrolled +4 {2}4 faces/m);
    expect(run.out).toMatch(/^The size of the gallery is not known\. .* scope metrics:read\.$/m);
  });

  it('When the gallery is beyond the limit of its model pack, then the result says by how much, and what to do', async () => {
    const root = photos(['a/1.jpg']);
    const server = await startServer();
    server.metrics = {
      gallery: { templates: 1000, template_limit: 167, expected_miss_rate: 0.424, state: 'beyond_limit' },
      model: { pack: 'builtin' },
    };

    const run = await importing(root, server);

    expect(run.out).toContain(
      'The gallery has 1000 templates of persons: 599 % of the limit of the model pack builtin (167). About 42 % of the enrolled people are not recognised at this size. Use a stronger model pack.\n',
    );
  });

  it('When the limit of the model pack was not measured, then the result says so', async () => {
    const root = photos(['a/1.jpg']);
    const server = await startServer();
    server.metrics = {
      gallery: { templates: 1, template_limit: null, expected_miss_rate: null, state: 'unknown' },
      model: { pack: 'mine' },
    };

    const run = await importing(root, server);

    expect(run.out).toContain(
      'The gallery has 1 template of persons. The limit of the model pack mine was not measured.\n',
    );
  });

  it('When a file is hidden or not a picture, then it is skipped; only the latter is reported', async () => {
    const root = photos(['a/1.jpg', 'a/notes.txt', '.hidden.jpg', '.git/1.jpg']);
    const server = await startServer();

    const run = await importing(root, server);

    expect(server.received.map(({ content }) => content)).toEqual(['a/1.jpg']);
    expect(run.err).toContain('a/notes.txt is skipped');
    expect(run.err).not.toContain('hidden');
  });

  it('When a folder links to itself, then its photos are sent once', async () => {
    const root = photos(['a/1.jpg']);
    symlinkSync(root, join(root, 'a', 'loop'));
    const server = await startServer();

    await importing(root, server);

    expect(server.received).toHaveLength(1);
  });

  it('When photos are rejected, then the table says why, none is sent again, and the exit code is 0', async () => {
    const root = photos(['a/blank.jpg', 'b/blur.jpg', 'c/text.jpg', 'd/good.jpg']);
    const server = await startServer({
      'a/blank.jpg': [refusal(422, 'NO_FACE')],
      'b/blur.jpg': [refusal(422, 'FACE_REJECTED', { rejected: [{ reasons: ['LOW_SHARPNESS', 'SMALL_FACE'] }] })],
      'c/text.jpg': [refusal(415, 'UNSUPPORTED_IMAGE', undefined, undefined, 'The bytes are no picture.')],
    });

    const first = await importing(root, server);
    const second = await importing(root, server);

    expect([first.code, second.code]).toEqual([0, 0]);
    expect(first.out).toMatch(/^rejected +3$/m);
    expect(first.out).toMatch(/^ {2}FACE_REJECTED: LOW_SHARPNESS, SMALL_FACE +1$/m);
    expect(first.out).toMatch(/^ {2}NO_FACE +1$/m);
    expect(first.out).toMatch(/^c\/text\.jpg {2}UNSUPPORTED_IMAGE: The bytes are no picture\.$/m);
    expect(server.received).toHaveLength(4);
    expect(second.out).toMatch(/^done in an earlier run +4$/m);
    expect(second.out).toMatch(/^rejected +0$/m);
    expect(second.out).toMatch(/^ {2}of these, rejected: FACE_REJECTED: LOW_SHARPNESS, SMALL_FACE +1$/m);
    expect(second.out).toMatch(/^ {2}of these, rejected: NO_FACE +1$/m);
    expect(second.out).toMatch(/^c\/text\.jpg {2}UNSUPPORTED_IMAGE: The bytes are no picture\.$/m);
    expect(second.out).not.toMatch(/more$/m);
  });

  it('When an old journal has no message for a rejection, then the code and the reasons are shown', async () => {
    const root = photos(['a/blur.jpg']);
    const server = await startServer({
      'a/blur.jpg': [refusal(422, 'FACE_REJECTED', { rejected: [{ reasons: ['SMALL_FACE'] }] })],
    });
    const journal = join(temporaryFolder(), 'journal.jsonl');
    await importing(root, server, ['--journal', journal]);
    writeFileSync(journal, readFileSync(journal, 'utf8').replace(/,"message":"[^"]*"/, ''));

    const run = await importing(root, server, ['--journal', journal]);

    expect(server.received).toHaveLength(1);
    expect(run.out).toMatch(/^a\/blur\.jpg {2}FACE_REJECTED: SMALL_FACE$/m);
  });

  it('When the journal cannot be written, then the error names FREEFACE_DATA, and nothing is sent', async () => {
    const root = photos(['a/1.jpg']);
    const server = await startServer();
    const file = join(temporaryFolder(), 'file');
    writeFileSync(file, '');

    const run = await importing(root, server, [], {}, file);

    expect(run).toMatchObject({ code: 1, err: expect.stringMatching(/journal .* cannot be written .* FREEFACE_DATA/) });
    expect(server.requests).toBe(0);
  });

  it('When a photo fails, then the exit code is 1, and the next run sends only that photo', async () => {
    const root = photos(['a/1.jpg', 'b/1.jpg']);
    const server = await startServer({ 'b/1.jpg': [refusal(400, 'VALIDATION_FAILED')] });

    const first = await importing(root, server);
    const second = await importing(root, server);

    expect(first.code).toBe(1);
    expect(first.out).toMatch(/^failed +1$/m);
    expect(second.code).toBe(0);
    expect(server.received.map(({ content }) => content).slice(2)).toEqual(['b/1.jpg']);
  });

  it('When a photo was changed or added, then only that photo is sent; --again sends all', async () => {
    const root = photos(['a/1.jpg', 'a/2.jpg']);
    const server = await startServer();
    await importing(root, server);
    utimesSync(join(root, 'a/2.jpg'), new Date(), new Date(Date.now() + 60_000));
    write(root, 'c/1.jpg');

    await importing(root, server);
    const third = await importing(root, server, ['--again']);

    const again = server.received.slice(2, 4).map(({ content }) => content);
    expect(again.toSorted()).toEqual(['a/2.jpg', 'c/1.jpg']);
    expect(server.received).toHaveLength(7);
    expect(third.out).not.toContain('earlier');
  });

  it('When a folder cannot be imported, then it is reported, the others are imported, and the exit code is 1', async () => {
    const root = photos([`${'x'.repeat(129)}/1.jpg`, 'Doe, John/1.jpg', '🦊/1.jpg']);
    const server = await startServer();

    const run = await importing(root, server);

    expect(run).toMatchObject({
      code: 1,
      err: expect.stringMatching(/^x{129} {2}the name must have at most 128 characters/m),
    });
    // Photos of different people are sent at the same time.
    expect(server.received.map(({ external_id, name }) => [external_id, name]).toSorted()).toEqual([
      ['Doe, John', 'Doe, John'],
      ['🦊', '🦊'],
    ]);
  });

  it('When the server has another port, then nothing is sent again', async () => {
    const root = photos(['a/1.jpg']);
    const dataDir = temporaryFolder();
    const [first, second] = [await startServer(), await startServer()];

    await call([root, '--url', first.url], dataDir);
    const run = await call([root, '--url', second.url], dataDir);

    expect(run.out).toMatch(/^done in an earlier run +1$/m);
    expect(second.received).toEqual([]);
  });

  it('When it is a dry run, then it lists the photos and sends nothing', async () => {
    const root = photos(['Ada_B/1.jpg', 'x.jpg']);
    const server = await startServer();

    const run = await importing(root, server, ['--dry-run']);

    expect(run.out).toBe(
      'x.jpg  no person\nAda_B/1.jpg  Ada_B (Ada B)\n2 of 2 photos would be sent; 1 folders of people\n',
    );
    expect(server.requests).toBe(0);
  });

  it('When the server is busy, then the photo is sent again after Retry-After, not before', async () => {
    const root = photos(['a/1.jpg']);
    const server = await startServer({ 'a/1.jpg': [refusal(429, 'BUSY', undefined, '7')] });
    const clock = fakeClock();
    const start = clock.now();

    const running = importing(root, server, [], { clock });
    await clock.until(() => server.received.length === 2);

    expect(await running).toMatchObject({ code: 0 });
    expect(clock.now() - start).toBe(7000);
  });

  it('When the server starts slowly, then the pauses grow until the photo is enrolled', async () => {
    const root = photos(['a/1.jpg']);
    const server = await startServer({ 'a/1.jpg': Array(5).fill(refusal(503, 'NOT_READY', undefined, '0')) });
    const clock = fakeClock();
    const at: number[] = [];
    server.onRequest = () => at.push(clock.now());

    const running = importing(root, server, [], { clock });
    await clock.until(() => server.received.length === 6);

    expect(await running).toMatchObject({ code: 0 });
    const pauses = at.slice(1).map((time, i) => time - at[i]!);
    for (const [i, pause] of pauses.entries()) {
      expect(pause).toBeGreaterThanOrEqual(375 * 2 ** i);
      expect(pause).toBeLessThanOrEqual(625 * 2 ** i);
    }
  });

  it('When the server stays busy, then the photo counts as failed after five minutes', async () => {
    const root = photos(['a/1.jpg']);
    const server = await startServer({ 'a/1.jpg': Array(500).fill(refusal(429, 'BUSY', undefined, '60')) });
    const clock = fakeClock();
    const start = clock.now();
    let run: Run | undefined;

    void importing(root, server, [], { clock }).then((ended) => {
      run = ended;
    });
    await clock.until(() => run !== undefined);

    expect(run).toMatchObject({ code: 1, out: expect.stringMatching(/^ {2}BUSY +1$/m) });
    expect(clock.now() - start).toBe(300_000);
  });

  it('When the server answers 500 each time, then the photo is sent three times', async () => {
    const root = photos(['a/1.jpg']);
    const server = await startServer({ 'a/1.jpg': Array(9).fill(refusal(500, 'INTERNAL')) });
    const clock = fakeClock();
    let run: Run | undefined;

    void importing(root, server, [], { clock }).then((ended) => {
      run = ended;
    });
    await clock.until(() => run !== undefined);

    expect(run?.code).toBe(1);
    expect(server.received).toHaveLength(3);
  });

  it('When the connection breaks, then the photo is sent again', async () => {
    const root = photos(['a/1.jpg']);
    const server = await startServer({ 'a/1.jpg': ['hang up'] });
    const clock = fakeClock();

    const running = importing(root, server, [], { clock });
    await clock.until(() => server.received.length === 2);

    expect(await running).toMatchObject({ code: 0 });
  });

  it('When a key is given, then it is sent; when the server refuses it, then nothing more is sent', async () => {
    const root = photos(['a/1.jpg', 'b/1.jpg', 'c/1.jpg']);
    const server = await startServer();
    server.key = 'open';

    const refused = await importing(root, server, ['--key', 'wrong', '--concurrency', '1']);
    const accepted = await importing(root, server, ['--key', 'open']);

    expect(refused).toMatchObject({ code: 1, err: expect.stringContaining('--key') });
    expect(accepted.code).toBe(0);
    expect(server.received).toHaveLength(3);
  });

  it('When no server answers, then the error says so and how to start the server', async () => {
    const root = photos(['a/1.jpg']);
    const server = await startServer();
    await server.close();

    const run = await importing(root, server);

    expect(run).toMatchObject({ code: 1, err: expect.stringMatching(/No server answers.*npm start/) });
  });

  it('When it is stopped, then the current photo finishes, no other is started, and the next run sends the rest', async () => {
    const root = photos(['a/1.jpg', 'b/1.jpg', 'c/1.jpg', 'd/1.jpg']);
    const server = await startServer();
    const stop = new AbortController();
    server.onRequest = () => {
      if (server.received.length === 1) stop.abort(new Error('stopped'));
    };

    const stopped = await importing(root, server, ['--concurrency', '1'], { stop: stop.signal });
    server.onRequest = () => undefined;
    const resumed = await importing(root, server);

    expect(stopped).toMatchObject({ code: 130, out: expect.stringMatching(/^enrolled +2/m) });
    expect(resumed.code).toBe(0);
    expect(server.received.map(({ content }) => content).toSorted()).toEqual([
      'a/1.jpg',
      'b/1.jpg',
      'c/1.jpg',
      'd/1.jpg',
    ]);
  });

  it('When the last line of the journal is incomplete, then only that photo is sent again', async () => {
    const root = photos(['a/1.jpg', 'b/1.jpg']);
    const server = await startServer();
    const journal = join(temporaryFolder(), 'journal.jsonl');
    await importing(root, server, ['--journal', journal, '--concurrency', '1']);
    truncateSync(journal, readFileSync(journal).length - 5);

    await importing(root, server, ['--journal', journal]);
    await importing(root, server, ['--journal', journal]);

    expect(server.received.map(({ content }) => content)).toEqual(['a/1.jpg', 'b/1.jpg', 'b/1.jpg']);
  });

  it('When the process is killed, then the next run repeats none of the answered photos', async () => {
    const names = Array.from({ length: 12 }, (_, i) => `p${String(i).padStart(2, '0')}/1.jpg`);
    const root = photos(names);
    const server = await startServer();
    const dataDir = temporaryFolder();
    let child: ChildProcess | undefined;
    const killed = new Promise<void>((done) => {
      server.onRequest = () => {
        if (server.received.length === 6) child?.kill('SIGKILL');
      };
      child = spawn(
        process.execPath,
        ['esbuild.config.mjs', 'run', 'import', root, '--url', server.url, '--concurrency', '1'],
        { cwd: resolve('.'), env: { ...process.env, FREEFACE_DATA: dataDir }, stdio: 'ignore' },
      );
      child.once('exit', () => done());
    });
    await killed;
    const before = server.received.length;
    server.onRequest = () => undefined;

    const run = await importing(root, server, [], {}, dataDir);

    expect(before).toBeLessThan(names.length);
    expect(run.code).toBe(0);
    const repeated = names.filter((name) => server.received.filter(({ content }) => content === name).length > 1);
    expect(repeated.length).toBeLessThanOrEqual(1);
    expect(new Set(server.received.map(({ content }) => content))).toEqual(new Set(names));
  });

  it.each([
    [[], 'Name one folder'],
    [['/no/such/folder'], 'There is no folder'],
    [['.', '--concurrency', '0'], '--concurrency'],
    [['.', '--url', 'localhost'], 'is not the address'],
    [['.', '--nonsense'], 'Unknown option'],
  ])('When it is called with %j, then it prints the usage text, and the exit code is 2', async (args, message) => {
    const run = await call(args, temporaryFolder());

    expect(run).toMatchObject({ code: 2, err: expect.stringContaining(message) });
    expect(run.err).toContain('Usage: npm run import');
  });
});

describe('npm run import, to the real platform', () => {
  it('When portraits are imported, then a person is recognised in another photo, and a second run sends nothing', async () => {
    const platform = await startPlatform(functions);
    const root = temporaryFolder();
    const drawn = {
      'Amaro/1.jpg': drawPortrait({ person: 'amaro' }),
      'Kira_Ek/1.jpg': drawPortrait({ person: 'kira' }),
      'Kira_Ek/2.jpg': drawPortrait({ person: 'kira', light: 'left', background: 'garden' }),
      'Kira_Ek/nobody.jpg': drawScene(),
      'two.jpg': drawGroup([{ person: 'finn' }, { person: 'hana' }]),
    };
    for (const [path, bytes] of Object.entries(drawn)) write(root, path, await bytes);
    const dataDir = temporaryFolder();

    const key = ['--key', platform.adminKey!];
    const first = await call([root, '--url', platform.url, ...key], dataDir);
    const second = await call([root, '--url', platform.url, ...key], dataDir);

    expect(first).toMatchObject({ code: 0, out: expect.stringMatching(/^enrolled +4 {2}5 faces/m) });
    expect(first.out).toMatch(
      /^The gallery has 3 templates of persons: 2 % of the limit of the model pack builtin \(167\)\. About \d+ % of/m,
    );
    expect(first.out).toMatch(/^Kira_Ek\/nobody\.jpg {2}NO_FACE: No face was found in the image\.$/m);
    expect(second.out).toMatch(/^done in an earlier run +5$/m);
    const kira = await platform.call('GET', '/api/v1/persons/by_external_id/Kira_Ek');
    expect(kira.json.data).toMatchObject({ name: 'Kira Ek', face_count: 2 });
    const probe = await drawPortrait({ person: 'kira', tilt: 6, background: 'wall', size: 320 });
    const seen = await platform.call('POST', '/api/v1/faces/recognize', { form: { image: probe } });
    expect(seen.json.data.faces).toEqual([
      expect.objectContaining({ decision: 'match', person: expect.objectContaining({ external_id: 'Kira_Ek' }) }),
    ]);
  });
});

interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

interface StubServer {
  url: string;
  /** Form fields of each enrolment request, in order of arrival. */
  readonly received: Record<string, string>[];
  requests: number;
  key: string | undefined;
  /** `data` of GET metrics. */
  metrics: unknown;
  onRequest: () => void;
  close(): Promise<void>;
}

type Reply = { readonly status: number; readonly body: unknown; readonly retryAfter: string | undefined } | 'hang up';

const refusal = (status: number, code: string, details?: unknown, retryAfter?: string, message = code): Reply => ({
  status,
  retryAfter,
  body: {
    success: false,
    message,
    error: { code, ...(details === undefined ? {} : { details }), request_id: 'r' },
  },
});

/** A server with the API's response format. `replies`: responses to the photo with this content, in order, before it is enrolled. */
async function startServer(replies: Record<string, Reply[]> = {}): Promise<StubServer> {
  const server = createServer((message, response) => {
    void answer(message, response, stub, replies);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const stub: StubServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received: [],
    requests: 0,
    key: undefined,
    metrics: {},
    onRequest: () => undefined,
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
  onTestFinished(() => stub.close());
  return stub;
}

async function answer(
  message: IncomingMessage,
  response: ServerResponse,
  stub: StubServer,
  replies: Record<string, Reply[]>,
): Promise<void> {
  stub.requests++;
  const body = await new Response(message as unknown as ReadableStream, {
    headers: { 'content-type': message.headers['content-type'] ?? '' },
  })
    .formData()
    .catch(() => null);
  if (stub.key !== undefined && message.headers.authorization !== `Bearer ${stub.key}`) {
    response.writeHead(401).end();
    return;
  }
  if (message.url !== '/api/v1/faces/enroll' || !body) {
    response.end(JSON.stringify({ success: true, data: message.url === '/api/v1/metrics' ? stub.metrics : {} }));
    return;
  }
  const fields: Record<string, string> = {};
  for (const [name, value] of body) {
    if (typeof value === 'string') fields[name] = value;
    else fields.content = await value.text();
  }
  stub.onRequest();
  stub.received.push(fields);
  const reply = replies[fields.content!]?.shift();
  if (reply === 'hang up') message.socket.destroy();
  else if (reply) {
    response.writeHead(reply.status, reply.retryAfter === undefined ? {} : { 'retry-after': reply.retryAfter });
    response.end(JSON.stringify(reply.body));
  } else {
    response.writeHead(201);
    response.end(
      JSON.stringify({
        success: true,
        data: { face_id: 'f', person_id: null, image_id: 'i', status: 'enrolled', faces: [{}], rejected: [] },
      }),
    );
  }
}

/** A folder with files; the content of each file is its path. */
function photos(paths: readonly string[]): string {
  const root = temporaryFolder();
  for (const path of paths) write(root, path);
  return root;
}

function write(root: string, path: string, content: string | Uint8Array = path): void {
  mkdirSync(join(root, dirname(path)), { recursive: true });
  writeFileSync(join(root, path), content);
}

const dataDirs = new WeakMap<StubServer, string>();

/** Runs an import. All runs against the same server share a data folder. */
function importing(
  root: string,
  server: StubServer,
  args: readonly string[] = [],
  options: Parameters<typeof main>[3] = {},
  dataDir = dataDirs.get(server) ?? temporaryFolder(),
): Promise<Run> {
  dataDirs.set(server, dataDir);
  return call([root, '--url', server.url, ...args], dataDir, options);
}

async function call(args: readonly string[], dataDir: string, options: Parameters<typeof main>[3] = {}): Promise<Run> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const code = await main(
    args,
    { FREEFACE_DATA: dataDir },
    { stdout: stdout as unknown as NodeJS.WriteStream, stderr: stderr as unknown as NodeJS.WriteStream },
    options,
  );
  return { code, out: String(stdout.read() ?? ''), err: String(stderr.read() ?? '') };
}
