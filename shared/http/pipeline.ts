import middy from '@middy/core';
import type { Context } from 'aws-lambda';
import { AppError } from '../errors.ts';
import type { Ports } from '../ports/index.ts';
import { defaultTenant } from '../ports/tenant.ts';
import type { RuntimeContext } from '../runtime/context.ts';
import type { BinaryReply, FunctionDefinition, HttpCall, HttpManifest, Reply } from '../runtime/define.ts';
import { isBinary } from '../runtime/define.ts';
import { pickPorts } from '../runtime/ports.ts';
import { audit, auditIntent } from './audit.ts';
import { authenticate } from './authenticate.ts';
import { body, type ImageReader } from './body.ts';
import { clientAddress } from './client-address.ts';
import { deadline } from './deadline.ts';
import { errors } from './errors.ts';
import type { HttpExchange, IncomingRequest, OutgoingResponse } from './exchange.ts';
import { idempotently } from './idempotency.ts';
import { negotiate } from './negotiation.ts';
import { observe } from './observe.ts';
import { addressLimit, keyLimit } from './rate-limit.ts';
import { requestId } from './request-id.ts';
import { traceContext } from './trace-context.ts';
import { untilAborted } from './until-aborted.ts';
import { validate } from './validate.ts';

/** Takes a request through the middlewares to the handler; never throws. */
export type HttpFunction = (request: IncomingRequest) => Promise<OutgoingResponse>;

/**
 * Builds the pipeline of one HTTP function. `before` runs in the order below, `after` and `onError` in reverse, so that the
 * outermost measures everything and the error envelope is made before it is logged.
 */
export function httpPipeline(
  definition: FunctionDefinition,
  ports: Partial<Ports>,
  context: RuntimeContext,
  images?: ImageReader,
): HttpFunction {
  const manifest = definition.manifest as HttpManifest;
  const own = pickPorts(ports, manifest.uses);
  const once = idempotently(manifest, ports);
  const handle = definition.handler as unknown as (
    call: HttpCall<HttpManifest>,
    ports: object,
  ) => Promise<Reply<unknown> | BinaryReply>;
  const pipeline = middy<HttpExchange, OutgoingResponse>(async (exchange: HttpExchange) => {
    const run = async () => {
      const reply = await handle(asCall(exchange), own);
      exchange.answered = { data: 'data' in reply ? reply.data : null, audit: reply.audit };
      return isBinary(manifest.output)
        ? binaryAnswer(reply as BinaryReply)
        : jsonAnswer(manifest, reply as Reply<unknown>, context.checkOutput);
    };
    return untilAborted(exchange.signal, () => once(exchange, run));
  })
    .use(observe(context.metrics))
    .use(requestId())
    .use(traceContext())
    .use(audit(manifest, ports))
    .use(errors())
    .use(deadline())
    .use(addressLimit(manifest, ports, context))
    .use(authenticate(manifest, ports, context))
    .use(keyLimit(ports, context))
    .use(negotiate(manifest))
    .use(body(images))
    .use(validate())
    .use(auditIntent(manifest, ports));

  return async (request) => {
    const exchange = newExchange(manifest, request, context);
    const response = (await pipeline(exchange, noLambda)) as OutgoingResponse;
    return { ...response, headers: { ...exchange.answerHeaders, ...response.headers } };
  };
}

/** The middlewares know no Lambda; middy's types want one. */
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
    newId: context.newId,
    answered: null,
    input: { params: {}, query: {}, body: {}, image: undefined },
    answerHeaders: {},
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
    newId,
    ...input,
    headers: request.headers,
    path: request.path,
  }) as HttpCall<HttpManifest>;

function jsonAnswer(manifest: HttpManifest, reply: Reply<unknown>, checkOutput: boolean): OutgoingResponse {
  if (checkOutput && !isBinary(manifest.output)) {
    const checked = manifest.output.safeParse(reply.data);
    if (!checked.success)
      throw new AppError('INTERNAL', {
        cause: new Error(`${manifest.name} answers what it does not declare: ${checked.error.message}`),
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

const binaryAnswer = (reply: BinaryReply): OutgoingResponse => ({
  status: reply.status ?? 200,
  headers: { ...(reply.contentType === undefined ? {} : { 'content-type': reply.contentType }), ...reply.headers },
  body: reply.bytes,
});
