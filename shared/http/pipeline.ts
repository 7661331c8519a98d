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

/** What a pipeline is handed from outside, so that a bundle carries no more than its function needs. */
export interface Equipment {
  /** See: [Note: Guards come from outside] */
  readonly guards?: OpenGuards;
  /** For functions whose manifest has an image. */
  readonly images?: ImageReader;
}

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
  { images, guards }: Equipment,
): HttpFunction {
  const manifest = definition.manifest as HttpManifest;
  const own = pickPorts(ports, manifest.uses);
  const { witness, door, threshold, once } = guards?.(manifest, ports, context) ?? unguarded(manifest);
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
    .use(witness)
    .use(errors(context.metrics))
    .use(deadline())
    .use(door)
    .use(negotiate(manifest))
    .use(body(images))
    .use(validate(manifest))
    .use(threshold);

  return async (request) => {
    const exchange = newExchange(manifest, request, context);
    const underWay = { function: manifest.name };
    context.metrics.inFlight.inc(underWay);
    const response = (await pipeline(exchange, noLambda).finally(() =>
      context.metrics.inFlight.dec(underWay),
    )) as OutgoingResponse;
    return { ...response, headers: { ...exchange.answerHeaders, ...response.headers } };
  };
}

/** A function that asks who calls, and could not find out, must not answer anybody. */
function unguarded({ name, trigger: { scope }, rateLimit }: HttpManifest): Guards {
  if (scope !== null || rateLimit !== undefined) throw new Error(`${name} is not for everybody and has no guards`);
  return { witness: [], door: [], threshold: [], once: (_, run) => run() };
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
    metrics: context.metrics,
    config: context.config,
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
