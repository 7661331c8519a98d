import type * as z from 'zod';
import { AppError } from '../errors.ts';
import type { HttpMiddleware } from './exchange.ts';
import { fieldsFromText } from './text-fields.ts';

/** Checks params, query and body against the manifest's schemas. Every wrong or unknown field is named in one answer. */
export function validate(): HttpMiddleware {
  return {
    before: function validateBefore({ event }) {
      const { manifest, request, input } = event;
      input.params = checked(manifest.params, request.params, 'ID_MALFORMED');
      const rawImage = input.image !== undefined && !isStructured(request.headers['content-type']);
      if (!rawImage)
        input.query = checked(
          manifest.query,
          fieldsFromText(manifest.query, queryFields(request.query)),
          'VALIDATION_FAILED',
        );
      if (manifest.body !== undefined) input.body = checked(manifest.body, input.body ?? {}, 'VALIDATION_FAILED');
    },
  };
}

function checked(schema: z.ZodObject | undefined, value: unknown, code: 'ID_MALFORMED' | 'VALIDATION_FAILED'): unknown {
  if (schema === undefined) {
    const unknown = Object.keys(value as object);
    if (unknown.length === 0) return {};
    throw failed(
      code,
      unknown.map((field) => ({ field, issue: 'is unknown' })),
    );
  }
  const parsed = schema.strict().safeParse(value);
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
  const field = path.join('.');
  if (issue.code === 'invalid_type' && issue.message.endsWith('received undefined'))
    return [{ field, issue: `is required (${issue.expected})` }];
  return [{ field, issue: issue.message }];
}

function failed(code: 'ID_MALFORMED' | 'VALIDATION_FAILED', details: Problem[]): AppError {
  const [first] = details;
  const rest = details.length > 1 ? ` (and ${details.length - 1} more)` : '';
  return new AppError(code, { message: `${first?.field || 'The request'}: ${first?.issue}${rest}`, details });
}

function queryFields(query: URLSearchParams): Record<string, string> {
  const fields: Record<string, string> = {};
  for (const [name, value] of query) {
    if (Object.hasOwn(fields, name)) throw failed('VALIDATION_FAILED', [{ field: name, issue: 'is given twice' }]);
    Object.defineProperty(fields, name, { value, enumerable: true });
  }
  return fields;
}

const isStructured = (contentType: string | undefined): boolean =>
  /^(application\/(.*\+)?json|multipart\/form-data)/i.test((contentType ?? '').trim());
