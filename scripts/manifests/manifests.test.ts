import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { functions } from '../../functions/registry.gen.ts';
import { readConfig } from '../../shared/config.ts';
import { describeShared } from '../../shared/testing/shared-files.ts';
import { extractionLimits } from '../../shared/vision/extraction-limits.ts';
import { throughIngress } from '../cluster/ingress.ts';
import { manifestFiles } from '../generate/knative/files.ts';
import { checkObject, checkText, describe as inWords, type KubernetesObject, type Problem } from './check.ts';
import { costTable } from './cost.ts';
import { checkOurs } from './ours.ts';
import { publishedProblem } from './published.ts';
import { checkTogether } from './together.ts';

const handWritten = [
  'knative/base/gateway.yaml',
  'knative/base/namespace.yaml',
  'eventing/dead-letters.yaml',
  'eventing/topics/topics.yaml',
];

/** All objects that are applied to a cluster, generated now. */
function ours(): KubernetesObject[] {
  const generated = [
    ...manifestFiles(
      functions.map(({ manifest }) => manifest),
      '0.0.0',
    ).values(),
  ];
  return [...generated, ...handWritten.map((file) => readFileSync(file, 'utf8'))].flatMap((text) => {
    const { objects, problems } = checkText(text);
    expect(problems.map(inWords)).toEqual([]);
    return objects;
  });
}

const together = (objects: readonly KubernetesObject[]): Problem[] => [
  ...checkTogether(objects),
  ...checkOurs(objects),
];

/** Returns the problems when `broken` replaces `object`. */
function problemsWith(broken: KubernetesObject, object: KubernetesObject, all: readonly KubernetesObject[]): Problem[] {
  const own = checkObject(broken);
  return own.length > 0 ? own : together(all.map((each) => (each === object ? broken : each)));
}

describeShared('Manifests of other projects', 'manifests', (folder) => {
  const files = (kind: string) => readdirSync(join(folder, kind)).map((file) => join(folder, kind, file));

  it.each(files('good'))('When %s is right, then it is accepted', (file) => {
    const { problems } = checkText(readFileSync(file, 'utf8'));

    expect(problems.map(inWords)).toEqual([]);
  });

  it.each(files('bad'))('When %s is wrong, then it is refused and the message names a field', (file) => {
    const { problems } = checkText(readFileSync(file, 'utf8'));

    expect(problems.length).toBeGreaterThan(0);
    for (const { field } of problems) expect(field).toMatch(/^(spec|metadata)\b/);
  });
});

describe('Our manifests', () => {
  let all: KubernetesObject[];
  beforeAll(() => {
    all = ours();
  });

  it('When they are generated, then they pass every rule', () => {
    expect(together(all).map(inWords)).toEqual([]);
  });

  it('When they are checked with the published schemas, then these find no problem', () => {
    const results = all.map((object) => ({ kind: object.kind, problem: publishedProblem(object) }));

    expect(results.filter(({ problem }) => problem)).toEqual([]);
    const checked = new Set(results.filter(({ problem }) => problem !== null).map(({ kind }) => kind));
    expect([...checked].sort()).toEqual(['Gateway', 'HTTPRoute', 'PingSource', 'ReferenceGrant', 'Service']);
  });

  it('When any key of any kind is mistyped, then the object is refused', () => {
    const unnoticed = oneOfEach(all).flatMap((object) =>
      keysOf(object).flatMap((path) => {
        const broken = structuredClone(object);
        mistype(broken, path);
        return problemsWith(broken, object, all).length > 0 ? [] : [`${object.kind}: ${path.join('.')}`];
      }),
    );

    expect(unnoticed).toEqual([]);
  });

  it('When any field of any kind is removed, then the object is refused, except for optional fields', () => {
    const unnoticed = new Set(
      oneOfEach(all).flatMap((object) =>
        keysOf(object).flatMap((path) => {
          const broken = structuredClone(object);
          remove(broken, path);
          return problemsWith(broken, object, all).length > 0
            ? []
            : [
                `${object.kind} ${path
                  .map(String)
                  .filter((part) => !/^\d+$/.test(part))
                  .join('.')}`,
              ];
        }),
      ),
    );

    expect([...unnoticed].filter((line) => !mayBeAbsent.some((pattern) => pattern.test(line)))).toEqual([]);
  });

  it.each([
    ['KafkaSource', 'spec.delivery.timeout', (o: Json) => (o.spec.delivery.timeout = 'PT9M59S')],
    ['KafkaSource', 'spec.sink', (o: Json) => (o.spec.sink.ref.name = 'unknown')],
    ['KafkaSource', 'spec.delivery.deadLetterSink', (o: Json) => (o.spec.delivery.deadLetterSink.ref.name = 'unknown')],
    [
      'KafkaSource',
      'metadata.annotations.freeface/consumes',
      (o: Json) => (o.metadata.annotations['freeface/consumes'] = 'x.v1'),
    ],
    ['KafkaSource', 'spec.topics', (o: Json) => (o.spec.topics = ['freeface.evnets'])],
    ['KafkaSource', 'spec.consumers', (o: Json) => (o.spec.consumers = 1000)],
    ['KafkaSource', 'spec.delivery.format', (o: Json) => (o.spec.delivery.format = 'json')],
    ['KafkaSource', 'spec.delivery.retry', (o: Json) => (o.spec.delivery.retry = 2 ** 31)],
    ['KafkaSink', 'spec.numPartitions', (o: Json) => (o.spec.numPartitions = 2 ** 31)],
    ['KafkaSink', 'spec.replicationFactor', (o: Json) => (o.spec.replicationFactor = 2 ** 15)],
    ['KafkaSource', 'spec.delivery.backoffDelay', (o: Json) => (o.spec.delivery.backoffDelay = '500ms')],
    ['KafkaSource', 'spec.ordering', (o: Json) => (o.spec.ordering = 'Ordered')],
    ['PingSource', 'spec.schedule', (o: Json) => (o.spec.schedule = '60 * * * *')],
    [
      'HTTPRoute',
      'spec.rules[0].filters',
      (o: Json) => (o.spec.rules[0].filters[0].urlRewrite.hostname = 'freeface.svc'),
    ],
    [
      'HTTPRoute',
      'spec.rules[0].filters',
      (o: Json) => (o.spec.rules[0].filters[0].urlRewrite.hostname = 'a.freeface.svc.cluster.local'),
    ],
    ['HTTPRoute', 'spec.rules[0].backendRefs', (o: Json) => (o.spec.rules[0].backendRefs[0].name = 'unknown')],
    [
      'HTTPRoute',
      'spec.rules[0].backendRefs',
      (o: Json) => (o.spec.rules[0].backendRefs = [{ name: 'create-api-key', port: 80 }]),
    ],
    ['HTTPRoute', 'spec.rules[0].backendRefs', (o: Json) => o.spec.rules[0].backendRefs.push({ name: 'b', port: 80 })],
    [
      'Service',
      'spec.template.spec.serviceAccountName',
      (o: Json) => (o.spec.template.spec.serviceAccountName = 'default'),
    ],
    [
      'Service',
      'spec.template.spec.tolerations[0].efect',
      (o: Json) => (o.spec.template.spec.tolerations = [{ key: 'a', operator: 'Exists', efect: 'NoSchedule' }]),
    ],
    [
      'Service',
      'spec.template.spec.affinity.nodeAffinty',
      (o: Json) => (o.spec.template.spec.affinity = { nodeAffinty: {} }),
    ],
    [
      'Service',
      'spec.template.spec.securityContext.runAsRoot',
      (o: Json) => (o.spec.template.spec.securityContext = { runAsRoot: false }),
    ],
    ['Service', 'spec.template.metadata.labls', (o: Json) => (o.spec.template.metadata.labls = {})],
  ])('When a %s has a wrong %s, then the message names this field', (kind, field, breakIt) => {
    const object = all.find(
      (each) => each.kind === kind && (kind !== 'Service' || each.apiVersion.startsWith('serving')),
    )!;
    const broken = structuredClone(object);
    breakIt(broken as unknown as Json);

    const problems = problemsWith(broken, object, all);

    expect(problems.map((problem) => problem.field)).toContain(field);
  });

  it('When Knative would queue requests to the extractor, or the extractor has more or fewer threads than processors, then it is refused', () => {
    const extractor = all.find(({ kind, metadata }) => kind === 'Service' && metadata.name === 'extract-faces')!;
    const problemsOf = (change: (spec: Json) => void) => {
      const broken = structuredClone(extractor) as unknown as Json;
      change(broken.spec.template.spec);
      return problemsWith(broken, extractor, all).map(({ message }) => message);
    };
    const { containerConcurrency } = (extractor as unknown as Json).spec.template.spec;
    const { working, waiting } = extractionLimits(1);

    expect(containerConcurrency).toBeGreaterThan(working + waiting);
    expect(problemsOf((spec) => (spec.containerConcurrency = working + waiting))).toEqual([
      'must be above the 66 requests that the function accepts; otherwise Knative sheds with 503',
    ]);
    expect(problemsOf((spec) => (spec.containerConcurrency = working + waiting + 1))).toEqual([]);
    expect(problemsOf((spec) => (spec.containers[0].resources.requests.cpu = '3500m'))).toEqual([
      'FREEFACE_THREADS must be 3, the number of requested processors',
    ]);
    expect(problemsOf((spec) => (spec.containers[0].resources.requests.cpu = '250m'))).toEqual([]);
    const threads = (spec: Json) => spec.containers[0].env.find(({ name }: Json) => name === 'FREEFACE_THREADS');
    expect(
      problemsOf((spec) => {
        spec.containers[0].resources.requests.cpu = '2';
        threads(spec).value = '2';
      }),
    ).toEqual(['must be above the 132 requests that the function accepts; otherwise Knative sheds with 503']);
    expect(problemsOf((spec) => delete threads(spec).name)).not.toEqual([]);
    expect(
      problemsOf((spec) => {
        spec.containers[0].resources.requests.cpu = '2';
        threads(spec).value = '2';
        spec.containers[0].env.push({ name: 'FREEFACE_EXECUTION_PROVIDER', value: 'webgpu' });
      }),
    ).toEqual(['FREEFACE_THREADS 2 is more than webgpu can run']);
  });

  it('When a service runs, then it gets the addresses and keys of its own stores only', () => {
    const namesOf = (name: string) => {
      const service = all.find((each) => each.kind === 'Service' && each.metadata.name === name) as unknown as Json;
      return service.spec.template.spec.containers[0].env
        .filter((each: Json) => each.valueFrom && each.name !== 'FREEFACE_TRUSTED_PROXIES')
        .map((each: Json) => each.name);
    };

    const secretsOf = (name: string) => {
      const service = all.find((each) => each.kind === 'Service' && each.metadata.name === name) as unknown as Json;
      return service.spec.template.spec.containers[0].envFrom.flatMap((each: Json) => each.secretRef?.name ?? []);
    };

    expect(namesOf('api-docs')).toEqual([]);
    // A function that receives events adds its metrics to the shared counts in DragonflyDB.
    expect(namesOf('extract-faces')).toEqual(['DRAGONFLY_URL']);
    expect(namesOf('get-person')).toEqual(['SCYLLA_CONTACT_POINTS', 'SCYLLA_LOCAL_DATACENTER', 'DRAGONFLY_URL']);
    expect(secretsOf('api-docs')).toEqual([]);
    expect(secretsOf('get-person')).toEqual(['freeface-scylla', 'freeface-dragonfly']);
    expect(namesOf('sweep-outbox')).toEqual([
      'SCYLLA_CONTACT_POINTS',
      'SCYLLA_LOCAL_DATACENTER',
      'KAFKA_BROKERS',
      'DRAGONFLY_URL',
    ]);
  });
});

/** The program that builds the overlays; undefined if neither is installed. */
const builder = ['kubectl', 'kustomize'].find((program) => {
  try {
    execFileSync(program, program === 'kubectl' ? ['version', '--client'] : ['version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
});
const test = builder === undefined && process.env.FREEFACE_REQUIRE_KUSTOMIZE !== '1' ? it.skip : it;
const here = builder ? '' : ' (skipped: needs kubectl or kustomize)';

/** Builds a folder with kustomize and returns its objects. Each of them is right alone. */
function build(folder: string): KubernetesObject[] {
  const text = execFileSync(builder ?? 'kubectl', builder === 'kustomize' ? ['build', folder] : ['kustomize', folder], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  const { objects, problems } = checkText(text);
  expect(problems.map(inWords)).toEqual([]);
  return objects;
}

describe.each(['local', 'cpu', 'gpu', 'production'])('The overlay %s', (overlay) => {
  test(`When it is built${here}, then all objects are right`, () => {
    const objects = build(`knative/overlays/${overlay}`);

    expect(together(objects).map(inWords)).toEqual([]);
    const extractor = objects.find(
      ({ metadata, kind }) => kind === 'Service' && metadata.name === 'extract-faces',
    ) as unknown as Json;
    const { tolerations, nodeSelector, runtimeClassName, containers } = extractor.spec.template.spec;
    const isGpu = overlay === 'gpu';
    expect({ nodeSelector, runtimeClassName }).toEqual(
      isGpu
        ? { nodeSelector: { pool: 'gpu' }, runtimeClassName: 'nvidia' }
        : { nodeSelector: undefined, runtimeClassName: undefined },
    );
    expect(tolerations?.length).toBe(isGpu ? 1 : undefined);
    expect(containers[0].resources.limits['nvidia.com/gpu']).toBe(isGpu ? '1' : undefined);
    const given = containers[0].env.filter(({ value }: Json) => value !== undefined);
    const settings = Object.fromEntries(given.map(({ name, value }: Json) => [name, value]));
    const { executionProvider } = readConfig({ ...settings, FREEFACE_MODE: 'embedded' });
    expect(executionProvider).toBe(isGpu ? 'webgpu' : 'cpu');
    // No number, so that the copies which the migration made stay; in production three, so that one broker may fail.
    const copies = objects
      .filter(({ kind }) => kind === 'KafkaTopic')
      .map((each) => (each as unknown as Json).spec.replicas);
    expect(new Set(copies)).toEqual(new Set(overlay === 'local' ? [] : [overlay === 'production' ? 3 : undefined]));
    const others = objects.filter(({ kind, metadata }) => kind === 'Service' && metadata.name !== 'extract-faces');
    expect(others.filter((each) => (each as unknown as Json).spec.template.spec.tolerations !== undefined)).toEqual([]);
  });

  test(`When its grant is patched to an ingress other than Kourier's${here}, then every route leads there`, () => {
    mkdirSync('.build', { recursive: true });
    const copy = mkdtempSync(join('.build', 'ingress-'));
    for (const folder of ['knative', 'eventing']) cpSync(folder, join(copy, folder), { recursive: true });
    const folder = join(copy, 'knative', 'overlays', overlay);
    const file = join(folder, 'kustomization.yaml');
    const kustomization = parse(readFileSync(file, 'utf8')) as Json;
    const { patches } = throughIngress({ namespace: 'istio-system', name: 'knative-local-gateway' });
    writeFileSync(file, stringify({ ...kustomization, patches: [...(kustomization.patches ?? []), ...patches] }));
    try {
      expect(backendsOf(build(folder))).toEqual(new Set(['istio-system/knative-local-gateway:80']));
    } finally {
      rmSync(copy, { recursive: true });
    }
  });
});

test(`When the cost table is computed from the overlays${here}, then the README contains the same table`, () => {
  const overlays = new Map(
    ['local', 'cpu', 'gpu', 'production'].map((overlay) => [overlay, build(`knative/overlays/${overlay}`)]),
  );

  expect(readFileSync('knative/README.md', 'utf8')).toContain(costTable(overlays));
});

describe('The jobs', () => {
  const folders = ['knative/jobs/migrate', 'knative/jobs/admin-key'];

  test(`When the foundation of an overlay is applied alone${here}, then everything that the jobs refer to exists`, () => {
    const foundation = build('knative/overlays/cpu').filter(
      ({ metadata }) => metadata.labels?.['app.kubernetes.io/component'] === 'foundation',
    );
    const jobs = folders.flatMap(build);

    expect(new Set(foundation.map(({ kind }) => kind))).toEqual(new Set(['Namespace', 'ConfigMap', 'NetworkPolicy']));
    const all = [...foundation, ...jobs] as unknown as Json[];
    const names = (kind: string) => all.filter((each) => each.kind === kind).map(({ metadata }) => metadata.name);
    expect(names('NetworkPolicy')).toEqual(expect.arrayContaining(['default-deny', 'names']));
    const [{ data }] = all.filter(({ kind }) => kind === 'ConfigMap');
    for (const { kind, spec } of jobs as unknown as Json[]) {
      if (kind !== 'Job') continue;
      const { labels } = spec.template.metadata;
      for (const label of Object.keys(labels).filter((name) => name.startsWith('freeface/reaches-')))
        expect(names('NetworkPolicy')).toContain(label.replace('freeface/reaches-', 'to-'));
      for (const { valueFrom } of spec.template.spec.containers[0].env)
        if (valueFrom?.configMapKeyRef) expect(Object.keys(data)).toContain(valueFrom.configMapKeyRef.key);
    }
  });

  it('When a job runs, then it reaches only its own stores, and only the job that stores the key may call Kubernetes', () => {
    const jobs = ours().filter(({ kind }) => kind === 'Job') as unknown as Json[];

    const given = jobs.map(({ metadata, spec }) => [
      metadata.name,
      spec.template.spec.automountServiceAccountToken,
      Object.keys(spec.template.metadata.labels).flatMap((label) => label.split('reaches-')[1] ?? []),
    ]);
    expect(given).toEqual([
      ['migrate', false, ['scylla', 'milvus', 's3', 'kafka']],
      ['admin-key', true, ['scylla', 'kubernetes']],
    ]);
  });

  it('When the role allows more than to patch its one Secret, then it is refused', () => {
    const all = ours();
    const role = all.find(({ kind }) => kind === 'Role')!;
    const problemsOf = (change: (rule: Json) => void) => {
      const broken = structuredClone(role) as unknown as Json;
      change(broken.rules[0]);
      return problemsWith(broken, role, all).map(({ field }) => field);
    };

    expect(problemsOf((rule) => delete rule.resourceNames)).toEqual(['rules.0.resourceNames.0']);
    expect(problemsOf((rule) => rule.verbs.push('create'))).toEqual(['rules[0].resourceNames']);
  });
});

/** Builds a user's overlay on top of one of ours. */
function onTop(overlay: string, more: object): KubernetesObject[] {
  mkdirSync('.build', { recursive: true });
  const folder = mkdtempSync(join('.build', 'overlay-'));
  const kustomization = {
    apiVersion: 'kustomize.config.k8s.io/v1beta1',
    kind: 'Kustomization',
    resources: [`../../knative/overlays/${overlay}`],
    ...more,
  };
  writeFileSync(join(folder, 'kustomization.yaml'), stringify(kustomization));
  try {
    return build(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Backends of all routes, as `namespace/name:port`. */
const backendsOf = (objects: readonly KubernetesObject[]): Set<string> =>
  new Set(
    objects
      .filter(({ kind }) => kind === 'HTTPRoute')
      .flatMap(({ spec }) => (spec as Json).rules)
      .flatMap(({ backendRefs }) => backendRefs)
      .map(({ namespace, name, port }: Json) => `${namespace}/${name}:${port}`),
  );

describe("Knative's ingress", () => {
  test(`When an overlay on top names another ingress${here}, then every route leads there, and the grant allows it`, () => {
    const objects = onTop('local', throughIngress({ namespace: 'istio-system', name: 'knative-local-gateway' }));

    expect(together(objects).map(inWords)).toEqual([]);
    expect(backendsOf(objects)).toEqual(new Set(['istio-system/knative-local-gateway:80']));
  });

  it('When no grant allows the routes to lead there, then they are refused', () => {
    const objects = ours().filter(({ kind }) => kind !== 'ReferenceGrant');

    expect(new Set(together(objects).map(({ message }) => message))).toEqual(
      new Set(['no ReferenceGrant in kourier-system allows routes to kourier-internal only']),
    );
  });

  it('When a function behind the gateway trusts no proxy, then it is refused', () => {
    const all = ours();
    const service = all.find(({ kind, metadata }) => kind === 'Service' && metadata.name === 'log-in')!;
    const broken = structuredClone(service) as unknown as Json;
    const [container] = broken.spec.template.spec.containers;
    container.env = container.env.filter(({ name }: Json) => name !== 'FREEFACE_TRUSTED_PROXIES');

    expect(problemsWith(broken, service, all).map(({ message }) => message)).toEqual([
      'FREEFACE_TRUSTED_PROXIES is missing: all callers would count as one',
    ]);
  });
});

describe('Outgoing connections', () => {
  test(`When stores.env has an address that no policy allows${here}, then it is refused`, () => {
    const objects = build('knative/overlays/local');
    const map = objects.find(({ kind }) => kind === 'ConfigMap')!;
    const refused = [
      { KAFKA_BROKERS: '10.99.0.1:9092,10.99.0.2:9092' },
      { DRAGONFLY_URL: 'redis://10.99.0.1:6380' },
      { S3_ENDPOINT: 'https://10.99.0.1' },
      { SCYLLA_CONTACT_POINTS: 'scylla-client.scylla' },
    ].map((data) => {
      const broken = { ...map, data: { ...(map as unknown as Json).data, ...data } };
      return problemsWith(broken, map, objects).map(({ message }) => message);
    });

    expect(refused).toEqual([
      ['the policy to-kafka allows no connection to 10.99.0.2 at port 9092'],
      ['the policy to-dragonfly allows no connection to 10.99.0.1 at port 6380'],
      ['the policy to-s3 allows no connection to 10.99.0.1 at port 443'],
      ['the policy to-scylla allows no connection to scylla-client.scylla at port 9042'],
    ]);
  });

  it('When a function sends webhooks, then it reaches the internet, and other functions do not', () => {
    const senders = functions
      .map(({ manifest }) => manifest.name)
      .filter((name) => modulesOf(`functions/${name}/index.ts`).has('shared/webhooks/send.ts'));
    const reaching = ours().filter(
      (each) => (each as unknown as Json).spec?.template?.metadata.labels['freeface/reaches-internet'],
    );

    expect(reaching.map(({ metadata }) => metadata.name)).toEqual(senders);
    expect(senders).toEqual(['deliver-webhook', 'ping-webhook']);
  });

  test(`When the component for an outside issuer is missing${here}, then no policy allows requests to it; with the component, one does`, () => {
    const policies = (objects: readonly KubernetesObject[]) =>
      objects.filter(({ kind }) => kind === 'NetworkPolicy').map(({ metadata }) => metadata.name);
    const objects = onTop('cpu', { components: ['../../knative/components/outside-issuer'] });

    expect(policies(build('knative/overlays/cpu'))).not.toContain('to-issuer');
    expect(policies(objects)).toContain('to-issuer');
    expect(together(objects).map(inWords)).toEqual([]);
  });
});

/** Returns a source file and all our modules that it imports, without type imports. */
function modulesOf(file: string, found = new Set<string>()): Set<string> {
  if (found.has(file)) return found;
  found.add(file);
  const text = readFileSync(file, 'utf8').replace(/^(import|export) type .*$/gm, '');
  for (const [, path] of text.matchAll(/(?:from|import\()\s*'(\.[^']+\.ts)'/g))
    modulesOf(join(dirname(file), path!), found);
  return found;
}

describe('A Kafka that requires a user', () => {
  const withComponents = (...names: string[]): KubernetesObject[] =>
    onTop('cpu', { components: names.map((name) => `../../knative/components/${name}`) });
  const of = (objects: readonly KubernetesObject[], kind: string) =>
    objects.filter((each) => each.kind === kind) as unknown as Json[];
  const key = (name: string) => ({ secretKeyRef: { name: 'freeface-kafka-eventing', key: name } });
  const sasl = { enable: true, type: key('sasl.mechanism'), user: key('user'), password: key('password') };

  test(`When the connection has no TLS${here}, then every source and sink uses the user of one Secret`, () => {
    const objects = withComponents('kafka-sasl');

    expect(together(objects).map(inWords)).toEqual([]);
    const sources = of(objects, 'KafkaSource');
    expect(sources.length).toBeGreaterThan(0);
    for (const { spec } of sources) expect(spec.net).toEqual({ sasl });
    for (const { spec } of of(objects, 'KafkaSink'))
      expect(spec.auth).toEqual({ secret: { ref: { name: 'freeface-kafka-eventing' } } });
  });

  test(`When the connection has TLS${here}, then sources trust its certificates, and its port may be reached`, () => {
    const objects = onTop('cpu', {
      components: ['kafka-sasl', 'kafka-tls'].map((name) => `../../knative/components/${name}`),
      configMapGenerator: [
        {
          name: 'freeface-stores',
          namespace: 'freeface',
          behavior: 'merge',
          literals: ['KAFKA_BROKERS=kafka-kafka-bootstrap.kafka:9093'],
        },
      ],
      generatorOptions: { disableNameSuffixHash: true },
    });

    expect(together(objects).map(inWords)).toEqual([]);
    for (const { spec } of of(objects, 'KafkaSource'))
      expect(spec.net).toEqual({ sasl, tls: { enable: true, caCert: key('ca.crt') } });
    const [policy] = of(objects, 'NetworkPolicy').filter(({ metadata }) => metadata.name === 'to-kafka');
    expect(policy.spec.egress[0].ports).toEqual([{ protocol: 'TCP', port: 9093 }]);
  });

  test(`When any of its fields is mistyped or missing${here}, then the object is refused`, () => {
    const objects = withComponents('kafka-sasl', 'kafka-tls');
    const unnoticed = [
      ['KafkaSource', 'net'],
      ['KafkaSink', 'auth'],
    ].flatMap(([kind, part]) => {
      const object = objects.find((each) => each.kind === kind)!;
      return keysOf((object.spec as Json)[part!], ['spec', part!]).flatMap((path) =>
        [mistype, remove].flatMap((breakIt) => {
          const broken = structuredClone(object);
          breakIt(broken, path);
          return problemsWith(broken, object, objects).length > 0 ? [] : [`${breakIt.name} ${path.join('.')}`];
        }),
      );
    });

    expect(unnoticed).toEqual([]);
  });

  test(`When there is TLS and no user${here}, then it is refused, because a source would require a certificate`, () => {
    const objects = withComponents('kafka-tls');

    expect(new Set(together(objects).map(({ field }) => field))).toContain('spec.net.sasl');
  });
});

// biome-ignore lint/suspicious/noExplicitAny: objects that are broken on purpose have no type
type Json = any;
type Path = readonly (string | number)[];

/** The longest object of each kind. */
function oneOfEach(objects: readonly KubernetesObject[]): KubernetesObject[] {
  const kinds = new Map<string, KubernetesObject>();
  for (const object of objects) {
    const key = `${object.apiVersion} ${object.kind}`;
    const before = kinds.get(key);
    if (before === undefined || JSON.stringify(object).length > JSON.stringify(before).length) kinds.set(key, object);
  }
  return [...kinds.values()];
}

/** Paths of all keys of a value, at any depth. */
function keysOf(value: unknown, path: Path = []): Path[] {
  if (Array.isArray(value)) return value.flatMap((item, i) => keysOf(item, [...path, i]));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [[...path, key], ...keysOf(inner, [...path, key])]);
}

function mistype(object: unknown, path: Path): void {
  const parent = path.slice(0, -1).reduce<Json>((inner, part) => inner[part], object);
  const key = String(path.at(-1));
  const value = parent[key];
  delete parent[key];
  parent[`${key}x`] = value;
}

function remove(object: unknown, path: Path): void {
  const parent = path.slice(0, -1).reduce<Json>((inner, part) => inner[part], object);
  delete parent[path.at(-1)!];
}

/** Fields whose default is right too, and fields that only other tools read. */
const mayBeAbsent: readonly RegExp[] = [
  / metadata\.labels(\.app\.kubernetes\.io\/(name|part-of))?$/,
  / spec\.template\.metadata\.labels\.app\.kubernetes\.io\/part-of$/,
  /^Service metadata\.annotations(\.freeface\/(emits|consumes))?$/,
  /^Service spec\.template\.spec\.containers\.(name|(readinessProbe|livenessProbe)\.httpGet\.port)$/,
  // Only the function's scope says whether it may have to call an outside issuer.
  /^Service spec\.template\.metadata\.labels\.freeface\/reaches-issuer$/,
  /^HTTPRoute spec\.rules\.matches\.method$/,
  /^KafkaSource spec\.(sink|delivery\.deadLetterSink)\.ref\.namespace$/,
  /^PingSource spec\.(contentType|data|sink\.ref\.namespace)$/,
  /^Gateway spec\.listeners\.allowedRoutes(\.namespaces(\.from)?)?$/,
];
