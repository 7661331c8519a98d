import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

/** The rules of the house: what each room may know of the others, and of which packages. */
const rules: readonly { room: string; mayImport: readonly RegExp[] }[] = [
  {
    room: 'functions/',
    mayImport: [
      /^functions\/(?!registry)/,
      /^shared\/(domain|events\/(catalogue|bucket-notification)|ports|http|gallery|identity|webhooks|errors|runtime\/(define|sizes))/,
      /^(zod|cloudevents|node:.*)$/,
    ],
  },
  { room: 'shared/domain/', mayImport: [/^shared\/domain\//, /^(uuid|node:crypto)$/] },
  { room: 'shared/ports/', mayImport: [/^shared\/(domain|ports)\//, /^cloudevents$/] },
  {
    room: 'shared/gallery/',
    mayImport: [
      /^shared\/(domain|ports|events\/catalogue|http|gallery|identity|errors|runtime\/(define|breaker|guarded-ports))/,
      /^(zod|node:crypto)$/,
    ],
  },
  {
    room: 'shared/identity/',
    mayImport: [/^shared\/(domain|ports|identity|vision\/gate|errors)/, /^(jose|uuid|node:crypto)$/],
  },
  {
    room: 'shared/webhooks/',
    mayImport: [
      /^shared\/(domain|ports|events\/catalogue|http|identity|webhooks|errors|runtime\/(define|breaker))/,
      /^(zod|ipaddr\.js|node:(crypto|http|https|dns\/promises|net))$/,
    ],
  },
  {
    room: 'shared/http/',
    mayImport: [
      /^shared\/(domain|ports|http|identity|errors|runtime\/(define|context|metrics|ports))/,
      /^(zod|@middy\/core|aws-lambda|@fastify\/busboy|rate-limiter-flexible\/lib\/.*|negotiator\/lib\/mediaType\.js|helmet|cors|node:(crypto|net))$/,
    ],
  },
  {
    room: 'shared/events/',
    mayImport: [
      /^shared\/(domain|ports|events|errors|http\/trace-context|runtime\/(define|context|guarded-ports))/,
      /^(zod|cloudevents)$/,
    ],
  },
  {
    room: 'shared/vision/',
    mayImport: [/^shared\/(domain|ports|vision|errors)/, /^models\//, /^(?!libsql|usearch|cassandra-driver)/],
  },
  {
    room: 'shared/adapters/',
    mayImport: [
      /^shared\/(domain|ports|vision|errors|adapters|runtime\/(adapter-options|ports))/,
      /^migrations\//,
      /^[@a-z]/,
    ],
  },
];

describe('the layers', () => {
  it.each(rules)('When a file in $room imports, then only what its layer may know', ({ room, mayImport }) => {
    const breaches = sourcesIn(room).flatMap((file) =>
      importsOf(file)
        .filter((target) => !mayImport.some((pattern) => pattern.test(target)))
        .map((target) => `${file} imports ${target}`),
    );

    expect(breaches).toEqual([]);
  });

  it('When domain code runs, then it has no clock, no randomness and no input or output of its own', () => {
    const breaches = sourcesIn('shared/domain/').filter((file) =>
      /Date\.now|new Date\(\)|Math\.random|random(Bytes|UUID|Int)|process\.|fetch\(|console\./.test(
        readFileSync(file, 'utf8'),
      ),
    );

    expect(breaches).toEqual([]);
  });
});

const sourcesIn = (room: string): string[] =>
  readdirSync(room, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !/\.(test|contract)\.ts$|\.d\.ts$/.test(name))
    .map((name) => join(room, name));

/** What a file imports, statically or lazily: paths from the repository's root, or package names. */
function importsOf(file: string): string[] {
  const text = readFileSync(file, 'utf8');
  return [
    ...text.matchAll(/^(?:import|export|\})[^'\n]*\bfrom '([^']+)'|^import '([^']+)'|\bimport\('([^']+)'\)/gm),
  ].map(([, named, bare, lazy]) => {
    const target = (named ?? bare ?? lazy)!;
    return target.startsWith('.') ? relative(process.cwd(), resolve(dirname(file), target)) : target;
  });
}
