import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { fieldsFromText, filledFields } from './text-fields.ts';

const schema = z.object({
  name: z.string().optional(),
  limit: z.number().default(5),
  exact: z.boolean().optional(),
  tags: z.array(z.string()).optional(),
  options: z.strictObject({ deep: z.boolean(), level: z.number() }).partial().prefault({}),
  metadata: z.record(z.string(), z.json()).optional(),
});

describe('fieldsFromText', () => {
  it('When fields are text, then they are read as the schema wants them', () => {
    const fields = {
      name: '12',
      limit: '7',
      exact: 'true',
      tags: 'a, b',
      metadata: '{"a":[1]}',
      options: '{"deep":true}',
    };

    expect(fieldsFromText(schema, fields)).toEqual({
      name: '12',
      limit: 7,
      exact: true,
      tags: ['a', 'b'],
      metadata: { a: [1] },
      options: { deep: true },
    });
  });

  it('When a name has a dot, then it is a field of an object', () => {
    expect(fieldsFromText(schema, { 'options.deep': 'true', 'options.level': '2' })).toEqual({
      options: { deep: true, level: 2 },
    });
  });

  it('When a value cannot be read, then it stays text for the schema to refuse', () => {
    expect(fieldsFromText(schema, { limit: 'many', metadata: '{', unknown: '5' })).toEqual({
      limit: 'many',
      metadata: '{',
      unknown: '5',
    });
  });

  it('When a field is given whole and in parts, then it is refused', () => {
    expect(() => fieldsFromText(schema, { options: 'x', 'options.deep': 'true' })).toThrow('options is given twice');
  });

  it('When a name is that of a prototype, then no prototype is touched', () => {
    const read = fieldsFromText(schema, { '__proto__.polluted': 'true', 'constructor.prototype.polluted': 'true' });

    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    expect(Object.keys(read).sort()).toEqual(['__proto__', 'constructor']);
  });
});

describe('filledFields', () => {
  it('When a form sends fields that were left empty, then those it knows count as not given', () => {
    const fields = { name: '', 'options.deep': '', limit: '3', nonsense: '' };

    expect(filledFields(schema, fields)).toEqual({ limit: '3', nonsense: '' });
  });
});
