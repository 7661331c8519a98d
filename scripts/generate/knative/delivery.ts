import { type EventManifest, isHttp, type Manifest } from '../../../shared/function/define.ts';
import type { Delivery } from '../../../shared/ports/events.ts';
import { defaultDelivery } from '../../../shared/runtime/local.ts';

/** Knative's default of `max-revision-timeout-seconds`. */
const mostSeconds = 600;
/** Margin in seconds. The function answers a request that takes too long before the revision aborts it. */
const marginSeconds = 5;

export const deliveryOf = ({ trigger }: EventManifest): Delivery => trigger.delivery ?? defaultDelivery;

/**
 * Returns how many seconds a request to the revision may take. This is longer than the function's own limit and longer than one
 * delivery. The time of a delivery starts earlier, before there is an instance. Throws an Error if a delivery is not shorter than
 * Knative's maximum.
 */
export function revisionSeconds(manifest: Manifest): number {
  const longest = Math.max(manifest.timeoutSeconds, isEvent(manifest) ? deliveryOf(manifest).timeoutMs / 1000 : 0);
  const seconds = Math.min(longest + marginSeconds, mostSeconds);
  if (isEvent(manifest) && deliveryOf(manifest).timeoutMs / 1000 >= seconds)
    throw new Error(
      `${manifest.name}: a delivery may take ${longest} s; it must be shorter than Knative's maximum of ${mostSeconds} s`,
    );
  return seconds;
}

export const isEvent = (manifest: Manifest): manifest is EventManifest =>
  !isHttp(manifest) && manifest.trigger.kind === 'event';
