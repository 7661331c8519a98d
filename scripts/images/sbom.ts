import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Enums, Models, Serialize, Spec } from '@cyclonedx/cyclonedx-library';
import type { Metafile } from 'esbuild';

/** A part of an image. */
export interface Part {
  readonly name: string;
  readonly version?: string;
  /** SPDX expression. */
  readonly licence?: string;
  readonly purl?: string;
}

/** Returns the bill of materials of an image, as CycloneDX 1.6 in JSON. The same parts always make the same text. */
export function billOfMaterials(name: string, version: string, parts: readonly Part[]): string {
  const bom = new Models.Bom();
  bom.metadata.component = new Models.Component(Enums.ComponentType.Container, name, { version, bomRef: name });
  for (const part of new Map(parts.map((each) => [`${each.name}@${each.version}`, each])).values()) {
    const component = new Models.Component(Enums.ComponentType.Library, part.name, {
      bomRef: part.purl ?? part.name,
      version: part.version,
      purl: part.purl,
    } as Models.OptionalComponentProperties);
    if (part.licence !== undefined) component.licenses.add(new Models.LicenseExpression(part.licence));
    bom.components.add(component);
    bom.metadata.component.dependencies.add(component.bomRef);
  }
  const serializer = new Serialize.JsonSerializer(new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6));
  return serializer.serialize(bom, { sortLists: true, space: 2 });
}

/** Returns the npm packages whose code is in a bundle. */
export const partsOfBundle = ({ inputs }: Metafile): Part[] =>
  [
    ...new Set(
      Object.keys(inputs).flatMap((path) => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? []),
    ),
  ]
    .sort()
    .map(partOfPackage);

/** Returns the package in a folder. */
export function partOfPackage(folder: string): Part {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Record<
    string,
    string
  >;
  const purl = `pkg:npm/${name!.replace('@', '%40')}@${version}`;
  return { name: name!, version: version!, purl, ...(typeof license === 'string' && { licence: license }) };
}

/** Returns the folder of a package that the package in `from` depends on; undefined if it is not installed. */
export function folderOfPackage(name: string, from: string): string | undefined {
  for (let at = from; ; at = dirname(at)) {
    const folder = join(at, 'node_modules', name);
    try {
      readFileSync(join(folder, 'package.json'));
      return folder;
    } catch {
      if (dirname(at) === at) return undefined;
    }
  }
}
