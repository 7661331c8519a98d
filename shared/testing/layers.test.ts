import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { rooms as rules } from './layers.ts';

describe('the layers', () => {
  it('When a room is added, then it has a rule', () => {
    const rooms = readdirSync('shared')
      .filter((name) => !/\.test\.ts$|\.md$/.test(name))
      .map((name) => `shared/${name}${statSync(join('shared', name)).isDirectory() ? '/' : ''}`);

    expect(rooms.filter((room) => !rules.some((rule) => rule.room === room))).toEqual([]);
  });

  it.each(rules)('When a file in $room imports, then only what its rule allows', ({ room, rooms, packages }) => {
    const allowed = [room, ...rooms];

    const breaches = sourcesIn(room).flatMap((file) => {
      const files = filesImportedBy(file).filter((target) => !allowed.some((each) => target.startsWith(each)));
      const others = packagesImportedBy(file).filter((target) => !packages.test(target));
      return [...files, ...others].map((target) => `${file} imports ${target}`);
    });

    expect(breaches).toEqual([]);
  });

  it('When a distributed adapter imports, then nothing from embedded, and the other way round', () => {
    const [embedded, distributed] = ['shared/adapters/embedded/', 'shared/adapters/distributed/'];

    const breaches = [
      { room: distributed, forbidden: embedded },
      { room: embedded, forbidden: distributed },
    ].flatMap(({ room, forbidden }) =>
      sourcesIn(room).flatMap((file) =>
        filesImportedBy(file)
          .filter((target) => target.startsWith(forbidden))
          .map((target) => `${file} imports ${target}`),
      ),
    );

    expect(breaches).toEqual([]);
  });

  it('When rooms import one another, types included, then there is no circle', () => {
    const graph = new Map(
      rules.map(({ room }) => [
        room,
        [...new Set(sourcesIn(room).flatMap(filesImportedBy).map(roomOf))].filter((each) => each !== room),
      ]),
    );

    expect(circleIn(graph)).toEqual([]);
  });

  it('When files import one another, types and tests included, then there is no circle', () => {
    const files = rules.flatMap(({ room }) => filesIn(room));

    expect(circleIn(new Map(files.map((file) => [file, filesImportedBy(file)])))).toEqual([]);
  });

  it('When domain code runs, then it reads no clock, uses no randomness, and does no input or output', () => {
    const breaches = sourcesIn('shared/domain/').filter((file) =>
      /Date\.now|new Date\(\)|Math\.random|random(Bytes|UUID|Int)|process\.|fetch\(|console\.|(connect|createServer)\(/.test(
        readFileSync(file, 'utf8'),
      ),
    );

    expect(breaches).toEqual([]);
  });
});

/** The room that a file belongs to; the file itself when it belongs to none. */
const roomOf = (file: string): string => rules.find(({ room }) => file.startsWith(room))?.room ?? file;

/** Sources of a room without its tests and contract suites, which may import from above. */
const sourcesIn = (room: string): string[] => filesIn(room).filter((name) => !/\.(test|contract)\.ts$/.test(name));

function filesIn(room: string): string[] {
  if (!room.endsWith('/')) return [room];
  return readdirSync(room, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts'))
    .map((name) => join(room, name));
}

/** Paths from the repository's root of the files that a file imports. */
const filesImportedBy = (file: string): string[] =>
  importsOf(file)
    .filter((target) => target.startsWith('.'))
    .map((target) => relative(process.cwd(), resolve(dirname(file), target)));

const packagesImportedBy = (file: string): string[] => importsOf(file).filter((target) => !target.startsWith('.'));

/** The imports of a file as it writes them: static, lazy or of types. */
const importsOf = (file: string): string[] =>
  [
    ...readFileSync(file, 'utf8').matchAll(
      /^(?:import|export|\})[^'\n]*\bfrom '([^']+)'|^import '([^']+)'|\bimport\('([^']+)'\)/gm,
    ),
  ].map(([, named, bare, lazy]) => (named ?? bare ?? lazy)!);

/** The first circle of a graph as a list of its nodes; empty when there is none. */
function circleIn(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const finished = new Set<string>();
  const walk = (node: string, path: readonly string[]): string[] => {
    if (path.includes(node)) return [...path.slice(path.indexOf(node)), node];
    if (finished.has(node)) return [];
    for (const next of graph.get(node) ?? []) {
      const circle = walk(next, [...path, node]);
      if (circle.length > 0) return circle;
    }
    finished.add(node);
    return [];
  };
  for (const node of graph.keys()) {
    const circle = walk(node, []);
    if (circle.length > 0) return circle;
  }
  return [];
}
