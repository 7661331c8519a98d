import type { RuntimeContext } from '../function/context.ts';
import type { HttpManifest } from '../function/define.ts';
import type { Ports } from '../ports/index.ts';
import { audit, auditIntent } from './audit.ts';
import { authenticate } from './authenticate.ts';
import type { HttpMiddleware } from './exchange.ts';
import { type Idempotently, idempotently } from './idempotency.ts';
import { addressLimit, keyLimit } from './rate-limit.ts';

/** Middlewares of a function whose manifest requires a scope or has a `rateLimit`. */
export interface Guards {
  /** See every response, refusals included. */
  readonly audit: HttpMiddleware[];
  /** Run before any of the body is read. */
  readonly beforeBody: HttpMiddleware[];
  /** Run once the request is valid. */
  readonly beforeHandler: HttpMiddleware[];
  readonly once: Idempotently;
}

export type OpenGuards = (manifest: HttpManifest, ports: Partial<Ports>, context: RuntimeContext) => Guards;

/**
 * [Note: Guards are injected]
 * A function that every caller may call, such as a probe, needs no guards, and its bundle stays small without them. So the pipeline
 * receives its guards as an argument. Building the pipeline of a function with a scope or a `rateLimit` fails without them.
 *
 * @example
 * httpPipeline(definition, ports, context, { guards: openGuards });
 */
export const openGuards: OpenGuards = (manifest, ports, context) => ({
  audit: [audit(manifest, ports)],
  beforeBody: [
    addressLimit(manifest, ports, context),
    authenticate(manifest, ports, context),
    keyLimit(ports, context),
  ],
  beforeHandler: [auditIntent(manifest, ports)],
  once: idempotently(manifest, ports),
});
