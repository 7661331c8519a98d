import { openGuards } from '../http/guards.ts';
import type { Front } from './fronts.ts';
import { routeRequests } from './routes.ts';

/** Requests without an image. */
export const front: Front = (definition, ports, context) =>
  routeRequests([definition], ports, context, { guards: openGuards });
