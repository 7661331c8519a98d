import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { functions } from '../../../functions/registry.gen.ts';
import { isHttp } from '../../../shared/function/define.ts';
import { createRouter } from '../../../shared/runtime/router.ts';
import type { HttpRoute } from '../../manifests/gateway.ts';
import { httpRoutes } from './routes.ts';

const manifests = functions.map(({ manifest }) => manifest);
const places = manifests.filter(isHttp).flatMap(({ name, trigger }) =>
  [trigger.path, ...(trigger.aliases ?? [])].map((path) => ({
    method: trigger.method,
    path: path as string,
    target: name,
  })),
);
const route = createRouter(places);
const methods = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'];

/** Precedence of the match types: Exact is first in every gateway; the order of the others differs. */
const rankings = {
  'expressions before prefixes': ['Exact', 'RegularExpression', 'PathPrefix'],
  'prefixes before expressions': ['Exact', 'PathPrefix', 'RegularExpression'],
};

describe.each(Object.entries(rankings))('A gateway that ranks %s', (_, ranking) => {
  it('When any path is requested, then the request goes to the function that the router would choose', () => {
    const find = gateway(httpRoutes(manifests), ranking);

    void fc.assert(
      fc.property(fc.constantFrom(...methods), paths(), (method, path) => {
        const wanted = route(method, path);
        const methodsOfPath = places
          .filter((place) => route(place.method, path).kind === 'found')
          .map((place) => place.method);
        const found = find(method, path)?.service;

        if (wanted.kind === 'found') expect(found).toBe(wanted.target);
        else if (wanted.kind === 'not-found') expect(found).toBe('api-docs');
        else {
          // No function has the method: a function with this path refuses it, or answers a CORS preflight request.
          const owners = methodsOfPath
            .map((each) => route(each, path))
            .map((match) => match.kind === 'found' && match.target);
          expect(owners).toContain(found);
        }
      }),
      { numRuns: 3000 },
    );
  });
});

describe('The table of paths', () => {
  it('When a path is not literal, then at most one expression matches it, apart from the one for unknown paths', () => {
    const expressions = matchesOf(httpRoutes(manifests))
      .filter(({ type, value }) => type === 'RegularExpression' && value !== '/.*')
      .map(({ value }) => value);
    const distinct = [...new Set(expressions)];

    void fc.assert(
      fc.property(paths(), (path) => {
        const isLiteral = matchesOf(httpRoutes(manifests)).some(
          ({ type, value }) => type === 'Exact' && value === path,
        );
        const hits = distinct.filter((value) => new RegExp(`^(?:${value})$`).test(path));
        expect(isLiteral ? 0 : hits.length).toBeLessThan(2);
      }),
      { numRuns: 1000 },
    );
  });

  it('When two paths overlap in a parameter, then the generator refuses them', () => {
    const template = manifests.filter(isHttp)[0]!;
    const at = (name: string, path: `/${string}`) => ({
      ...template,
      name,
      trigger: { ...template.trigger, path, aliases: [] },
    });

    expect(() => httpRoutes([...manifests, at('a', '/x/{a}/y/{b}'), at('b', '/x/z/{a}/{b}')])).toThrow(
      'both match /x/z/y/{b}',
    );
  });

  it("When every process answers a path itself, then the gateway rewrites it to the function's own path", () => {
    const rules = httpRoutes(manifests).flatMap(({ spec }) => spec.rules ?? []);
    const rule = rules.find(({ matches }) => matches?.some(({ path }) => path?.value === '/metrics'));

    expect(rule?.matches).toEqual([{ path: { type: 'Exact', value: '/metrics' } }]);
    expect(rule?.filters?.[0]?.urlRewrite?.path).toEqual({
      type: 'ReplaceFullPath',
      replaceFullPath: '/api/v1/metrics/prometheus',
    });
  });

  it('When the table is long, then no route has more rules than Gateway API allows', () => {
    for (const { spec } of httpRoutes(manifests)) expect(spec.rules?.length).toBeLessThanOrEqual(16);
  });
});

interface Match {
  readonly type: string;
  readonly value: string;
  readonly method: string | undefined;
  readonly service: string;
}

/** Returns the function's name in the rewritten host, by which Knative's ingress finds the function. */
const serviceOf = (filters: Rule['filters']) => filters?.[0]?.urlRewrite?.hostname?.split('.')[0] ?? '';

type Rule = NonNullable<HttpRoute['spec']['rules']>[number];

function matchesOf(routes: readonly HttpRoute[]): Match[] {
  return routes.flatMap(({ spec }) =>
    (spec.rules ?? []).flatMap(({ matches = [], filters }) =>
      matches.map(({ path, method }) => ({
        type: path!.type!,
        value: path!.value!,
        method,
        service: serviceOf(filters),
      })),
    ),
  );
}

/** Finds a match by Gateway API's precedence: type of match, its length, whether it has a method. */
function gateway(routes: readonly HttpRoute[], ranking: readonly string[]) {
  const matches = matchesOf(routes).sort(
    (a, b) =>
      ranking.indexOf(a.type) - ranking.indexOf(b.type) ||
      b.value.length - a.value.length ||
      Number(b.method !== undefined) - Number(a.method !== undefined),
  );
  return (method: string, path: string) =>
    matches.find(
      (match) =>
        (match.method === undefined || match.method === method) &&
        (match.type === 'Exact' ? match.value === path : new RegExp(`^(?:${match.value})$`).test(path)),
    );
}

/** Paths of the table with values for their parameters, often words of other paths; and unknown paths. */
function paths(): fc.Arbitrary<string> {
  const words = [...new Set(places.flatMap(({ path }) => path.split('/')))].filter(
    (word) => word !== '' && !word.startsWith('{'),
  );
  const segment = fc.oneof(fc.constantFrom(...words), fc.stringMatching(/^[a-z0-9_.~-]{1,12}$/), fc.constant('a%2Fb'));
  const filled = fc
    .tuple(fc.constantFrom(...places.map(({ path }) => path)), fc.array(segment, { minLength: 4, maxLength: 4 }))
    .map(([path, values]) => path.replace(/\{\w+\}/g, () => values.pop()!));
  const longer = fc.tuple(filled, segment).map(([path, more]) => `${path}/${more}`);
  return fc.oneof(
    filled,
    filled,
    longer,
    fc.array(segment, { maxLength: 6 }).map((list) => `/${list.join('/')}`),
  );
}
