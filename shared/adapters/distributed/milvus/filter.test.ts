import { describe, expect, it } from 'vitest';
import { asTenant } from '../../../ports/tenant.ts';
import { filterExpression, literal, ofTenant } from './filter.ts';

const tenant = asTenant('acme');

describe('filter expressions', () => {
  it('When no condition is given, then the filter matches the whole tenant', () => {
    expect(filterExpression(tenant)).toBe('tenant == "acme"');
    expect(ofTenant(tenant, ['a', 'b'])).toBe('tenant == "acme" and face_id in ["a", "b"]');
  });

  it.each([
    ['x" or tenant != "', '"x\\" or tenant != \\""'],
    ['x\\', '"x\\\\"'],
    ['x\\" or 1 == 1 or "', '"x\\\\\\" or 1 == 1 or \\""'],
    ["it's ü {x}", '"it\'s ü {x}"'],
  ])('When a value is %j, then it is escaped and stays one value', (value, expected) => {
    expect(literal(value)).toBe(expected);
    expect(filterExpression(tenant, { personIds: [value] })).toBe(`tenant == "acme" and person_id in [${expected}]`);
  });

  it('When an id has control characters, then it is rejected', () => {
    expect(() => literal('a\nb')).toThrow(RangeError);
    expect(() => ofTenant(tenant, ['a\0'])).toThrow(RangeError);
  });

  it('When a number is NaN, then a RangeError is thrown', () => {
    expect(() => filterExpression(tenant, { capturedBetween: { from: Number.NaN, to: 1 } })).toThrow(RangeError);
    expect(() => filterExpression(tenant, { near: { lat: Number.NaN, lon: 0, radiusMetres: 1 } })).toThrow(RangeError);
  });

  it('When all conditions are given, then they are joined with and', () => {
    const expression = filterExpression(tenant, {
      personIds: ['p', 'p'],
      assigned: true,
      notFaceIds: ['f'],
      capturedBetween: { from: Number.NEGATIVE_INFINITY, to: 5.5 },
      near: { lat: 10, lon: 20, radiusMetres: 1000 },
    });

    expect(expression).toBe(
      'tenant == "acme" and person_id in ["p"] and person_id != "" and face_id not in ["f"] and ' +
        'captured_at >= -9007199254740990 and captured_at <= 5 and ' +
        'lat >= 9.991005796 and lat <= 10.008994204 and lon >= 19.990866046 and lon <= 20.009133954',
    );
  });

  it.each([
    [
      'across the date line',
      { lat: 0, lon: 179.9, radiusMetres: 50_000 },
      /lon >= 179\.4\d+ and lon <= 180 or lon <= -179\.6/,
    ],
    [
      'across a pole',
      { lat: 89.9, lon: 0, radiusMetres: 50_000 },
      /^tenant == "acme" and lat >= 89\.4\d+ and lat <= 90$/,
    ],
    ['around the world', { lat: 0, lon: 0, radiusMetres: 30_000_000 }, /lat >= -90 and lat <= 90$/],
  ])('When a circle reaches %s, then its box does too', (_, near, expected) => {
    expect(filterExpression(tenant, { near })).toMatch(expected);
  });
});
