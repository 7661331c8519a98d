import type { RuntimeContext } from '../function/context.ts';
import type { HttpManifest } from '../function/define.ts';
import type { Ports } from '../ports/index.ts';
import { audit, auditIntent } from './audit.ts';
import { authenticate } from './authenticate.ts';
import type { HttpMiddleware } from './exchange.ts';
import { type Idempotently, idempotently } from './idempotency.ts';
import { addressLimit, keyLimit } from './rate-limit.ts';

/** What stands between a caller and a function that not everybody may call as they like. */
export interface Guards {
  /** Sees every answer, refusals included. */
  readonly witness: HttpMiddleware[];
  /** Before anything of the body is read. */
  readonly door: HttpMiddleware[];
  /** When the request is known to be in order. */
  readonly threshold: HttpMiddleware[];
  readonly once: Idempotently;
}

export type OpenGuards = (manifest: HttpManifest, ports: Partial<Ports>, context: RuntimeContext) => Guards;

/**
 * [Note: Guards come from outside]
 * A function that anybody may call, such as a probe, needs none of this, and its bundle stays small without it: so the pipeline is
 * handed its guards, and refuses to be built without them for a function that asks for a scope or a limit.
 */
export const openGuards: OpenGuards = (manifest, ports, context) => ({
  witness: [audit(manifest, ports)],
  door: [addressLimit(manifest, ports, context), authenticate(manifest, ports, context), keyLimit(ports, context)],
  threshold: [auditIntent(manifest, ports)],
  once: idempotently(manifest, ports),
});
