import type { HttpMiddleware } from './exchange.ts';
import { untilAborted } from './until-aborted.ts';

/** Deadline middleware: aborts the request's signal when its time is up or its caller disconnects. */
export function deadline(): HttpMiddleware {
  const release = new WeakMap<object, () => void>();
  return {
    before: function deadlineBefore({ event }) {
      const controller = new AbortController();
      const { timeoutSeconds } = event.manifest;
      const cancelTimer = event.clock.after(timeoutSeconds * 1000, () =>
        controller.abort(new DOMException(`the request took longer than ${timeoutSeconds} s`, 'TimeoutError')),
      );
      const onGone = () => controller.abort(new DOMException('the caller disconnected', 'AbortError'));
      event.request.gone.addEventListener('abort', onGone, { once: true });
      if (event.request.gone.aborted) onGone();
      event.signal = controller.signal;
      // The deadline also applies to a body that arrives slowly.
      const { request } = event;
      event.request = { ...request, body: (limit) => untilAborted(controller.signal, () => request.body(limit)) };
      release.set(event, () => {
        cancelTimer();
        event.request.gone.removeEventListener('abort', onGone);
      });
    },
    after: function deadlineAfter({ event }) {
      release.get(event)?.();
    },
    onError: function deadlineOnError({ event }) {
      release.get(event)?.();
    },
  };
}
