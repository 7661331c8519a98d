import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { Image } from './layout.ts';

const file = join('knative', 'components', 'images', 'kustomization.yaml');

const head = `# The image of each function, by digest, because a tag can be moved and a digest cannot. \`npm run images\` writes this file. While the
# list is empty, the tags of the base apply.
`;

/** Makes the overlays use these images, by digest and, if they were pushed, by their name in the registry. */
export async function writePins(images: readonly Image[], prefix: string | undefined): Promise<void> {
  const component = {
    apiVersion: 'kustomize.config.k8s.io/v1alpha1',
    kind: 'Component',
    images: images.map(({ name, manifest }) => ({
      name: withoutTag(name),
      ...(prefix !== undefined && { newName: nameIn(prefix, name) }),
      digest: manifest.digest,
    })),
  };
  await writeFile(file, head + stringify(component, { lineWidth: 0 }));
}

const withoutTag = (name: string): string => name.slice(0, name.lastIndexOf(':'));

/** Returns the name of an image in a registry: `prefix`, then the function's name. */
export const nameIn = (prefix: string, name: string): string =>
  `${prefix.replace(/\/$/, '')}/${withoutTag(name).split('/').at(-1)}`;
