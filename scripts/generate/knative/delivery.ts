import { type EventManifest, isHttp, type Manifest } from '../../../shared/function/define.ts';
import type { Delivery } from '../../../shared/ports/events.ts';
import { defaultDelivery } from '../../../shared/runtime/local.ts';

/** Knative's `max-revision-timeout-seconds` as it comes. */
const mostSeconds = 600;
/** So that a function's own answer to a call that took too long comes before the revision cuts it off. */
const marginSeconds = 5;

export const deliveryOf = ({ trigger }: EventManifest): Delivery => trigger.delivery ?? defaultDelivery;

/**
 * Seconds that a request to the revision may take: more than the function's own limit, and more than one delivery, whose
 * timeout begins earlier, when there is no instance yet. Throws when a delivery does not fit below Knative's most.
 */
export function revisionSeconds(manifest: Manifest): number {
  const longest = Math.max(manifest.timeoutSeconds, isEvent(manifest) ? deliveryOf(manifest).timeoutMs / 1000 : 0);
  const seconds = Math.min(longest + marginSeconds, mostSeconds);
  if (isEvent(manifest) && deliveryOf(manifest).timeoutMs / 1000 >= seconds)
    throw new Error(
      `${manifest.name}: a delivery may take ${longest} s, which is not below Knative's ${mostSeconds} s`,
    );
  return seconds;
}

export const isEvent = (manifest: Manifest): manifest is EventManifest =>
  !isHttp(manifest) && manifest.trigger.kind === 'event';
