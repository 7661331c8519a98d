import { AppError } from '../errors.ts';
import type { RuntimeContext } from '../function/context.ts';
import { type FunctionDefinition, isHttp, writesEvents } from '../function/define.ts';
import type { IncomingRequest, OutgoingResponse } from '../function/message.ts';
import { errorResponse } from '../http/errors.ts';
import { type Equipment, type HttpFunction, httpPipeline } from '../http/pipeline.ts';
import type { Ports } from '../ports/index.ts';
import type { Answer } from './http-server.ts';
import { createRouter, type Route } from './router.ts';

/** Routes requests to the HTTP functions of `definitions`. Calls `afterWrite` after each request that may have written to the outbox. */
export function routeRequests(
  definitions: readonly FunctionDefinition[],
  ports: Partial<Ports>,
  context: RuntimeContext,
  equipment: Equipment,
  afterWrite: () => void = () => undefined,
): Answer {
  const route = createRouter(
    definitions.flatMap((definition) => routesOf(definition, ports, context, equipment, afterWrite)),
  );
  return async (request) => {
    const match = route(request.method, request.path);
    if (match.kind === 'found') return match.target({ ...request, params: match.params });
    return unrouted(request, match.kind === 'method-not-allowed' ? match.allowed : undefined, context);
  };
}

function routesOf(
  definition: FunctionDefinition,
  ports: Partial<Ports>,
  context: RuntimeContext,
  equipment: Equipment,
  afterWrite: () => void,
): Route<HttpFunction>[] {
  const { manifest } = definition;
  if (!isHttp(manifest)) return [];
  const answer = httpPipeline(definition, ports, context, equipment);
  // The response is sent first.
  const afterAnswer = () => void setImmediate(afterWrite);
  const target: HttpFunction = !writesEvents(manifest) ? answer : (request) => answer(request).finally(afterAnswer);
  const { method, path, aliases = [] } = manifest.trigger;
  return [path, ...aliases].map((each) => ({ method, path: each, target }));
}

function unrouted(
  { method, path }: IncomingRequest,
  allowed: readonly string[] | undefined,
  context: RuntimeContext,
): OutgoingResponse {
  const requestId = context.newId();
  const error = !isDecodable(path)
    ? new AppError('REQUEST_MALFORMED', {
        message: 'The path has a percent sign that does not start a valid UTF-8 character.',
      })
    : allowed === undefined
      ? new AppError('ROUTE_NOT_FOUND', {
          message: `There is no route for ${path.slice(0, 200)}. The API is described at /docs.`,
        })
      : new AppError('METHOD_NOT_ALLOWED', {
          message: `This path does not support the method ${method.slice(0, 20)}.`,
          details: { allowed },
        });
  context.log.info(
    {
      request_id: requestId,
      method: method.slice(0, 20),
      // Not a path with a person's data, because no route has it.
      path: path.slice(0, 200),
      status: error.httpStatus,
      code: error.code,
    },
    'answered',
  );
  context.metrics.unrouted.inc({ status: error.httpStatus });
  const answer = errorResponse(error, requestId);
  return {
    ...answer,
    headers: {
      ...answer.headers,
      'x-request-id': requestId,
      ...(allowed === undefined ? {} : { allow: allowed.join(', ') }),
    },
  };
}

function isDecodable(path: string): boolean {
  try {
    decodeURIComponent(path);
    return true;
  } catch {
    return false;
  }
}
