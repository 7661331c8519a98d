import { AppError, type ErrorCode, toAppError } from '../errors.ts';
import { CutOff } from '../ports/extractor.ts';
import type { PortName, Ports } from '../ports/index.ts';
import { BreakerOpen, type Breakers, type GuardedPort, isGuardedPort } from './breaker.ts';

/**
 * Puts a circuit breaker in front of each port, for event functions. While a store or an extractor is down, its breaker is open and the
 * events wait without using up their attempts. An error below 500 (a rejected request, BUSY) is not a failure for the breaker. A method
 * that returns an iteration has no breaker. Errors in addition to those of the ports: STORE_UNAVAILABLE while a breaker is open.
 *
 * [Note: An outage uses no attempts]
 * While the breaker of a store is open, an event fails at once with 503. The brokers of this repository do not count this attempt. They
 * also do not count an attempt that fails because a store is down or because the extractor is busy or unreachable. Otherwise an outage
 * of some minutes would send all waiting events to the dead letters. This rule applies for a day after the event; then attempts count,
 * so no event waits for ever. An attempt always counts if the event may be the cause of the failure: an unexpected error, a time-out, or
 * an extractor that stopped while it processed the photo. Knative counts every delivery: there, events become dead letters if an outage
 * is longer than all retries together (two hours for enrolments, 8 hours for uploads, some minutes for other events). An operator can
 * replay them.
 */
export function guardedPorts(ports: Partial<Ports>, breakers: Breakers): Partial<Ports> {
  return Object.fromEntries(
    Object.entries(ports).map(([name, port]) => [
      name,
      isGuardedPort(name) && port !== undefined ? guarded(name, port as Ports[GuardedPort], breakers) : port,
    ]),
  );
}

/** Errors: STORE_UNAVAILABLE when the breaker of one of these ports is open, or when another caller is probing the port. */
export function requireClosedBreakers(names: readonly PortName[], breakers: Breakers): void {
  for (const name of names) {
    const waitMs = isGuardedPort(name) ? breakers.of(name, '').admit() : 0;
    if (waitMs > 0)
      throw openError(name, new BreakerOpen(`${name} is not called, because it failed too often`), waitMs);
  }
}

/** Whether the work did not run because a breaker was open. */
export const wasNotTried = (error: unknown): boolean => error instanceof AppError && error.cause instanceof BreakerOpen;

/** Codes of temporary failures that an event cannot cause. */
const blameless: ReadonlySet<ErrorCode> = new Set(['BUSY', 'STORE_UNAVAILABLE', 'NOT_READY']);

/** Whether the event cannot be the cause of the error. See: [Note: An outage uses no attempts] */
export const isBlameless = (error: unknown): boolean =>
  error instanceof AppError && blameless.has(error.code) && !(error.cause instanceof CutOff);

/** Methods without a breaker: `close` and `watch`, and methods that return an iteration. */
const unguarded = new Set(['close', 'keys', 'faceIds', 'files', 'chains', 'watch']);

type Call = (...parameters: unknown[]) => unknown;
type Outcome = { readonly value: unknown } | { readonly rejected: unknown };

function guarded<Name extends GuardedPort>(name: Name, port: Ports[Name], breakers: Breakers): Ports[Name] {
  const guardedCall =
    (run: Call): Call =>
    (...parameters) => {
      const breaker = breakers.of(name, '');
      return breaker
        .execute(() => outcomeOf(() => run(...parameters)))
        .then(
          (outcome) => {
            if ('rejected' in outcome) throw outcome.rejected;
            return outcome.value;
          },
          (error: unknown) => {
            throw error instanceof BreakerOpen ? openError(name, error, breaker.waitMs()) : error;
          },
        );
    };
  return Object.fromEntries(
    Object.entries(port).map(([method, run]) => [
      method,
      typeof run === 'function' && !unguarded.has(method) ? guardedCall(run.bind(port) as Call) : run,
    ]),
  ) as unknown as Ports[Name];
}

/** Only an error from 500 up is a failure of the port. A call that its caller aborted is none. */
async function outcomeOf(run: () => unknown): Promise<Outcome> {
  try {
    return { value: await run() };
  } catch (error) {
    const callerAborted = error instanceof DOMException && error.name === 'AbortError';
    if (!callerAborted && toAppError(error).httpStatus >= 500) throw error;
    return { rejected: error };
  }
}

const openError = (name: string, cause: BreakerOpen, waitMs: number): AppError =>
  new AppError('STORE_UNAVAILABLE', {
    message: `${name} is not called for now, because it failed too often. Try again later.`,
    retryAfter: Math.max(1, Math.ceil(waitMs / 1000)),
    cause,
  });
