import { distributedOpeners } from '../../../shared/adapters/distributed/index.ts';
import { embeddedOpeners } from '../../../shared/adapters/embedded/index.ts';
import type { Config } from '../../../shared/config.ts';
import type { Imports } from '../../../shared/ports/imports.ts';
import type { Ports } from '../../../shared/ports/index.ts';
import { itemsOf } from '../../../shared/ports/pages.ts';
import type { Tenant } from '../../../shared/ports/tenant.ts';
import type { VectorSpace } from '../../../shared/ports/vectors.ts';
import { adapterOptions } from '../../../shared/runtime/adapter-options.ts';
import { createContext } from '../../../shared/runtime/context.ts';
import { listPacks } from '../../../shared/vision/weights/packs.ts';
import { MigrationError } from '../migration.ts';
import type { EndName } from './end-names.ts';

export interface Source extends Pick<Ports, 'records' | 'vectors' | 'images' | 'accounts' | 'webhooks' | 'audit'> {
  close(): Promise<void>;
}
export interface Target extends Imports, Pick<Ports, 'vectors' | 'images'> {}

/** What a copy reads, and what proves it afterwards. */
export async function openSource(name: EndName, config: Config): Promise<Source> {
  const openers = name === 'embedded' ? embeddedOpeners : distributedOpeners;
  const context = createContext(config);
  const open: { close(): Promise<void> }[] = [];
  const opened = async <Port extends { close(): Promise<void> }>(opening: Promise<Port>): Promise<Port> => {
    const port = await opening;
    open.push(port);
    return port;
  };
  const close = async () => {
    for (const port of open.splice(0).reverse()) await port.close();
  };
  try {
    return {
      records: await opened(openers.records(context)),
      images: await opened(openers.images(context)),
      vectors: await opened(openers.vectors(context)),
      accounts: await opened(openers.accounts(context)),
      webhooks: await opened(openers.webhooks(context)),
      audit: await opened(openers.audit(context)),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

export async function openTarget(name: EndName, config: Config): Promise<Target> {
  const openers = name === 'embedded' ? embeddedOpeners : distributedOpeners;
  const context = createContext(config);
  const { openImports } =
    name === 'embedded'
      ? await import('../../../shared/adapters/embedded/imports.ts')
      : await import('../../../shared/adapters/distributed/imports.ts');
  const open: { close(): Promise<void> }[] = [];
  const close = async () => {
    for (const each of open.splice(0).reverse()) await each.close();
  };
  try {
    const images = await openers.images(context);
    open.push(images);
    const vectors = await openers.vectors(context);
    open.push(vectors);
    const imports = await openImports(adapterOptions(context));
    open.push(imports);
    return { ...imports, images, vectors, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Every tenant that has anything. */
export async function tenantsOf({ records, accounts, audit }: Source): Promise<Tenant[]> {
  const tenants = new Set([...(await records.tenants()), ...(await audit.tenants())]);
  for await (const { tenant } of itemsOf((page) => accounts.listTenants({ ...page, limit: 500 }))) tenants.add(tenant);
  return [...tenants].sort();
}

/** The dimension of a space, by the packs that are known here. Errors: MigrationError. */
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
      `Faces were enrolled with a model pack of the space ${space}, which is not known here. Add the pack: npm run models -- add`,
    );
  };
}
