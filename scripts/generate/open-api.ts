import * as z from 'zod';
import type { RequiredScope } from '../../shared/domain/access.ts';
import { type ErrorCode, errorTable } from '../../shared/errors.ts';
import {
  changesState,
  type FunctionDefinition,
  type HttpManifest,
  isBinary,
  isHttp,
} from '../../shared/function/define.ts';
import { headerParameters, headersOf, sharedHeaders, sharedParameters } from './open-api-headers.ts';

type Json = Record<string, unknown>;

/** Errors that every function may return. */
const commonErrors: readonly ErrorCode[] = [
  'NOT_ACCEPTABLE',
  'HEADERS_TOO_LARGE',
  'INTERNAL',
  'STORE_UNAVAILABLE',
  'NOT_READY',
  'TIMEOUT',
];
const withAuthentication: readonly ErrorCode[] = ['UNAUTHENTICATED', 'FORBIDDEN', 'RATE_LIMITED'];
const withBody: readonly ErrorCode[] = ['BODY_MALFORMED', 'BODY_TOO_LARGE', 'MEDIA_TYPE_UNSUPPORTED', 'BUSY'];
const withIdempotencyKey: readonly ErrorCode[] = ['IDEMPOTENCY_KEY_IN_USE', 'IDEMPOTENCY_KEY_REUSED'];

/** Errors of functions that receive an image. */
const withImage: readonly ErrorCode[] = [
  'IMAGE_MISSING',
  'EMPTY_IMAGE',
  'IMAGE_CORRUPT',
  'UNSUPPORTED_IMAGE',
  'IMAGE_TOO_LARGE',
];

/** Returns the OpenAPI 3.1 description of all HTTP functions. */
export function openApi(definitions: readonly FunctionDefinition[]): Json {
  const manifests = definitions
    .map(({ manifest }) => manifest)
    .filter(isHttp)
    .filter(({ output }) => !isPage(output));
  const paths: Record<string, Json> = {};
  for (const manifest of manifests) {
    const { method, path } = manifest.trigger;
    paths[path] = { ...paths[path], [method.toLowerCase()]: operation(manifest) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'FreeFace',
      version: '1.0.0',
      description: [
        'Enrols, finds and follows faces.',
        'Every JSON response is an envelope: `{success: true, message?, data}` or `{success: false, message, error: {code, details?, request_id}}`.',
        'Authenticate with `Authorization: Bearer` and a token or key, or with `X-API-Key` and a key. The first key is in the file `admin.key` in the data folder.',
      ].join('\n\n'),
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    tags: Object.entries(tags).map(([name, description]) => ({ name, description })),
    paths: Object.fromEntries(Object.entries(paths).sort(([a], [b]) => (a < b ? -1 : 1))),
    components: {
      securitySchemes: {
        bearer: {
          type: 'http',
          scheme: 'bearer',
          description:
            'An access token from `auth/login`, a service key, or a token of a configured OpenID Connect issuer.',
        },
        key: { type: 'apiKey', in: 'header', name: 'X-API-Key', description: 'A service key.' },
      },
      schemas: { Error: errorSchema },
      examples: Object.fromEntries([...usedCodes(manifests)].sort().map((code) => [code, errorExample(code)])),
      parameters: sharedParameters,
      headers: sharedHeaders,
    },
  };
}

const tags: Readonly<Record<string, string>> = {
  faces: 'Enrol, find and recognise faces.',
  persons: 'The persons that faces belong to.',
  images: 'The photos of enrolled faces.',
  auth: 'Log in, log out, and read your own identity.',
  users: 'Users who may log in.',
  keys: 'API keys of services.',
  tenants: 'Separate galleries, with their quotas and rules.',
  webhooks: 'Receive events as signed requests to your own server.',
  events: 'Events that could not be delivered.',
  audit: 'The record of who read or changed which data.',
  metrics: 'Counts and durations of the platform.',
  health: 'Health of the platform.',
};

/** Whether a function returns a page for browsers. Pages are not part of the API description. */
const isPage = (output: HttpManifest['output']): boolean => isBinary(output) && output.binary.includes('text/html');

const errorExample = (code: ErrorCode) => ({
  summary: code,
  value: {
    success: false,
    message: errorTable[code][2],
    error: { code, request_id: '01a20d7d-5463-74f0-9d9f-eeae117700f8' },
  },
});

const usedCodes = (manifests: readonly HttpManifest[]): Set<ErrorCode> =>
  new Set(manifests.flatMap((manifest) => [...codesOf(manifest)]));

const errorSchema = {
  type: 'object',
  required: ['success', 'message', 'error'],
  properties: {
    success: { const: false },
    message: { type: 'string' },
    error: {
      type: 'object',
      required: ['code', 'request_id'],
      properties: {
        code: { type: 'string', enum: Object.keys(errorTable) },
        details: { description: 'Depends on the code. For invalid fields it is a list of `{field, issue}`.' },
        request_id: { type: 'string' },
      },
    },
  },
};

function operation(manifest: HttpManifest): Json {
  const { name, summary, description, tag, trigger } = manifest;
  const requestBody = bodyOf(manifest);
  return {
    operationId: name,
    summary,
    ...descriptionOf(description, trigger.scope),
    ...(tag === undefined ? {} : { tags: [tag] }),
    ...securityOf(trigger.scope),
    parameters: [
      ...parametersOf(manifest.params, 'path'),
      ...parametersOf(manifest.query, 'query'),
      ...headerParameters(manifest),
    ],
    ...(requestBody === undefined ? {} : { requestBody }),
    responses: { ...successOf(manifest), ...failuresOf(manifest) },
  };
}

function descriptionOf(description: string | undefined, scope: RequiredScope | null): Json {
  const need = scope === null || scope === 'signed-in' ? undefined : `Needs the scope \`${scope}\`.`;
  const text = [description, need].filter((part) => part !== undefined).join('\n\n');
  return text === '' ? {} : { description: text };
}

/** Since OpenAPI 3.1 a security requirement may also name scopes for keys and plain tokens. */
function securityOf(scope: RequiredScope | null): Json {
  if (scope === null) return { security: [] };
  const needed = scope === 'signed-in' ? [] : [scope];
  return { security: [{ bearer: needed }, { key: needed }] };
}

function parametersOf(schema: z.ZodObject | undefined, place: 'path' | 'query'): Json[] {
  if (schema === undefined) return [];
  const { properties = {}, required = [] } = schemaOf(schema, 'input') as {
    properties?: Record<string, Json>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, { description, ...rest }]) => ({
    name,
    in: place,
    required: place === 'path' || required.includes(name),
    ...(description === undefined ? {} : { description }),
    schema: rest,
    ...(rest.type === 'array' ? { style: 'form', explode: false } : {}),
  }));
}

const imageData = {
  type: 'string',
  contentEncoding: 'base64',
  description: 'The image as base64, with or without a data URL prefix.',
};

function bodyOf({ body, image, otherImage, examples }: HttpManifest): Json | undefined {
  if (body === undefined && image === undefined) return undefined;
  const fields = schemaOf(body ?? z.object({}), 'input') as { properties?: Json; required?: string[] };
  const example = examples?.request === undefined ? {} : { example: examples.request };
  if (image === undefined) return { required: true, content: { 'application/json': { schema: fields, ...example } } };
  const exampleWith = (field: string, value: string) =>
    examples?.request === undefined ? {} : { example: { [field]: value, ...(examples.request as object) } };
  const fieldsWith = (part: string, otherPart: string, schema: Json) => ({
    ...fields,
    properties: {
      [part]: schema,
      ...(otherImage === undefined ? {} : { [otherPart]: schema }),
      ...fields.properties,
    },
    required: [...(image === 'required' ? [part] : []), ...(fields.required ?? [])],
  });
  return {
    required: true,
    description:
      'JSON with base64, a form with a file, or the raw image (for example `Content-Type: image/jpeg`) with the other fields in the query.' +
      (otherImage === undefined ? '' : ' Only JSON and a form can have a second image.'),
    content: {
      'multipart/form-data': {
        schema: fieldsWith('image', 'other_image', {
          type: 'string',
          format: 'binary',
          description: 'The image file.',
        }),
        ...exampleWith('image', '@photo.jpg'),
      },
      'application/json': {
        schema: fieldsWith('image_data', 'other_image_data', imageData),
        ...exampleWith('image_data', '/9j/4AAQ…'),
      },
      'image/*': { schema: { type: 'string', format: 'binary' } },
    },
  };
}

function successOf({ output, status = 200, examples, errors = [] }: HttpManifest): Json {
  const headers = { 'X-Request-Id': { $ref: '#/components/headers/RequestId' } };
  if (isBinary(output)) {
    const content = Object.fromEntries(output.binary.map((type) => [type, { schema: rawSchema(type) }]));
    return {
      200: { description: 'The content.', headers, content },
      ...(errors.includes('RANGE_NOT_SATISFIABLE')
        ? {
            206: { description: 'The requested range.', headers, content },
            304: { description: 'Not modified.' },
          }
        : {}),
      ...(output.redirects === true ? { 302: { description: 'The content is at the URL in `Location`.' } } : {}),
    };
  }
  const schema = {
    type: 'object',
    required: ['success', 'data'],
    properties: { success: { const: true }, message: { type: 'string' }, data: schemaOf(output, 'output') },
  };
  const answer = (text: string) => ({
    description: text,
    headers,
    content: {
      'application/json': {
        schema,
        ...(examples?.response === undefined ? {} : { example: { success: true, data: examples.response } }),
      },
    },
  });
  return status === 201
    ? { 200: answer('It already existed.'), 201: answer('Created.') }
    : { [status]: answer('Done.') };
}

/** Schema of a response without an envelope. */
function rawSchema(type: string): Json {
  if (type.includes('json')) return type.includes('ndjson') ? { type: 'string' } : { type: 'object' };
  return type.startsWith('text/') ? { type: 'string' } : { type: 'string', format: 'binary' };
}

function codesOf(manifest: HttpManifest): Set<ErrorCode> {
  const takesBody = manifest.body !== undefined || manifest.image !== undefined;
  return new Set<ErrorCode>([
    ...(manifest.trigger.scope === null ? [] : withAuthentication),
    ...(manifest.params === undefined ? [] : (['ID_MALFORMED'] as const)),
    'VALIDATION_FAILED',
    ...(takesBody ? withBody : []),
    ...(changesState(manifest) ? withIdempotencyKey : []),
    ...(changesState(manifest) && manifest.secret === true ? (['IDEMPOTENCY_SECRET_SHOWN'] as const) : []),
    ...(manifest.rateLimit === undefined ? [] : (['RATE_LIMITED'] as const)),
    ...(manifest.image === undefined ? [] : withImage),
    ...(manifest.errors ?? []),
    ...commonErrors,
  ]);
}

function failuresOf(manifest: HttpManifest): Json {
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of codesOf(manifest))
    byStatus.set(errorTable[code][0], [...(byStatus.get(errorTable[code][0]) ?? []), code]);
  return Object.fromEntries(
    [...byStatus]
      .sort(([a], [b]) => a - b)
      .map(([status, list]) => [
        status,
        {
          description: list.map((code) => `\`${code}\` ${errorTable[code][2]}`).join('\n\n'),
          headers: headersOf(manifest, status),
          content: {
            'application/json': {
              schema: { $ref: '#/components/schemas/Error' },
              examples: Object.fromEntries(list.map((code) => [code, { $ref: `#/components/examples/${code}` }])),
            },
          },
        },
      ]),
  );
}

/** Returns the JSON schema of a zod schema. Replaces references to the schema's own definitions by these definitions. */
function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema, $defs, ...rest } = z.toJSONSchema(schema, {
    target: 'draft-2020-12',
    io,
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      // z.json() means any JSON value. Written out, its schema is a long list of alternatives.
      if (zodSchema._zod.def.type === 'lazy') for (const key of Object.keys(jsonSchema)) delete jsonSchema[key];
    },
  }) as Json;
  return $defs === undefined ? rest : (inlined(rest, $defs as Record<string, Json>) as Json);
}

/** Replaces references by their definitions. The definitions must not be recursive. */
function inlined(value: unknown, definitions: Record<string, Json>): unknown {
  if (Array.isArray(value)) return value.map((each) => inlined(each, definitions));
  if (typeof value !== 'object' || value === null) return value;
  const name = '$ref' in value ? /^#\/\$defs\/(.+)$/.exec(String(value.$ref))?.[1] : undefined;
  if (name !== undefined) return inlined(definitions[name], definitions);
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, inlined(each, definitions)]));
}
