import { changesState, type HttpManifest } from '../../shared/function/define.ts';

type Json = Record<string, unknown>;

/** Headers that a request may have in addition to the credentials. */
export function headerParameters(manifest: HttpManifest): Json[] {
  return [
    ...(changesState(manifest) ? [{ $ref: '#/components/parameters/IdempotencyKey' }] : []),
    ...(manifest.errors?.includes('VERSION_CONFLICT') === true ? [{ $ref: '#/components/parameters/IfMatch' }] : []),
  ];
}

/** Without examples: the API page would send an example with every request, so the second write would get 422 or 412. */
export const sharedParameters: Json = {
  IdempotencyKey: {
    name: 'Idempotency-Key',
    in: 'header',
    description:
      'Makes it safe to retry a request. Send a new UUID with each new request, and the same one with a retry. For 24 hours a request with the same key and the same content gets the first response again, with `Idempotency-Replayed: true`. A request with the same key and other content gets 422. A request gets 409 while the first one is running. Responses 5xx and 429 are not stored.',
    schema: { type: 'string', minLength: 1, maxLength: 255, pattern: '^[ -~]+$' },
  },
  IfMatch: {
    name: 'If-Match',
    in: 'header',
    description:
      'The `ETag` of the version that the client read, as in `"3"`. If the resource has changed since, the response is 412 and nothing changes.',
    schema: { type: 'string' },
  },
};

/** Headers of a response with this status. */
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
  RequestId: header('Id of this request. The log has it too.', 'string'),
  RateLimitLimit: header('Number of requests that one window allows, for the limit that is reached first.', 'integer'),
  RateLimitRemaining: header('Number of requests that this window still allows.', 'integer'),
  RateLimitReset: header('Seconds until the next window starts.', 'integer'),
  RateLimitPolicy: header('All limits that apply. `6000;w=60` means 6000 requests in 60 seconds.', 'string'),
  RetryAfter: header('Seconds to wait before a retry.', 'integer'),
  IdempotencyReplayed: header(
    'Present if this is the stored response to an earlier request with the same key.',
    'string',
    {
      const: 'true',
    },
  ),
};
