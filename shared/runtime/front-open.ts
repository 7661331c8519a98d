import type { Front } from './fronts.ts';
import { routeRequests } from './routes.ts';

/** Requests to open functions, without an image. */
export const front: Front = (definition, ports, context) => routeRequests([definition], ports, context, {});
