import { describe, expect, it } from 'vitest';
import { createRouter } from './router.ts';

const route = createRouter([
  { method: 'GET', path: '/persons/{id}', target: 'get' },
  { method: 'DELETE', path: '/persons/{id}', target: 'delete' },
  { method: 'GET', path: '/persons/by_name', target: 'by_name' },
  { method: 'GET', path: '/persons/by_name/{name}/faces', target: 'faces' },
  { method: 'POST', path: '/persons', target: 'create' },
]);

describe('the router', () => {
  it('When a segment is both a literal and a parameter, then the literal wins', () => {
    expect(route('GET', '/persons/by_name')).toEqual({ kind: 'found', target: 'by_name', params: {} });
    expect(route('GET', '/persons/ada')).toEqual({ kind: 'found', target: 'get', params: { id: 'ada' } });
  });

  it('When a parameter is percent-encoded, then it is decoded once', () => {
    expect(route('GET', '/persons/by_name/a%2Fb%2525/faces')).toEqual({
      kind: 'found',
      target: 'faces',
      params: { name: 'a/b%25' },
    });
  });

  it('When a segment cannot be decoded or is empty, then no route is found', () => {
    expect(route('GET', '/persons/%E0%A4').kind).toBe('not-found');
    expect(route('GET', '/persons/').kind).toBe('not-found');
    expect(route('GET', '/persons/ada/').kind).toBe('not-found');
  });

  it('When the path exists with other methods, then the result lists the allowed methods', () => {
    expect(route('PUT', '/persons/ada')).toEqual({ kind: 'method-not-allowed', allowed: ['DELETE', 'GET', 'HEAD'] });
  });

  it('When the method is HEAD, then the route of GET is found', () => {
    expect(route('HEAD', '/persons/ada')).toMatchObject({ kind: 'found', target: 'get' });
  });

  it('When two routes have the same method and path, then createRouter throws', () => {
    const twice = { method: 'GET', path: '/a/{x}', target: 1 };

    expect(() => createRouter([twice, { ...twice, path: '/a/{y}' }])).toThrow('two functions claim GET /a/{y}');
  });
});
