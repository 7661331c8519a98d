import { describe, expect, it } from 'vitest';
import { enrolPortrait, recognizePortrait } from '../../shared/testing/gallery.ts';
import { startPlatform, type TestPlatform } from '../../shared/testing/platform.ts';
import { drawPortrait, drawScene } from '../../shared/testing/portraits/index.ts';
import createPerson from '../create-person/index.ts';
import { functions } from '../registry.gen.ts';
import getPrometheusMetrics from './index.ts';

const scraped = [getPrometheusMetrics, createPerson];

interface Family {
  readonly type: string;
  readonly help: string;
  readonly samples: { readonly name: string; readonly labels: string; readonly value: number }[];
}

/** Reads the Prometheus text format strictly: an invalid line fails the test. */
function parse(text: string): Map<string, Family> {
  const families = new Map<string, Family>();
  let current: string | undefined;
  let help = '';
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const head = /^# (HELP|TYPE) ([a-z][a-z0-9_]*) (.+)$/.exec(line);
    if (head?.[1] === 'HELP') help = head[3]!;
    else if (head?.[1] === 'TYPE') {
      expect(families.has(head[2]!), `${head[2]} twice`).toBe(false);
      families.set(head[2]!, { type: head[3]!, help, samples: [] });
      current = head[2]!;
    } else {
      const sample = /^([a-z][a-z0-9_]*)(\{(?:[a-z_]+="(?:[^"\\\n]|\\.)*",?)*\})? (-?[0-9.e+-]+|\+Inf|Nan)$/i.exec(
        line,
      );
      expect(sample, `not a sample: ${line}`).not.toBeNull();
      const family = families.get(current!)!;
      const suffix = sample![1]!.slice(current!.length);
      expect(sample![1]!.startsWith(current!), line).toBe(true);
      expect(family.type === 'histogram' ? ['_bucket', '_sum', '_count'] : [''], line).toContain(suffix);
      family.samples.push({ name: sample![1]!, labels: sample![2] ?? '', value: Number(sample![3]) });
    }
  }
  return families;
}

/** The sum of a counter or gauge; the number of observations of a histogram. */
const total = (families: Map<string, Family>, name: string, labels = ''): number => {
  const { type, samples } = families.get(`freeface_${name}`)!;
  return samples
    .filter((sample) => sample.labels.includes(labels) && (type !== 'histogram' || sample.name.endsWith('_count')))
    .reduce((sum, { value }) => sum + value, 0);
};

/** Calls many functions once, so that their metrics are counted. */
async function use(platform: TestPlatform): Promise<void> {
  const { call } = platform;
  await enrolPortrait(platform, { person: 'amaro' });
  await enrolPortrait(platform, { person: 'amaro' });
  const boris = await enrolPortrait(platform, { person: 'boris' });
  await call('POST', '/api/v1/faces/enroll', { form: { image: await drawScene(), person_id: 'nobody' } });
  const tiny = await drawPortrait({ person: 'amaro', size: 48 });
  const strict = { 'processing_options.quality_threshold': '0.95' };
  await call('POST', '/api/v1/faces/enroll', { form: { image: tiny, ...strict } });
  await recognizePortrait(platform, { person: 'amaro', scene: 'probe' });
  await recognizePortrait(platform, { person: 'amaro', scene: 'probe' });
  await recognizePortrait(platform, { person: 'kira', scene: 'stranger' });
  await call('POST', '/api/v1/faces/search', { json: { face_id: boris.face_id } });
  await call('POST', '/api/v1/faces/compare', {
    form: { image: await drawPortrait({ person: 'boris', scene: 'probe' }), face_id: boris.face_id },
  });
  await call('GET', `/api/v1/images/${boris.image_id}?variant=face`);
  await call('POST', '/api/v1/faces/enroll_async', {
    form: { image: await drawPortrait({ person: 'kira' }), priority: 'high' },
  });
  await call('POST', '/api/v1/faces/enroll_async', { form: { image: await drawScene({ scene: 'empty' }) } });
  let events = await platform.events(1);
  const ends = () => events.filter(({ type }) => type.startsWith('freeface.enrollment')).length;
  while (ends() < 2) events = await platform.events(events.length + 1);
  await call('DELETE', `/api/v1/persons/${boris.person_id}`);
  await call('GET', '/api/v1/persons', { as: null });
  await call('GET', '/nowhere');
}

const scrape = async ({ call }: TestPlatform, path: string, accept = '*/*') => {
  const answer = await call('GET', path, { headers: { accept } });
  return { ...answer, text: Buffer.from(answer.bytes).toString() };
};

describe('metrics/prometheus', () => {
  it('When the platform was used, then every line is valid, names follow the rules, and all metrics have counts', async () => {
    const platform = await startPlatform(functions);
    await use(platform);

    const { status, headers, text } = await scrape(platform, '/api/v1/metrics/prometheus');

    expect([status, headers.get('content-type')]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8']);
    const families = parse(text);
    const own = [...families].filter(([name]) => name.startsWith('freeface_'));
    expect(own.length).toBeGreaterThan(40);
    for (const [name, { type, help }] of own) {
      expect(help.length, name).toBeGreaterThan(10);
      expect(['counter', 'gauge', 'histogram'], name).toContain(type);
      expect(type === 'counter', `${name}: only counters end with _total, and all of them do`).toBe(
        name.endsWith('_total'),
      );
      if (/duration|wait|lag_s|timestamp|processing/.test(name) && type !== 'counter' && !/jobs_waiting/.test(name))
        expect(name, 'times are in seconds').toMatch(/_seconds$/);
      if (/size|_bytes/.test(name)) expect(name, 'sizes are in bytes').toMatch(/_bytes$/);
    }
    for (const { samples } of families.values())
      for (const { labels } of samples) expect(labels).not.toMatch(/amaro|default|[0-9a-f]{8}-/);

    const counted = {
      http_requests_total: '',
      http_request_duration_seconds: 'function="enroll-face"',
      http_request_size_bytes: 'function="enroll-face"',
      http_response_size_bytes: 'function="enroll-face"',
      http_errors_total: 'code="NO_FACE"',
      http_unrouted_requests_total: 'status="404"',
      auth_failures_total: 'code="UNAUTHENTICATED"',
      enrolments_total: 'outcome="enrolled",lane="direct"',
      enrolment_duration_seconds: 'lane="high"',
      enrolment_refusals_total: 'code="FACE_REJECTED"',
      faces_found_total: '',
      faces_enrolled_total: '',
      enrolment_jobs_accepted_total: 'priority="normal"',
      enrolment_jobs_finished_total: 'priority="high",status="completed"',
      enrolment_job_wait_seconds: 'priority="high"',
      enrolment_job_processing_seconds: 'priority="normal"',
      decisions_total: 'decision="unknown"',
      recognition_answers_total: 'cached="true"',
      comparisons_total: 'decision="match"',
      searches_total: 'probe="face"',
      search_matches: '',
      faces_detected_total: '',
      extractor_stage_duration_seconds: 'stage="analyse"',
      extractor_image_size_bytes: '',
      store_operation_duration_seconds: 'port="vectors",method="search"',
      cache_lookups_total: 'result="hit"',
      events_published_total: 'type="freeface.face.enrolled.v1"',
      events_total: 'status="422"',
      event_duration_seconds: 'function="process-enrollment-high"',
      events_poisoned_total: 'function="process-enrollment-normal"',
      dead_letters: '',
      cron_runs_total: 'function="sweep-outbox",outcome="done"',
      cron_run_duration_seconds: '',
      cron_last_success_timestamp_seconds: '',
      cron_items_total: 'what="published"',
      erasures_total: 'what="person"',
      erased_faces_total: '',
      erased_images_total: '',
      requests_in_flight: 'function="get-prometheus-metrics"',
      gallery_persons: '',
      gallery_faces: '',
      gallery_unknown_faces: '',
      gallery_image_bytes: '',
      gallery_templates: '',
      gallery_template_limit: '',
      gallery_expected_miss_ratio: '',
    };
    const silent = Object.entries(counted).filter(([name, labels]) => !(total(families, name, labels) > 0));
    expect(silent).toEqual([]);
    expect(total(families, 'enrolments_total', 'outcome="repeated"')).toBe(1);
    expect(total(families, 'enrolment_jobs_finished_total', 'status="failed"')).toBe(1);
    expect(total(families, 'extractor_images_in_work')).toBe(0);
    expect(total(families, 'enrolment_jobs_waiting')).toBe(0);
    expect(total(families, 'gallery_unknown_faces')).toBe(1);
    expect(total(families, 'gallery_templates')).toBe(1);
    expect(total(families, 'gallery_template_limit')).toBe(167);
  });

  it('When OpenMetrics is preferred, then the response is OpenMetrics; the path without the prefix needs a key too', async () => {
    const platform = await startPlatform(scraped);

    const open = await scrape(
      platform,
      '/metrics',
      'application/openmetrics-text;version=1.0.0;q=0.9,text/plain;q=0.5',
    );
    const plain = await scrape(platform, '/metrics', 'text/plain, application/openmetrics-text;q=0.5');
    const nobody = await platform.call('GET', '/metrics', { as: null });

    expect(open.headers.get('content-type')).toContain('application/openmetrics-text; version=1.0.0');
    expect(open.text.endsWith('# EOF\n')).toBe(true);
    expect(open.text.match(/# EOF/g)).toHaveLength(1);
    expect(plain.headers.get('content-type')).toContain('text/plain; version=0.0.4');
    expect(nobody.status).toBe(401);
  });

  it('When a store fails, then the failure is counted by port, method and code', async () => {
    const platform = await startPlatform(scraped);
    await platform.call('POST', '/api/v1/persons', { json: { person_id: 'twice' } });
    await platform.call('POST', '/api/v1/persons', { json: { person_id: 'twice' } });

    const families = parse((await scrape(platform, '/metrics')).text);

    expect(total(families, 'store_errors_total', 'port="records",method="createPerson",code="PERSON_EXISTS"')).toBe(1);
    expect(total(families, 'store_operations_in_flight', 'port="records"')).toBe(0);
  });
});
