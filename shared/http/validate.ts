import type * as z from 'zod';
import { AppError } from '../errors.ts';
import type { HttpManifest } from '../function/define.ts';
import type { HttpExchange, HttpMiddleware } from './exchange.ts';
import { fieldsFromText, isOwnQuery, namedOnce } from './text-fields.ts';

/**
 * Checks params, query and body against the manifest's schemas. Every wrong or unknown field is named in one answer.
 *
 * [Note: A schema is compiled once]
 * zod compiles a schema with its first value, a hundred times the price of a check, and `strict()` is a schema of its own.
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

/** `schema` refuses what it does not know. */
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
  return [{ field: path.join('.'), issue: sentence(issue) }];
}

/** A schema's own words, or plain ones where it has none. */
function sentence(issue: z.core.$ZodIssue): string {
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
      return 'has the wrong form';
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
