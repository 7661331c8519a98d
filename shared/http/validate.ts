import type * as z from 'zod';
import { AppError } from '../errors.ts';
import type { HttpManifest } from '../function/define.ts';
import type { HttpExchange, HttpMiddleware } from './exchange.ts';
import { fieldsFromText, isOwnQuery, namedOnce } from './text-fields.ts';

/**
 * Validation middleware: checks path parameters, query and body against the manifest's schemas. One error names every wrong or
 * unknown field. Errors: ID_MALFORMED, VALIDATION_FAILED.
 *
 * [Note: A schema is compiled once]
 * zod compiles a schema when it checks the first value, which costs a hundred times as much as a check. `strict()` returns a new
 * schema, so it is called once for each function and not once for each request.
 *
 * @example
 * const pipeline = middy(handler).use(body()).use(validate(manifest));
 */
export function validate(manifest: HttpManifest): HttpMiddleware {
  const [params, query, body] = [manifest.params, manifest.query, manifest.body].map((schema) => schema?.strict());
  return {
    before: function validateBefore({ event }) {
      const { request, input } = event;
      input.params = checked(params, request.params, 'ID_MALFORMED');
      const fields = namedOnce(request.query, hasRawImage(event) ? (name) => isOwnQuery(manifest, name) : () => true);
      input.query = checked(query, fieldsFromText(query, fields), 'VALIDATION_FAILED');
      if (body !== undefined) input.body = checked(body, input.body ?? {}, 'VALIDATION_FAILED');
    },
  };
}

/** `schema` is strict: it refuses unknown fields. */
function checked(schema: z.ZodObject | undefined, value: unknown, code: 'ID_MALFORMED' | 'VALIDATION_FAILED'): unknown {
  if (schema === undefined) {
    const unknown = Object.keys(value as object);
    if (unknown.length === 0) return {};
    throw failed(
      code,
      unknown.map((field) => ({ field, issue: 'is unknown' })),
    );
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw failed(
    code,
    parsed.error.issues.flatMap((issue) => problems(issue)),
  );
}

interface Problem {
  readonly field: string;
  readonly issue: string;
}

function problems(issue: z.core.$ZodIssue): Problem[] {
  const path = issue.path.map(String);
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({ field: [...path, key].join('.'), issue: 'is unknown' }));
  return [{ field: path.join('.'), issue: issueText(issue) }];
}

/** The schema's own message, or a short one in place of zod's default message. */
function issueText(issue: z.core.$ZodIssue): string {
  if (!/^(Invalid|Too (small|big))/.test(issue.message)) return issue.message;
  const unit =
    'origin' in issue && ['string', 'array'].includes(issue.origin)
      ? issue.origin === 'array'
        ? ' items'
        : ' characters'
      : '';
  switch (issue.code) {
    case 'invalid_type':
      return issue.message.endsWith('received undefined')
        ? `is required (${issue.expected})`
        : `must be of type ${issue.expected}`;
    case 'too_small':
      return `must be at least ${issue.minimum}${unit}`;
    case 'too_big':
      return `must be at most ${issue.maximum}${unit}`;
    case 'invalid_value':
      return `must be one of ${issue.values.map(String).join(', ')}`;
    default:
      return 'has the wrong format';
  }
}

function failed(code: 'ID_MALFORMED' | 'VALIDATION_FAILED', details: Problem[]): AppError {
  const [first] = details;
  const rest = details.length > 1 ? ` (and ${details.length - 1} more)` : '';
  return new AppError(code, { message: `${first?.field || 'The request'}: ${first?.issue}${rest}`, details });
}

const hasRawImage = ({ input, request }: HttpExchange): boolean =>
  input.image !== undefined &&
  !/^(application\/(.*\+)?json|multipart\/form-data)/i.test((request.headers['content-type'] ?? '').trim());
