import * as z from 'zod';
import { AppError } from '../errors.ts';
import type { HttpManifest } from '../function/define.ts';

/**
 * Values of a form or a query string, which are all text, as the schema's types: a field whose schema is not text is read as
 * JSON (`limit=5`, `metadata={"team":"red"}`), and as separated by commas where a list is expected. What cannot be read so is
 * left as text for the schema to refuse by name. A field may stand with dots: `processing_options.quality_threshold=0.8`.
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
    if (typeof object !== 'object' || object === null) throw twice(outer);
    setOwn(object, inner, fromText(fieldOf(property, inner), text));
    if (!Object.hasOwn(read, outer)) setOwn(read, outer, object);
  }
  return read;
}

/** A page's form sends also what was left empty: of the fields it knows, that is the same as not given. */
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

/** The fields of a raw image stand in the query, beside the query's own. */
export const isOwnQuery = (manifest: HttpManifest, name: string): boolean =>
  Object.hasOwn(manifest.query?.shape ?? {}, name);

/** The wanted parameters of a query string; one that is given twice is refused by name. */
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

/** Looks through optional, default, nullable, pipe and their kind. */
function unwrap(schema: z.ZodType): z.ZodType {
  const def = schema._zod.def as { innerType?: z.ZodType; in?: z.ZodType };
  const inner = def.innerType ?? def.in;
  return inner === undefined ? schema : unwrap(inner);
}

/** The schema of one field; a name such as `constructor` is none. */
function fieldOf(schema: z.ZodType | undefined, name: string): z.ZodType | undefined {
  const inner = schema && unwrap(schema);
  if (!(inner instanceof z.ZodObject) || !Object.hasOwn(inner.shape, name)) return undefined;
  return inner.shape[name] as z.ZodType;
}

function splitOnce(name: string): [string, string | undefined] {
  const dot = name.indexOf('.');
  return dot < 1 ? [name, undefined] : [name.slice(0, dot), name.slice(dot + 1)];
}

/** Never touches a prototype, whatever the name. */
function setOwn(target: object, name: string, value: unknown): void {
  if (Object.hasOwn(target, name)) throw twice(name);
  Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true });
}

const twice = (field: string) =>
  new AppError('VALIDATION_FAILED', {
    message: `${field} is given twice.`,
    details: [{ field, issue: 'is given twice' }],
  });
