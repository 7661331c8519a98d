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
  it('When fields are text, then they become the types of the schema', () => {
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

  it('When a name has a dot, then it leads into an object', () => {
    expect(fieldsFromText(schema, { 'options.deep': 'true', 'options.level': '2' })).toEqual({
      options: { deep: true, level: 2 },
    });
  });

  it('When a value cannot be read, then it stays text, which the schema refuses', () => {
    expect(fieldsFromText(schema, { limit: 'many', metadata: '{', unknown: '5' })).toEqual({
      limit: 'many',
      metadata: '{',
      unknown: '5',
    });
  });

  it('When a field is given as a whole and in parts, then it is refused', () => {
    expect(() => fieldsFromText(schema, { options: 'x', 'options.deep': 'true' })).toThrow('options is given twice');
  });

  it('When a name refers to a prototype, then no prototype changes', () => {
    const read = fieldsFromText(schema, { '__proto__.polluted': 'true', 'constructor.prototype.polluted': 'true' });

    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    expect(Object.keys(read).sort()).toEqual(['__proto__', 'constructor']);
  });
});

describe('filledFields', () => {
  it('When a form sends empty fields, then the fields of the schema count as absent', () => {
    const fields = { name: '', 'options.deep': '', limit: '3', nonsense: '' };

    expect(filledFields(schema, fields)).toEqual({ limit: '3', nonsense: '' });
  });
});
