/** A room: a folder or a file with its own import rules. */
export interface Room {
  /** A folder with its slash, or one file. */
  readonly room: string;
  /** Rooms that its files may import. */
  readonly rooms: readonly string[];
  /** Packages that its files may import. */
  readonly packages: RegExp;
}

const none = /^$/;
const any = /./;
const foundation = ['shared/domain/', 'shared/errors.ts', 'shared/ports/'];

/**
 * Every room, from the bottom up.
 *
 * [Note: Rooms import downwards]
 * A room imports only rooms below it, types included, so that a room can be read, tested and bundled without the rooms above it. Test
 * files and contract suites are exempt: they may import from above. layers.test.ts checks every file, and `npm run generate` draws the
 * diagram in shared/README.md from this list.
 */
export const rooms: readonly Room[] = [
  { room: 'shared/errors.ts', rooms: [], packages: none },
  { room: 'shared/domain/', rooms: [], packages: /^(uuid|node:(crypto|net))$/ },
  { room: 'shared/ports/', rooms: ['shared/domain/', 'shared/errors.ts'], packages: /^cloudevents$/ },
  { room: 'shared/engine-settings.ts', rooms: [], packages: /^(zod|node:fs)$/ },
  {
    room: 'shared/config.ts',
    rooms: ['shared/domain/', 'shared/engine-settings.ts'],
    packages: /^(zod|leven|node:path)$/,
  },
  { room: 'shared/telemetry/', rooms: [], packages: /^(pino|prom-client|node:crypto)$/ },
  { room: 'shared/events/', rooms: foundation, packages: /^(zod|cloudevents)$/ },
  {
    room: 'shared/function/',
    rooms: [...foundation, 'shared/config.ts', 'shared/events/', 'shared/telemetry/'],
    packages: /^(zod|cockatiel|uuid|node:crypto)$/,
  },
  { room: 'shared/api/', rooms: foundation, packages: /^(zod|node:crypto)$/ },
  {
    room: 'shared/vision/',
    rooms: [...foundation, 'shared/function/', 'models/'],
    packages: /^(?!libsql|usearch|cassandra-driver)/,
  },
  {
    room: 'shared/identity/',
    rooms: [...foundation, 'shared/function/'],
    packages: /^(jose|uuid|node:crypto)$/,
  },
  {
    room: 'shared/adapters/',
    rooms: [
      ...foundation,
      'shared/engine-settings.ts',
      'shared/function/',
      'shared/telemetry/',
      'shared/vision/',
      'migrations/',
    ],
    packages: any,
  },
  { room: 'shared/migrations/', rooms: ['shared/adapters/'], packages: any },
  {
    room: 'shared/gallery/',
    rooms: [...foundation, 'shared/api/', 'shared/events/', 'shared/function/', 'shared/identity/'],
    packages: /^(zod|node:crypto)$/,
  },
  {
    room: 'shared/webhooks/',
    rooms: [...foundation, 'shared/events/', 'shared/function/'],
    packages: /^(zod|ipaddr\.js|node:(crypto|http|https|dns\/promises|net))$/,
  },
  {
    room: 'shared/http/',
    rooms: [...foundation, 'shared/api/', 'shared/function/', 'shared/identity/', 'shared/telemetry/'],
    packages:
      /^(zod|@middy\/core|aws-lambda|@fastify\/busboy|rate-limiter-flexible\/lib\/.*|negotiator\/lib\/mediaType\.js|helmet|cors|node:(crypto|net))$/,
  },
  {
    room: 'shared/runtime/',
    rooms: [
      ...foundation,
      'shared/config.ts',
      'shared/engine-settings.ts',
      'shared/events/',
      'shared/function/',
      'shared/http/',
      'shared/identity/',
      'shared/telemetry/',
    ],
    packages: any,
  },
  {
    room: 'functions/',
    rooms: [
      ...foundation,
      'shared/api/',
      'shared/events/',
      'shared/function/define.ts',
      'shared/function/sizes.ts',
      'shared/gallery/',
      'shared/identity/',
      'shared/webhooks/',
    ],
    packages: /^(zod|cloudevents|node:.*)$/,
  },
  { room: 'shared/testing/', rooms: ['shared/', 'functions/'], packages: any },
  { room: 'scripts/', rooms: ['shared/', 'functions/', 'esbuild.config.mjs', 'models/'], packages: any },
];
