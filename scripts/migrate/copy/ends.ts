import { distributedOpeners } from '../../../shared/adapters/distributed/index.ts';
import { embeddedOpeners } from '../../../shared/adapters/embedded/index.ts';
import type { Config } from '../../../shared/config.ts';
import { adapterOptions } from '../../../shared/function/adapter-options.ts';
import { createContext } from '../../../shared/function/context.ts';
import { type Openers, openPorts } from '../../../shared/function/ports.ts';
import { MigrationError } from '../../../shared/migrations/migration.ts';
import type { Imports } from '../../../shared/ports/imports.ts';
import type { PortName, Ports } from '../../../shared/ports/index.ts';
import { itemsOf } from '../../../shared/ports/pages.ts';
import type { Tenant } from '../../../shared/ports/tenant.ts';
import type { VectorSpace } from '../../../shared/ports/vectors.ts';
import { listPacks } from '../../../shared/vision/weights/packs.ts';
import type { EndName } from './end-names.ts';

const read = ['records', 'images', 'vectors', 'accounts', 'webhooks', 'audit'] as const satisfies readonly PortName[];

export interface Source extends Pick<Ports, (typeof read)[number]> {
  close(): Promise<void>;
}
export interface Target extends Imports, Pick<Ports, 'vectors' | 'images'> {}

/** Opens one side for reading: the source of a copy, or the target when it is compared with the source. */
export async function openSource(name: EndName, config: Config): Promise<Source> {
  const { ports, close } = await openPorts(read, openersOf(name), createContext(config));
  return { ...(ports as Pick<Ports, (typeof read)[number]>), close };
}

export async function openTarget(name: EndName, config: Config): Promise<Target> {
  const context = createContext(config);
  const { openImports } =
    name === 'embedded'
      ? await import('../../../shared/adapters/embedded/imports.ts')
      : await import('../../../shared/adapters/distributed/imports.ts');
  const { ports, close } = await openPorts(['images', 'vectors'], openersOf(name), context);
  try {
    const imports = await openImports(adapterOptions(context));
    return {
      ...imports,
      ...(ports as Pick<Ports, 'images' | 'vectors'>),
      async close() {
        await imports.close();
        await close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

const openersOf = (name: EndName): Openers => (name === 'embedded' ? embeddedOpeners : distributedOpeners);

/** Every tenant that has any data. */
export async function tenantsOf({ records, accounts, audit }: Source): Promise<Tenant[]> {
  const tenants = new Set([...(await records.tenants()), ...(await audit.tenants())]);
  for await (const { tenant } of itemsOf((page) => accounts.listTenants({ ...page, limit: 500 }))) tenants.add(tenant);
  return [...tenants].sort();
}

/** Returns a function from the name of a space to the space of a known model pack. It throws a MigrationError for an unknown name. */
export async function spacesKnown(config: Config): Promise<(space: string) => VectorSpace> {
  const known = new Map(
    (await listPacks(config)).map(({ pack }) => [
      pack.space,
      { space: pack.space, dimension: pack.embedder.dimension },
    ]),
  );
  return (space) => {
    const found = known.get(space);
    if (found !== undefined) return found;
    throw new MigrationError(
      `Some faces were enrolled with a model pack of the space ${space}, but no known pack has this space. Add the pack: npm run models -- add`,
    );
  };
}
