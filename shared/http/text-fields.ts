import * as z from 'zod';
import { AppError } from '../errors.ts';
import type { HttpManifest } from '../function/define.ts';

/**
 * Converts the text values of a form or a query string to the types of the schema. A field that is not text is read as JSON
 * (`limit=5`, `metadata={"team":"red"}`), a list also as values separated by commas. A value that cannot be read stays text, so that
 * the schema refuses it by name. A dot leads into an object: `processing_options.quality_threshold=0.8`. Errors: VALIDATION_FAILED
 * for a field that is given twice.
 *
 * @example
 * fieldsFromText(z.object({ limit: z.number(), tags: z.array(z.string()) }), { limit: '5', tags: 'a,b' });
 * // { limit: 5, tags: ['a', 'b'] }
 */
export function fieldsFromText(
  schema: z.ZodObject | undefined,
  fields: Readonly<Record<string, string>>,
): Record<string, unknown> {
  const read: Record<string, unknown> = {};
  for (const [name, text] of Object.entries(fields)) {
    const [outer = name, inner] = splitOnce(name);
    const property = fieldOf(schema, outer);
    if (inner === undefined) {
      setOwn(read, name, fromText(property, text));
      continue;
    }
    const object = Object.hasOwn(read, outer) ? read[outer] : {};
    if (typeof object !== 'object' || object === null) throw givenTwice(outer);
    setOwn(object, inner, fromText(fieldOf(property, inner), text));
    if (!Object.hasOwn(read, outer)) setOwn(read, outer, object);
  }
  return read;
}

/** Removes the empty fields that the schema knows: a browser's form sends empty fields too, and they count as absent. */
export function filledFields(
  schema: z.ZodObject | undefined,
  fields: Readonly<Record<string, string>>,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(fields).filter(
      ([name, text]) => text !== '' || fieldOf(schema, splitOnce(name)[0] ?? name) === undefined,
    ),
  );
}

/** Whether a query parameter belongs to the query schema. The other parameters are the fields of a raw image. */
export const isOwnQuery = (manifest: HttpManifest, name: string): boolean =>
  Object.hasOwn(manifest.query?.shape ?? {}, name);

/** Returns the wanted parameters of a query string. Errors: VALIDATION_FAILED names a parameter that is given twice. */
export function namedOnce(query: URLSearchParams, wanted: (name: string) => boolean): Record<string, string> {
  const fields: Record<string, string> = {};
  for (const [name, value] of query) if (wanted(name)) setOwn(fields, name, value);
  return fields;
}

function fromText(schema: z.ZodType | undefined, text: string): unknown {
  const kind = kindOf(schema);
  if (kind === 'text' || kind === 'unknown') return text;
  if (kind === 'list' && !text.startsWith('[')) return text === '' ? [] : text.split(',').map((part) => part.trim());
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

type Kind = 'text' | 'list' | 'json' | 'unknown';

function kindOf(schema: z.ZodType | undefined): Kind {
  if (schema === undefined) return 'unknown';
  const { def } = unwrap(schema)._zod;
  if (def.type === 'string' || def.type === 'enum' || def.type === 'literal') return 'text';
  return def.type === 'array' ? 'list' : 'json';
}

/** Returns the schema inside optional, default, nullable, pipe and similar wrappers. */
function unwrap(schema: z.ZodType): z.ZodType {
  const def = schema._zod.def as { innerType?: z.ZodType; in?: z.ZodType };
  const inner = def.innerType ?? def.in;
  return inner === undefined ? schema : unwrap(inner);
}

/** Returns the schema of one field; undefined for an unknown name, also for one such as `constructor`. */
function fieldOf(schema: z.ZodType | undefined, name: string): z.ZodType | undefined {
  const inner = schema && unwrap(schema);
  if (!(inner instanceof z.ZodObject) || !Object.hasOwn(inner.shape, name)) return undefined;
  return inner.shape[name] as z.ZodType;
}

function splitOnce(name: string): [string, string | undefined] {
  const dot = name.indexOf('.');
  return dot < 1 ? [name, undefined] : [name.slice(0, dot), name.slice(dot + 1)];
}

/** Sets an own property, so that no name can change a prototype. */
function setOwn(target: object, name: string, value: unknown): void {
  if (Object.hasOwn(target, name)) throw givenTwice(name);
  Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true });
}

const givenTwice = (field: string) =>
  new AppError('VALIDATION_FAILED', {
    message: `${field} is given twice.`,
    details: [{ field, issue: 'is given twice' }],
  });
