import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { type MetricsReport, reportOf } from './metrics-report.ts';
import { exposition, type TenantGauge } from './metrics-text.ts';
import { type Counts, summed } from './summed-metrics.ts';

/**
 * What a process counts. Labels take values from lists in the code alone (names of functions, methods, error codes): never an id, a
 * tenant or anything a caller can choose.
 */
export type Metrics = ReturnType<typeof createMetrics>;

const quick = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5];
const request = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const long = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600];
const bytes = [256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216, 67_108_864];

/** A registry of its own, so that several servers can live in one process. */
export function createMetrics() {
  const registry = new Registry();
  // The default of 10 ms wakes an idle process a hundred times a second and costs 1 % of a core.
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 100 });
  const registers = [registry];

  const counter = <Label extends string = never>(name: string, help: string, labelNames: Label[] = []) =>
    new Counter({ name: `freeface_${name}`, help, labelNames, registers });
  const gauge = <Label extends string = never>(name: string, help: string, labelNames: Label[] = []) =>
    new Gauge({ name: `freeface_${name}`, help, labelNames, registers });
  const histogram = <Label extends string = never>(
    name: string,
    help: string,
    buckets: number[],
    labelNames: Label[] = [],
  ) => new Histogram({ name: `freeface_${name}`, help, buckets, labelNames, registers });

  const metrics = {
    registry,

    // Requests
    requests: counter('http_requests_total', 'HTTP requests answered.', ['function', 'method', 'status']),
    requestSeconds: histogram(
      'http_request_duration_seconds',
      'From the first byte of the request to the finished answer.',
      request,
      ['function'],
    ),
    requestBytes: histogram('http_request_size_bytes', 'Bodies of requests, as declared.', bytes, ['function']),
    responseBytes: histogram('http_response_size_bytes', 'Bodies of answers.', bytes, ['function']),
    inFlight: gauge('requests_in_flight', 'Requests being worked on.', ['function']),
    requestErrors: counter('http_errors_total', 'Requests answered with an error, by its code.', ['function', 'code']),
    unrouted: counter('http_unrouted_requests_total', 'Requests that lead to no function.', ['status']),
    clientsGone: counter('http_clients_gone_total', 'Requests whose caller left before the answer.', ['function']),
    shed: counter('http_shed_requests_total', 'Requests turned away because of too much work at once.', ['function']),
    authFailures: counter('auth_failures_total', 'Calls refused for who made them.', ['code']),
    rateLimited: counter('rate_limited_total', 'Requests refused since their caller had made too many.', ['limit']),
    rateLimitFailures: counter('rate_limit_failures_total', 'Requests let through since they could not be counted.', [
      'limit',
    ]),

    // Enrolment
    enrolments: counter(
      'enrolments_total',
      'Enrolments by how they ended: enrolled, repeated (it was there), refused (by its image or data), failed (by a store).',
      ['outcome', 'lane'],
    ),
    enrolmentSeconds: histogram('enrolment_duration_seconds', 'Enrolments that succeeded.', long, ['lane']),
    enrolmentRefusals: counter('enrolment_refusals_total', 'Enrolments refused, by error code.', ['code']),
    facesFound: counter('faces_found_total', 'Faces found in photos that were enrolled.'),
    facesEnrolled: counter('faces_enrolled_total', 'Faces that are new in the gallery.'),
    facesRejected: counter('faces_rejected_total', 'Faces not enrolled, by each reason.', ['reason']),
    facesJoined: counter('faces_joined_total', 'Unnamed faces joined to the person they match.'),
    jobsAccepted: counter('enrolment_jobs_accepted_total', 'Enrolments accepted to be done later.', ['priority']),
    jobsFinished: counter('enrolment_jobs_finished_total', 'Accepted enrolments that ended.', ['priority', 'status']),
    jobRetries: counter('enrolment_job_retries_total', 'Attempts after the first.', ['priority']),
    jobWaitSeconds: histogram('enrolment_job_wait_seconds', 'From acceptance to the first attempt.', long, [
      'priority',
    ]),
    jobSeconds: histogram('enrolment_job_processing_seconds', 'From the last attempt to the end.', long, ['priority']),
    jobsWaiting: gauge('enrolment_jobs_waiting', 'Accepted enrolments that have not ended.', ['priority']),

    // Recognition
    decisions: counter('decisions_total', 'Faces decided about by faces/recognize.', ['decision']),
    answers: counter('recognition_answers_total', 'Answers of faces/recognize, from the cache or not.', ['cached']),
    searches: counter('searches_total', 'Probes of faces/search.', ['probe']),
    searchMatches: histogram('search_matches', 'Matches of one probe.', [0, 1, 2, 5, 10, 20, 50, 100, 500, 1000]),
    detected: counter('faces_detected_total', 'Faces found by the extractor, whatever for.'),

    // The extractor
    extractorSeconds: histogram(
      'extractor_stage_duration_seconds',
      'decode: waiting for a turn and decoding; analyse: networks; render: pictures for people.',
      request,
      ['stage'],
    ),
    extractorWorking: gauge('extractor_images_in_work', 'Images that wait for the extractor or are in it.'),
    extractorShed: counter('extractor_shed_total', 'Images turned away because too many waited.'),
    extractorBytes: histogram('extractor_image_size_bytes', 'Image files given to the extractor.', bytes),

    // Stores
    storeSeconds: histogram('store_operation_duration_seconds', 'Calls of a port.', quick, ['port', 'method']),
    storeErrors: counter('store_errors_total', 'Calls of a port that failed, by error code.', [
      'port',
      'method',
      'code',
    ]),
    storeInFlight: gauge('store_operations_in_flight', 'Calls of a port under way.', ['port']),
    cacheLookups: counter('cache_lookups_total', 'Values looked up in the cache.', ['result']),

    // Events
    eventsPublished: counter('events_published_total', 'Events brought from the outbox to their topic.', ['type']),
    events: counter('events_total', 'Events handled, by the status they were answered with.', [
      'function',
      'type',
      'status',
    ]),
    eventSeconds: histogram('event_duration_seconds', 'One attempt to handle an event.', long, ['function']),
    eventsRetried: counter('events_to_retry_total', 'Attempts that ask for another delivery.', ['function']),
    eventsPoisoned: counter('events_poisoned_total', 'Events that went to the dead letters at once.', ['function']),
    eventLag: gauge('event_lag_events', 'Events that a group has not finished.', ['topic', 'group']),
    eventLagSeconds: gauge('event_lag_seconds', 'Age of the oldest event that a group has not finished.', [
      'topic',
      'group',
    ]),
    deadLetters: gauge('dead_letters', 'Events given up.'),
    outboxPending: gauge('outbox_pending_events', 'Events written with their rows and not yet published.'),

    // Webhooks
    webhookAttempts: counter(
      'webhook_attempts_total',
      'Calls of webhooks by how they ended: delivered, refused (an error status), failed (no answer), gone (410).',
      ['outcome'],
    ),
    webhookSeconds: histogram('webhook_attempt_duration_seconds', 'Calls of webhooks.', request, ['outcome']),
    webhooksPending: gauge('webhook_messages_pending', 'Messages that are still to be delivered.'),
    webhooksOldestSeconds: gauge('webhook_oldest_pending_seconds', 'Age of the oldest of them.'),
    webhooksGivenUp: counter(
      'webhook_messages_given_up_total',
      'Messages whose last attempt failed, or that waited too long.',
    ),
    breakers: gauge('circuit_breakers', 'Circuit breakers that are not closed, by what they guard.', [
      'guards',
      'state',
    ]),
    breakersOpened: counter('circuit_breakers_opened_total', 'Times that a circuit breaker opened.', ['guards']),

    // In the background
    cronRuns: counter('cron_runs_total', 'Runs of a cron function.', ['function', 'outcome']),
    cronSeconds: histogram('cron_run_duration_seconds', 'Runs of a cron function.', long, ['function']),
    cronSucceeded: gauge('cron_last_success_timestamp_seconds', 'When a cron function last succeeded.', ['function']),
    cronDone: counter('cron_items_total', 'What cron functions did: removed, repaired, published.', [
      'function',
      'what',
    ]),
    erasures: counter('erasures_total', 'Persons and faces erased on demand.', ['what']),
    erasedFaces: counter('erased_faces_total', 'Faces that went with them.'),
    erasedImages: counter('erased_images_total', 'Images that went with them.'),
  };
  let others: (signal: AbortSignal | undefined) => Promise<Counts> = async () => new Map();
  /** What is told: of all processes where they are known, else of this one. */
  const told = async (signal: AbortSignal | undefined): Promise<Registry> => {
    const counts: Counts = await others(signal).catch(() => new Map());
    return counts.size === 0 ? registry : summed(registry, counts);
  };
  return {
    ...metrics,
    /** Has what other processes count, or have counted, added to what is told from here on. See: [Note: Counts that outlive their instance] */
    sumWith(source: typeof others) {
      others = source;
    },
    /** The numbers that people ask for first. */
    report: async (signal?: AbortSignal): Promise<MetricsReport> => reportOf(await told(signal)),
    /** Text exposition in the format that `accept` prefers, with gauges of the asking tenant. */
    text: async (accept: string | undefined, ofTenant: readonly TenantGauge[], signal?: AbortSignal) =>
      exposition(await told(signal), accept, ofTenant),
  };
}
