import middy from '@middy/core';
import type { Context } from 'aws-lambda';
import { AppError } from '../errors.ts';
import type { RuntimeContext } from '../function/context.ts';
import type { BinaryReply, FunctionDefinition, HttpCall, HttpManifest, Reply } from '../function/define.ts';
import { isBinary } from '../function/define.ts';
import type { IncomingRequest, OutgoingResponse } from '../function/message.ts';
import { pickPorts } from '../function/ports.ts';
import type { Ports } from '../ports/index.ts';
import { defaultTenant } from '../ports/tenant.ts';
import { body, type ImageReader } from './body.ts';
import { clientAddress } from './client-address.ts';
import { deadline } from './deadline.ts';
import { errors } from './errors.ts';
import type { HttpExchange } from './exchange.ts';
import type { Guards, OpenGuards } from './guards.ts';
import { negotiate } from './negotiation.ts';
import { observe } from './observe.ts';
import { requestId } from './request-id.ts';
import { traceContext } from './trace-context.ts';
import { untilAborted } from './until-aborted.ts';
import { validate } from './validate.ts';

/** Optional parts of a pipeline. The caller passes them in, so that a bundle contains only the parts its function needs. */
export interface Equipment {
  /** See: [Note: Guards are injected] */
  readonly guards?: OpenGuards;
  /** For functions whose manifest has an image. */
  readonly images?: ImageReader;
}

/** Runs a request through the middlewares and the handler; never throws. */
export type HttpFunction = (request: IncomingRequest) => Promise<OutgoingResponse>;

/**
 * Builds the pipeline of one HTTP function. The `before` steps run in the order below, the `after` and `onError` steps in reverse
 * order. So the outermost middleware measures everything, and the error envelope exists before it is logged.
 *
 * @example
 * const getFace = httpPipeline(definition, ports, context, { guards: openGuards });
 * const response = await getFace(request);
 */
export function httpPipeline(
  definition: FunctionDefinition,
  ports: Partial<Ports>,
  context: RuntimeContext,
  { images, guards }: Equipment,
): HttpFunction {
  const manifest = definition.manifest as HttpManifest;
  const own = pickPorts(ports, manifest.uses);
  const { audit, beforeBody, beforeHandler, once } = guards?.(manifest, ports, context) ?? unguarded(manifest);
  const handle = definition.handler as unknown as (
    call: HttpCall<HttpManifest>,
    ports: object,
  ) => Promise<Reply<unknown> | BinaryReply>;
  const pipeline = middy<HttpExchange, OutgoingResponse>(async (exchange: HttpExchange) => {
    const run = async () => {
      const reply = await handle(asCall(exchange), own);
      exchange.reply = { data: 'data' in reply ? reply.data : null, audit: reply.audit };
      return isBinary(manifest.output)
        ? binaryResponse(reply as BinaryReply)
        : jsonResponse(manifest, reply as Reply<unknown>, context.checkOutput);
    };
    return untilAborted(exchange.signal, () => once(exchange, run));
  })
    .use(observe(context.metrics))
    .use(requestId())
    .use(traceContext())
    .use(audit)
    .use(errors(context.metrics))
    .use(deadline())
    .use(beforeBody)
    .use(negotiate(manifest))
    .use(body(images))
    .use(validate(manifest))
    .use(beforeHandler);

  return async (request) => {
    const exchange = newExchange(manifest, request, context);
    const labels = { function: manifest.name };
    context.metrics.inFlight.inc(labels);
    const response = (await pipeline(exchange, noLambda).finally(() =>
      context.metrics.inFlight.dec(labels),
    )) as OutgoingResponse;
    return { ...response, headers: { ...exchange.responseHeaders, ...response.headers } };
  };
}

/** A function that requires a scope or has a `rateLimit` must never run without the checks. */
function unguarded({ name, trigger: { scope }, rateLimit }: HttpManifest): Guards {
  if (scope !== null || rateLimit !== undefined)
    throw new Error(`${name} requires a scope or has a rateLimit, but has no guards`);
  return { audit: [], beforeBody: [], beforeHandler: [], once: (_, run) => run() };
}

/** middy's types require a Lambda context; no middleware uses it. */
const noLambda = {} as Context;

function newExchange(manifest: HttpManifest, request: IncomingRequest, context: RuntimeContext): HttpExchange {
  return {
    manifest,
    request,
    limits: { imageBytes: context.config.maxImageBytes },
    address: clientAddress(request, context.config.trustedProxies),
    tenant: defaultTenant,
    principal: null,
    requestId: context.newId(),
    traceparent: '',
    signal: request.gone,
    clock: context.clock,
    log: context.log,
    metrics: context.metrics,
    config: context.config,
    newId: context.newId,
    reply: null,
    input: { params: {}, query: {}, body: {}, image: undefined },
    responseHeaders: {},
  };
}

const asCall = ({
  tenant,
  principal,
  requestId,
  traceparent,
  signal,
  clock,
  log,
  metrics,
  config,
  newId,
  input,
  request,
}: HttpExchange) =>
  ({
    tenant,
    principal,
    requestId,
    traceparent,
    signal,
    clock,
    log,
    metrics,
    config,
    newId,
    ...input,
    headers: request.headers,
    path: request.path,
  }) as HttpCall<HttpManifest>;

function jsonResponse(manifest: HttpManifest, reply: Reply<unknown>, checkOutput: boolean): OutgoingResponse {
  if (checkOutput && !isBinary(manifest.output)) {
    const checked = manifest.output.safeParse(reply.data);
    if (!checked.success)
      throw new AppError('INTERNAL', {
        cause: new Error(`${manifest.name} returned data that its manifest does not declare: ${checked.error.message}`),
      });
  }
  return {
    status: reply.status ?? manifest.status ?? 200,
    headers: { 'content-type': 'application/json; charset=utf-8', ...reply.headers },
    body: JSON.stringify({
      success: true,
      ...(reply.message === undefined ? {} : { message: reply.message }),
      data: reply.data,
    }),
  };
}

const binaryResponse = (reply: BinaryReply): OutgoingResponse => ({
  status: reply.status ?? 200,
  headers: { ...(reply.contentType === undefined ? {} : { 'content-type': reply.contentType }), ...reply.headers },
  body: reply.bytes,
});
