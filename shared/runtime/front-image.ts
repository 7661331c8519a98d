import { openGuards } from '../http/guards.ts';
import { imageReader } from '../http/image-reader.ts';
import type { Front } from './fronts.ts';
import { routeRequests } from './routes.ts';

/** Requests that may carry an image. */
export const front: Front = (definition, ports, context) =>
  routeRequests([definition], ports, context, { guards: openGuards, images: imageReader });
