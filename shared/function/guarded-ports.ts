import { AppError, type ErrorCode, toAppError } from '../errors.ts';
import { CutOff } from '../ports/extractor.ts';
import type { PortName, Ports } from '../ports/index.ts';
import { BreakerOpen, type Breakers, type GuardedPort, isGuardedPort } from './breaker.ts';

/**
 * The same ports behind a circuit breaker each, for functions that are called by events: a store or an extractor that is down is left
 * alone for a while, and the events wait without using up their attempts. What a port refuses with good reason, or sheds, is no
 * failure. What it gives back at once (an iteration) is not guarded. Errors, beside those of the ports: STORE_UNAVAILABLE while a
 * breaker is open.
 *
 * [Note: Waiting is no attempt]
 * An event whose store is known to be down is answered 503 at once. The brokers here do not count that, nor what was tried and found
 * a store down or an extractor busy or away: otherwise an outage of some minutes would send everything that waits to the dead letters.
 * That holds for a day after the event; from then on attempts count, so that nothing waits for ever. What the event may have brought
 * about itself always counts: an error that nobody expects, no answer in time, an extractor that went away while it looked at the photo.
 * Knative counts every delivery; there an outage longer than all retries together (two hours for enrolments, 8 for uploads, some minutes
 * for other events) ends in dead letters, to be replayed.
 */
export function guardedPorts(ports: Partial<Ports>, breakers: Breakers): Partial<Ports> {
  return Object.fromEntries(
    Object.entries(ports).map(([name, port]) => [
      name,
      isGuardedPort(name) && port !== undefined ? guarded(name, port as Ports[GuardedPort], breakers) : port,
    ]),
  );
}

/** Errors: STORE_UNAVAILABLE when one of these ports is left alone at the moment. */
export function requireClosedBreakers(names: readonly PortName[], breakers: Breakers): void {
  for (const name of names) {
    const waitMs = isGuardedPort(name) ? breakers.of(name, '').admit() : 0;
    if (waitMs > 0) throw isOpen(name, new BreakerOpen(`${name} is not called: it failed too often`), waitMs);
  }
}

/** Whether nothing was tried since a breaker is open. */
export const wasNotTried = (error: unknown): boolean => error instanceof AppError && error.cause instanceof BreakerOpen;

/** Codes of trouble that passes by itself and that no event brings about. */
const blameless: ReadonlySet<ErrorCode> = new Set(['BUSY', 'STORE_UNAVAILABLE', 'NOT_READY']);

/** Whether an error says nothing against the event that ran into it. See: [Note: Waiting is no attempt] */
export const isBlameless = (error: unknown): boolean =>
  error instanceof AppError && blameless.has(error.code) && !(error.cause instanceof CutOff);

/** Closing, and what gives back an iteration at once. */
const unguarded = new Set(['close', 'keys', 'faceIds', 'files', 'chains', 'watch']);

type Call = (...parameters: unknown[]) => unknown;
type Outcome = { readonly value: unknown } | { readonly refused: unknown };

function guarded<Name extends GuardedPort>(name: Name, port: Ports[Name], breakers: Breakers): Ports[Name] {
  const guardedCall =
    (run: Call): Call =>
    (...parameters) => {
      const breaker = breakers.of(name, '');
      return breaker
        .execute(() => outcomeOf(() => run(...parameters)))
        .then(
          (outcome) => {
            if ('refused' in outcome) throw outcome.refused;
            return outcome.value;
          },
          (error: unknown) => {
            throw error instanceof BreakerOpen ? isOpen(name, error, breaker.waitMs()) : error;
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

/** A caller that gave up says nothing about the port. */
async function outcomeOf(run: () => unknown): Promise<Outcome> {
  try {
    return { value: await run() };
  } catch (error) {
    const gaveUp = error instanceof DOMException && error.name === 'AbortError';
    if (!gaveUp && toAppError(error).httpStatus >= 500) throw error;
    return { refused: error };
  }
}

const isOpen = (name: string, cause: BreakerOpen, waitMs: number): AppError =>
  new AppError('STORE_UNAVAILABLE', {
    message: `${name} is left alone since it failed too often.`,
    retryAfter: Math.max(1, Math.ceil(waitMs / 1000)),
    cause,
  });
