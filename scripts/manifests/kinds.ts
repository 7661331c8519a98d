import type * as z from 'zod';
import * as eventing from './eventing.ts';
import * as gateway from './gateway.ts';
import * as kubernetes from './kubernetes.ts';
import * as serving from './serving.ts';

/** The strict form of every known kind, by `apiVersion kind`. */
export const kinds: ReadonlyMap<string, z.ZodType> = new Map(
  [serving, eventing, gateway, kubernetes].flatMap((forms) =>
    Object.values(forms as Readonly<Record<string, unknown>>)
      .filter(isObjectForm)
      .flatMap((form) => {
        const { apiVersion, kind } = form.shape;
        return valuesOf(apiVersion).flatMap((version) =>
          valuesOf(kind).map((name) => [`${version} ${name}`, form] as const),
        );
      }),
  ),
);

function isObjectForm(value: unknown): value is z.ZodObject {
  return typeof value === 'object' && value !== null && 'shape' in value;
}

/** Returns the texts that a literal or an enumeration accepts. */
function valuesOf(form: unknown): string[] {
  return [...(form as z.ZodLiteral<string>)._zod.values] as string[];
}
