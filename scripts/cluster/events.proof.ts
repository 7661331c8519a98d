import { randomInt, randomUUID } from 'node:crypto';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { Kafka, logLevel } from 'kafkajs';
import { expect, it } from 'vitest';
import { drawPortrait } from '../../shared/testing/portraits/index.ts';
import { call, eventHeaders } from './client.ts';
import { allPodsOf, kubectl, podsOf, saw, until } from './kubernetes.ts';

it('When a photo is put into the bucket, then its face can be found', async () => {
  const portrait = randomInt(1e9);
  const person = `dropped-${randomUUID().slice(0, 8)}`;
  const s3 = new S3Client({
    endpoint: process.env.S3_ENDPOINT!,
    region: process.env.S3_REGION ?? 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: process.env.S3_ACCESS_KEY_ID!, secretAccessKey: process.env.S3_SECRET_ACCESS_KEY! },
  });
  const began = Date.now();
  await s3.send(
    new PutObjectCommand({
      Bucket: 'uploads',
      Key: `uploads/default/${person}/först photo.jpg`,
      Body: await drawPortrait({ person: portrait }),
      ContentType: 'image/jpeg',
    }),
  );
  const probe = await drawPortrait({ person: portrait, scene: 'another' });
  const match = await until('the face is found', async () => {
    const { json } = await call('POST', '/api/v1/faces/search', { form: { image: probe } });
    return json.data.faces[0]?.matches.find(({ external_id }: { external_id: string }) => external_id === person);
  });

  saw(
    `bucket → Kafka → KafkaSource → function → found in ${((Date.now() - began) / 1000).toFixed(1)} s: ${JSON.stringify(match)}`,
  );
  expect(match).toMatchObject({ external_id: person });
  s3.destroy();
});

it('When an event can never be processed, then it becomes a dead letter', async () => {
  const id = randomUUID();
  // A dead letter has the trace id of its request, but not the content.
  const trace = id.replaceAll('-', '');
  const kafka = new Kafka({ brokers: process.env.KAFKA_BROKERS!.split(','), logLevel: logLevel.NOTHING });
  const producer = kafka.producer();
  await producer.connect();
  const { 'content-type': contentType, ...attributes } = eventHeaders('freeface.enrollment.requested.v1', id, {
    'ce-tenant': 'default',
    'ce-traceparent': `00-${trace}-00f067aa0ba902b7-01`,
  });
  const headers = Object.fromEntries(
    Object.entries(attributes).map(([name, value]) => [name.replace('ce-', 'ce_'), value]),
  );
  await producer.send({
    topic: 'freeface.enrollments.normal',
    messages: [{ key: id, value: '{"poison":true}', headers: { ...headers, 'content-type': contentType } }],
  });
  await producer.disconnect();
  const letter = await until('the letter is listed', async () => {
    const { json } = await call('GET', '/api/v1/events/dead_letters?limit=100');
    return json.data.dead_letters.find(({ trace_id }: { trace_id: string }) => trace_id === trace);
  });

  saw(`poison → 422 → KafkaSink → record-dead-letter: ${JSON.stringify(letter)}`);
  expect(letter).toBeDefined();
});

it('When an instance is killed while it processes events, then no event is lost and none is processed twice', async () => {
  const run = randomUUID().slice(0, 8);
  const jobs: string[] = [];
  const accept = async () => {
    const one = async (i: number) => {
      const image = Buffer.from(await drawPortrait({ person: randomInt(1e9) })).toString('base64');
      const json = { external_id: `killed-${run}-${i}`, image_data: image };
      return (await call('POST', '/api/v1/faces/enroll_async', { json })).json.data.job_id as string;
    };
    jobs.push(...(await Promise.all(Array.from({ length: 12 }, (_, i) => one(jobs.length + i)))));
  };
  await accept();
  const lane = 'process-enrollment-normal';
  let killed = 0;
  const statuses = async () =>
    Promise.all(
      jobs.map(async (job) => (await call('GET', `/api/v1/faces/enroll/status/${job}`)).json.data.status as string),
    );
  await until(
    'an instance is killed while it works, twice',
    async () => {
      const done = (await statuses()).filter((status) => status === 'completed').length;
      const [pod] = (await podsOf(lane)).filter(({ status }) => status.phase === 'Running');
      if (pod === undefined || done === jobs.length) {
        // All jobs were completed before the kill, so start more.
        if (killed === 0 && done === jobs.length) await accept();
        return killed > 0;
      }
      await kubectl('delete', 'pod', pod.metadata.name, '--grace-period=0', '--force');
      killed++;
      return killed === 2;
    },
    180,
  );
  await until('every job is completed', async () => (await statuses()).every((status) => status === 'completed'), 300);
  const persons = await Promise.all(
    jobs.map(async (_, i) => (await call('GET', `/api/v1/persons/by_external_id/killed-${run}-${i}`)).json.data),
  );

  const counts = persons.map(({ face_count }) => face_count);
  saw(
    `${killed} kills of ${lane}, ${jobs.length} events processed, faces of each person: ${counts.join(' ')}; instances now ${(await allPodsOf(lane)).length}`,
  );
  expect(killed).toBeGreaterThan(0);
  expect(counts).toEqual(jobs.map(() => 1));
});
