import { changesState, type HttpManifest } from '../../shared/function/define.ts';

type Json = Record<string, unknown>;

/** What a request may carry in its headers beside who calls. */
export function headerParameters(manifest: HttpManifest): Json[] {
  return [
    ...(changesState(manifest) ? [{ $ref: '#/components/parameters/IdempotencyKey' }] : []),
    ...(manifest.errors?.includes('VERSION_CONFLICT') === true ? [{ $ref: '#/components/parameters/IfMatch' }] : []),
  ];
}

export const sharedParameters: Json = {
  IdempotencyKey: {
    name: 'Idempotency-Key',
    in: 'header',
    description:
      'Makes it safe to repeat the call: for 24 hours the same key with the same content gets the first answer again, with `Idempotency-Replayed: true`. With other content it is answered 422, and 409 while the first call is running. Answers 5xx and 429 are not kept.',
    schema: { type: 'string', minLength: 1, maxLength: 255, pattern: '^[ -~]+$' },
    example: '5f0c1f5e-8d1b-4a51-9d0e-6d6f9f3c2b71',
  },
  IfMatch: {
    name: 'If-Match',
    in: 'header',
    description:
      'The `ETag` of what was read; when it was changed since, the call is answered 412 and changes nothing.',
    schema: { type: 'string' },
    example: '"3"',
  },
};

/** What an answer of `status` carries in its headers. */
export function headersOf(manifest: HttpManifest, status: number): Json {
  const refer = (name: string, component: string) => ({ [name]: { $ref: `#/components/headers/${component}` } });
  const limited = manifest.trigger.scope !== null || manifest.rateLimit !== undefined;
  return {
    ...refer('X-Request-Id', 'RequestId'),
    ...(limited && (status < 400 || status === 429)
      ? {
          ...refer('RateLimit-Limit', 'RateLimitLimit'),
          ...refer('RateLimit-Remaining', 'RateLimitRemaining'),
          ...refer('RateLimit-Reset', 'RateLimitReset'),
          ...refer('RateLimit-Policy', 'RateLimitPolicy'),
        }
      : {}),
    ...(changesState(manifest) && status < 500 && status !== 429
      ? refer('Idempotency-Replayed', 'IdempotencyReplayed')
      : {}),
    ...(status === 429 || status === 503 ? refer('Retry-After', 'RetryAfter') : {}),
  };
}

const header = (description: string, type: 'string' | 'integer', rest: Json = {}) => ({
  description,
  schema: { type, ...rest },
});

export const sharedHeaders: Json = {
  RequestId: header('Id of this request, also in the log.', 'string'),
  RateLimitLimit: header('Requests that may be made in one window, of the limit that ends first.', 'integer'),
  RateLimitRemaining: header('Requests that are left of it.', 'integer'),
  RateLimitReset: header('Seconds until the next window.', 'integer'),
  RateLimitPolicy: header('All limits that count, as `6000;w=60`: so many requests in so many seconds.', 'string'),
  RetryAfter: header('Seconds to wait before the next try.', 'integer'),
  IdempotencyReplayed: header('Present when this is the answer to an earlier call with the same key.', 'string', {
    const: 'true',
  }),
};
