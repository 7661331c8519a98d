import type { Front } from './fronts.ts';
import { routeRequests } from './routes.ts';

/** Requests that anybody may make, without an image. */
export const front: Front = (definition, ports, context) => routeRequests([definition], ports, context, {});
