import * as z from 'zod';
import * as f from './forms.ts';
import { labelSelector } from './pod.ts';

/** Kinds of gateway.networking.k8s.io. */

const object = z.strictObject;
const group = z.union([z.literal(''), f.dnsName], { error: 'must be an API group' });
const kind = z.string().regex(/^[a-zA-Z]([-a-zA-Z0-9]{0,61}[a-zA-Z0-9])?$/, 'must be a kind');
const hostname = z
  .string()
  .max(253)
  .regex(
    /^(\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/,
    'must be a host name in lower case; a leading *. means all subdomains',
  );
const headerName = z
  .string()
  .max(256)
  .regex(/^[A-Za-z0-9!#$%&'*+\-.^_`|~]+$/, 'must be the name of a header');
const wait = z.string().regex(/^([0-9]{1,5}(h|m|s|ms)){1,4}$/, 'must be a duration such as 30s');
const status = z.looseObject({}).optional();

const backend = {
  group: group.optional(),
  kind: kind.optional(),
  name: f.dnsName,
  namespace: f.dnsLabel.optional(),
  port: f.port.optional(),
};
const needsPort = (ref: { kind?: string | undefined; port?: number | undefined }, context: z.RefinementCtx): void => {
  if ((ref.kind ?? 'Service') === 'Service' && ref.port === undefined)
    f.refuse(context, ['port'], 'is missing for a Service');
};
const headerList = z.array(object({ name: headerName, value: z.string().min(1).max(4096) })).max(16);
const headerModifier = object({
  set: headerList.optional(),
  add: headerList.optional(),
  remove: z.array(headerName).max(16).optional(),
});
const pathModifier = object({
  type: z.enum(['ReplaceFullPath', 'ReplacePrefixMatch']),
  replaceFullPath: z.string().max(1024).optional(),
  replacePrefixMatch: z.string().max(1024).optional(),
}).superRefine((value, context) => {
  const own = value.type === 'ReplaceFullPath' ? 'replaceFullPath' : 'replacePrefixMatch';
  const other = own === 'replaceFullPath' ? 'replacePrefixMatch' : 'replaceFullPath';
  if (value[own] === undefined) f.refuse(context, [own], `is missing for the type ${value.type}`);
  if (value[other] !== undefined) f.refuse(context, [other], `is not allowed for the type ${value.type}`);
});

/** Filter types, and the field that each type needs. */
const filterFields = {
  RequestHeaderModifier: 'requestHeaderModifier',
  ResponseHeaderModifier: 'responseHeaderModifier',
  RequestMirror: 'requestMirror',
  RequestRedirect: 'requestRedirect',
  URLRewrite: 'urlRewrite',
  ExtensionRef: 'extensionRef',
  CORS: 'cors',
} as const;
type FilterType = keyof typeof filterFields;

const filter = object({
  type: z.enum(Object.keys(filterFields) as [FilterType, ...FilterType[]]),
  requestHeaderModifier: headerModifier.optional(),
  responseHeaderModifier: headerModifier.optional(),
  requestMirror: object({
    backendRef: object(backend).superRefine(needsPort),
    percent: f.integer(0, 100).optional(),
    fraction: object({ numerator: f.integer(0), denominator: f.integer(1).optional() }).optional(),
  }).optional(),
  requestRedirect: object({
    scheme: z.enum(['http', 'https']).optional(),
    hostname: hostname.optional(),
    path: pathModifier.optional(),
    port: f.port.optional(),
    statusCode: z.union([z.literal(301), z.literal(302)], { error: 'must be 301 or 302' }).optional(),
  }).optional(),
  urlRewrite: object({ hostname: hostname.optional(), path: pathModifier.optional() }).optional(),
  extensionRef: object({ group, kind, name: f.dnsName }).optional(),
  cors: object({
    allowOrigins: z.array(z.string()).optional(),
    allowCredentials: z.boolean().optional(),
    allowMethods: z.array(z.string()).optional(),
    allowHeaders: z.array(z.string()).optional(),
    exposeHeaders: z.array(z.string()).optional(),
    maxAge: f.integer(1).optional(),
  }).optional(),
}).superRefine((value, context) => {
  for (const [type, field] of Object.entries(filterFields)) {
    if (type === value.type && value[field] === undefined)
      f.refuse(context, [field], `is missing for the type ${type}`);
    if (type !== value.type && value[field] !== undefined)
      f.refuse(context, [field], `is not allowed in a filter of the type ${value.type}`);
  }
});
const filters = z
  .array(filter)
  .max(16)
  .superRefine((list, context) => {
    list.forEach(({ type }, i) => {
      if (type !== 'RequestMirror' && type !== 'ExtensionRef' && list.findIndex((other) => other.type === type) !== i)
        f.refuse(context, [i, 'type'], `${type} is given twice`);
      if (type === 'URLRewrite' && list.some((other) => other.type === 'RequestRedirect'))
        f.refuse(context, [i, 'type'], 'URLRewrite must not be used together with RequestRedirect');
    });
  });

const pathMatch = object({
  type: z.enum(['Exact', 'PathPrefix', 'RegularExpression']).optional(),
  value: z.string().max(1024).optional(),
}).superRefine(({ type = 'PathPrefix', value = '/' }, context) => {
  if (type === 'RegularExpression') {
    if (!isRegularExpression(value)) f.refuse(context, ['value'], 'is not a regular expression');
    return;
  }
  if (!value.startsWith('/')) f.refuse(context, ['value'], 'must start with /');
  if (/\/\/|\/\.{1,2}(\/|$)|%2[fF]|#/.test(value))
    f.refuse(context, ['value'], 'must not contain //, /./, /../, %2f or #');
  if (!/^[-A-Za-z0-9/._~!$&'()*+,;=:@%]*$/.test(value))
    f.refuse(context, ['value'], 'contains characters that a path must not have');
});
const valueMatch = object({
  name: headerName,
  type: z.enum(['Exact', 'RegularExpression']).optional(),
  value: z.string().min(1).max(4096),
});
const match = object({
  path: pathMatch.optional(),
  method: z.enum(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH']).optional(),
  headers: z.array(valueMatch).max(16).optional(),
  queryParams: z.array(valueMatch).max(16).optional(),
});

const rule = object({
  name: f.dnsName.optional(),
  matches: z.array(match).max(64).optional(),
  filters: filters.optional(),
  backendRefs: z
    .array(
      object({ ...backend, weight: f.integer(0, 1_000_000).optional(), filters: filters.optional() }).superRefine(
        needsPort,
      ),
    )
    .max(16)
    .optional(),
  timeouts: object({ request: wait.optional(), backendRequest: wait.optional() })
    .superRefine(({ request, backendRequest }, context) => {
      if (request === undefined || backendRequest === undefined || f.goSeconds(request) === 0) return;
      if (f.goSeconds(backendRequest) > f.goSeconds(request))
        f.refuse(context, ['backendRequest'], `is longer than request ${request}`);
    })
    .optional(),
}).superRefine(({ matches = [{}], filters: list = [], backendRefs = [] }, context) => {
  list.forEach(({ type, urlRewrite, requestRedirect }, i) => {
    const path = urlRewrite?.path ?? requestRedirect?.path;
    if (path?.type === 'ReplacePrefixMatch' && !(matches.length === 1 && isPrefix(matches[0]!)))
      f.refuse(context, ['filters', i], 'ReplacePrefixMatch needs exactly one match, of the type PathPrefix');
    if (type === 'RequestRedirect' && backendRefs.length > 0)
      f.refuse(context, ['backendRefs'], 'must not be used together with a redirect');
  });
});

const isPrefix = ({ path }: z.output<typeof match>): boolean => (path?.type ?? 'PathPrefix') === 'PathPrefix';

const parentRefs = z
  .array(
    object({
      group: group.optional(),
      kind: kind.optional(),
      namespace: f.dnsLabel.optional(),
      name: f.dnsName,
      sectionName: f.dnsName.optional(),
      port: f.port.optional(),
    }),
  )
  .max(32);

/** Limit of the matches in all rules of a route together, as the API server counts them. */
const mostMatches = 128;

export const httpRoute = object({
  apiVersion: z.enum(['gateway.networking.k8s.io/v1', 'gateway.networking.k8s.io/v1beta1']),
  kind: z.literal('HTTPRoute'),
  metadata: f.metadata,
  spec: object({
    parentRefs: parentRefs.optional(),
    hostnames: z.array(hostname).max(16).optional(),
    rules: z
      .array(rule)
      .min(1)
      .max(16)
      .superRefine((rules, context) => {
        const count = rules.reduce((sum, { matches = [] }) => sum + matches.length, 0);
        if (count > mostMatches) f.refuse(context, [], `${count} matches are more than ${mostMatches}`);
      })
      .optional(),
  }),
  status,
});

const certificateRef = object({
  group: group.optional(),
  kind: kind.optional(),
  name: f.dnsName,
  namespace: f.dnsLabel.optional(),
});
const listener = object({
  name: f.dnsName,
  hostname: hostname.optional(),
  port: f.port,
  protocol: z
    .string()
    .regex(
      /^(HTTP|HTTPS|TLS|TCP|UDP|[a-z0-9]([-a-z0-9.]*[a-z0-9])?\/[A-Za-z0-9]+)$/,
      'must be HTTP, HTTPS, TLS, TCP, UDP or a protocol with a domain in front, such as example.com/proto',
    ),
  tls: object({
    mode: z.enum(['Terminate', 'Passthrough']).optional(),
    certificateRefs: z.array(certificateRef).max(64).optional(),
    options: z.record(f.qualifiedName, z.string().max(4096)).optional(),
  }).optional(),
  allowedRoutes: object({
    namespaces: object({
      from: z.enum(['All', 'Selector', 'Same', 'None']).optional(),
      selector: labelSelector.optional(),
    }).optional(),
    kinds: z
      .array(object({ group: group.optional(), kind }))
      .max(8)
      .optional(),
  }).optional(),
}).superRefine(({ protocol, tls, hostname: host }, context) => {
  if (['HTTP', 'TCP', 'UDP'].includes(protocol) && tls !== undefined)
    f.refuse(context, ['tls'], `is not allowed in a listener of the protocol ${protocol}`);
  if (['HTTPS', 'TLS'].includes(protocol) && tls === undefined)
    f.refuse(context, ['tls'], `is missing for ${protocol}`);
  if (tls !== undefined && (tls.mode ?? 'Terminate') === 'Terminate' && !tls.certificateRefs?.length && !tls.options)
    f.refuse(context, ['tls', 'certificateRefs'], 'is missing: this listener terminates TLS');
  if (['TCP', 'UDP'].includes(protocol) && host !== undefined)
    f.refuse(context, ['hostname'], `is not allowed in a listener of the protocol ${protocol}`);
});

export const gateway = object({
  apiVersion: z.enum(['gateway.networking.k8s.io/v1', 'gateway.networking.k8s.io/v1beta1']),
  kind: z.literal('Gateway'),
  metadata: f.metadata,
  spec: object({
    gatewayClassName: f.dnsName,
    listeners: z
      .array(listener)
      .min(1)
      .max(64)
      .superRefine((listeners, context) => {
        const first = (key: (each: z.output<typeof listener>) => string, i: number) =>
          listeners.findIndex((other) => key(other) === key(listeners[i]!)) === i;
        listeners.forEach((_, i) => {
          if (!first(({ name }) => name, i)) f.refuse(context, [i, 'name'], 'is given twice');
          if (!first((each) => `${each.port} ${each.protocol} ${each.hostname}`, i))
            f.refuse(context, [i, 'port'], 'another listener has the same port, protocol and hostname');
        });
      }),
    addresses: z
      .array(object({ type: z.string().min(1).max(253).optional(), value: z.string().max(253).optional() }))
      .max(16)
      .optional(),
    infrastructure: object({
      labels: f.labels.optional(),
      annotations: f.annotations.optional(),
      parametersRef: object({ group, kind, name: f.dnsName }).optional(),
    }).optional(),
  }),
  status,
});

export const gatewayClass = object({
  apiVersion: z.enum(['gateway.networking.k8s.io/v1', 'gateway.networking.k8s.io/v1beta1']),
  kind: z.literal('GatewayClass'),
  metadata: f.metadata,
  spec: object({
    controllerName: z.string().regex(/^[a-z0-9.-]+\/[A-Za-z0-9/._~%!$&'()*+,;=:-]+$/, 'must be domain/path'),
    description: z.string().max(64).optional(),
    parametersRef: object({ group, kind, name: f.nonEmpty, namespace: f.dnsLabel.optional() }).optional(),
  }),
});

export const referenceGrant = object({
  apiVersion: z.literal('gateway.networking.k8s.io/v1beta1'),
  kind: z.literal('ReferenceGrant'),
  metadata: f.metadata,
  spec: object({
    from: z.array(object({ group, kind, namespace: f.dnsLabel })).min(1),
    to: z.array(object({ group, kind, name: f.dnsName.optional() })).min(1),
  }),
});

function isRegularExpression(value: string): boolean {
  try {
    new RegExp(value);
    return true;
  } catch {
    return false;
  }
}

export type HttpRoute = z.input<typeof httpRoute>;
export type ReferenceGrant = z.input<typeof referenceGrant>;
