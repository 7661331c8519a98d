import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { type MetricsReport, reportOf } from './metrics-report.ts';
import { exposition, type TenantGauge } from './metrics-text.ts';
import { type Counts, summed } from './summed-metrics.ts';

/**
 * Metrics of a process. The values of labels come only from lists in the code, such as function names, methods and error codes: never
 * from an id, a tenant or a value that a caller can choose.
 */
export type Metrics = ReturnType<typeof createMetrics>;

const quick = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5];
const request = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const long = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600];
const bytes = [256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216, 67_108_864];

/** Each call creates its own registry, so several servers can run in one process. */
export function createMetrics() {
  const registry = new Registry();
  // In milliseconds. The default of 10 ms wakes an idle process 100 times a second and costs 1 % of a core.
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
    requests: counter('http_requests_total', 'HTTP requests with a response.', ['function', 'method', 'status']),
    requestSeconds: histogram(
      'http_request_duration_seconds',
      'From the first byte of the request to the finished response.',
      request,
      ['function'],
    ),
    requestBytes: histogram('http_request_size_bytes', 'Declared sizes of request bodies.', bytes, ['function']),
    responseBytes: histogram('http_response_size_bytes', 'Sizes of response bodies.', bytes, ['function']),
    inFlight: gauge('requests_in_flight', 'Requests in progress.', ['function']),
    requestErrors: counter('http_errors_total', 'Error responses, by error code.', ['function', 'code']),
    unrouted: counter('http_unrouted_requests_total', 'Requests for a path or method that no function has.', [
      'status',
    ]),
    clientsGone: counter('http_clients_gone_total', 'Requests whose client disconnected before the response.', [
      'function',
    ]),
    shed: counter('http_shed_requests_total', 'Requests rejected because of overload.', ['function']),
    authFailures: counter('auth_failures_total', "Requests rejected because of the caller's identity or permissions.", [
      'code',
    ]),
    rateLimited: counter('rate_limited_total', 'Requests rejected by a rate limit.', ['limit']),
    rateLimitFailures: counter('rate_limit_failures_total', 'Requests allowed because the rate limiter failed.', [
      'limit',
    ]),

    // Enrolment
    enrolments: counter(
      'enrolments_total',
      'Enrolments by outcome: enrolled, repeated (already enrolled), refused (invalid image or data), failed (failure of a store).',
      ['outcome', 'lane'],
    ),
    enrolmentSeconds: histogram('enrolment_duration_seconds', 'Durations of successful enrolments.', long, ['lane']),
    enrolmentRefusals: counter('enrolment_refusals_total', 'Failed and refused enrolments, by error code.', ['code']),
    facesFound: counter('faces_found_total', 'Faces found in enrolled photos.'),
    facesEnrolled: counter('faces_enrolled_total', 'New faces in the gallery.'),
    facesRejected: counter('faces_rejected_total', 'Faces that were not enrolled, by reason.', ['reason']),
    facesJoined: counter('faces_joined_total', 'Unnamed faces that were assigned to the person whom they match.'),
    jobsAccepted: counter('enrolment_jobs_accepted_total', 'Enrolments accepted as background jobs.', ['priority']),
    jobsFinished: counter('enrolment_jobs_finished_total', 'Enrolment jobs that ended.', ['priority', 'status']),
    jobRetries: counter('enrolment_job_retries_total', 'Attempts of enrolment jobs after the first attempt.', [
      'priority',
    ]),
    jobWaitSeconds: histogram(
      'enrolment_job_wait_seconds',
      'From the acceptance of a job to its first attempt.',
      long,
      ['priority'],
    ),
    jobSeconds: histogram(
      'enrolment_job_processing_seconds',
      'From the start of the last attempt to the end of the job.',
      long,
      ['priority'],
    ),
    jobsWaiting: gauge('enrolment_jobs_waiting', 'Enrolment jobs that have not ended.', ['priority']),

    // Recognition
    decisions: counter('decisions_total', 'Faces in the results of faces/recognize, by decision.', ['decision']),
    answers: counter('recognition_answers_total', 'Results of faces/recognize, by whether they came from the cache.', [
      'cached',
    ]),
    comparisons: counter('comparisons_total', 'Results of faces/compare, by decision.', ['decision']),
    searches: counter('searches_total', 'Probes of faces/search.', ['probe']),
    searchMatches: histogram('search_matches', 'Matches of one probe.', [0, 1, 2, 5, 10, 20, 50, 100, 500, 1000]),
    detected: counter('faces_detected_total', 'Faces that the extractor found, for any purpose.'),

    // The extractor
    extractorSeconds: histogram(
      'extractor_stage_duration_seconds',
      'decode: waiting and decoding; analyse: networks; render: images for people.',
      request,
      ['stage'],
    ),
    extractorWorking: gauge('extractor_images_in_work', 'Images that wait for the extractor or are processed by it.'),
    extractorShed: counter('extractor_shed_total', 'Images rejected because too many were waiting.'),
    extractorBytes: histogram(
      'extractor_image_size_bytes',
      'Sizes of the image files that the extractor received.',
      bytes,
    ),

    // Stores
    storeSeconds: histogram('store_operation_duration_seconds', 'Durations of port calls.', quick, ['port', 'method']),
    storeErrors: counter('store_errors_total', 'Failed port calls, by error code.', ['port', 'method', 'code']),
    storeInFlight: gauge('store_operations_in_flight', 'Port calls in progress.', ['port']),
    cacheLookups: counter('cache_lookups_total', 'Cache lookups.', ['result']),

    // Events
    eventsPublished: counter('events_published_total', 'Events published from the outbox.', ['type']),
    events: counter('events_total', 'Handled events, by response status.', ['function', 'type', 'status']),
    eventSeconds: histogram('event_duration_seconds', 'Durations of the attempts to handle an event.', long, [
      'function',
    ]),
    eventsRetried: counter('events_to_retry_total', 'Attempts that need another delivery.', ['function']),
    eventsPoisoned: counter('events_poisoned_total', 'Events that became a dead letter without a retry.', ['function']),
    eventLag: gauge('event_lag_events', 'Events that a consumer group has not finished.', ['topic', 'group']),
    eventLagSeconds: gauge('event_lag_seconds', 'Age of the oldest event that a consumer group has not finished.', [
      'topic',
      'group',
    ]),
    deadLetters: gauge('dead_letters', 'Number of dead letters.'),
    outboxPending: gauge('outbox_pending_events', 'Events in the outbox that are not published yet.'),

    // Webhooks
    webhookAttempts: counter(
      'webhook_attempts_total',
      'Webhook requests by outcome: delivered, refused (error status), failed (no response), gone (410).',
      ['outcome'],
    ),
    webhookSeconds: histogram('webhook_attempt_duration_seconds', 'Durations of webhook requests.', request, [
      'outcome',
    ]),
    webhooksPending: gauge('webhook_messages_pending', 'Webhook messages that are not delivered yet.'),
    webhooksOldestSeconds: gauge(
      'webhook_oldest_pending_seconds',
      'Age of the oldest webhook message that is not delivered yet.',
    ),
    webhooksGivenUp: counter(
      'webhook_messages_given_up_total',
      'Webhook messages whose last attempt failed or that waited too long.',
    ),
    breakers: gauge('circuit_breakers', 'Circuit breakers that are not closed, by kind.', ['guards', 'state']),
    breakersOpened: counter('circuit_breakers_opened_total', 'Number of times that a circuit breaker opened.', [
      'guards',
    ]),

    // In the background
    cronRuns: counter('cron_runs_total', 'Runs of a cron function.', ['function', 'outcome']),
    cronSeconds: histogram('cron_run_duration_seconds', 'Durations of successful runs of a cron function.', long, [
      'function',
    ]),
    cronSucceeded: gauge('cron_last_success_timestamp_seconds', 'Time of the last successful run of a cron function.', [
      'function',
    ]),
    cronDone: counter('cron_items_total', 'Items that cron functions removed, repaired or published.', [
      'function',
      'what',
    ]),
    erasures: counter('erasures_total', 'Erasures of persons and faces on request.', ['what']),
    erasedFaces: counter('erased_faces_total', 'Faces deleted by these erasures.'),
    erasedImages: counter('erased_images_total', 'Images deleted by these erasures.'),
  };
  let countsOfOthers: (signal: AbortSignal | undefined) => Promise<Counts> = async () => new Map();
  /** The metrics of all processes; if their counts are not available, of this process only. */
  const total = async (signal: AbortSignal | undefined): Promise<Registry> => {
    const counts: Counts = await countsOfOthers(signal).catch(() => new Map());
    return counts.size === 0 ? registry : summed(registry, counts);
  };
  return {
    ...metrics,
    /** From now on, adds the counts of other processes to every report. See: [Note: Shared counters] */
    sumWith(source: typeof countsOfOthers) {
      countsOfOthers = source;
    },
    /** The most important numbers. */
    report: async (signal?: AbortSignal): Promise<MetricsReport> => reportOf(await total(signal)),
    /** Text exposition in the format that the `Accept` header prefers, with gauges of the caller's tenant. */
    text: async (accept: string | undefined, ofTenant: readonly TenantGauge[], signal?: AbortSignal) =>
      exposition(await total(signal), accept, ofTenant),
  };
}
