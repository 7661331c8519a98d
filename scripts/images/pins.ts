import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { Image } from './layout.ts';

const file = join('knative', 'components', 'images', 'kustomization.yaml');

const head = `# Which image each function runs, by digest: a tag can be moved, a digest cannot. Written by \`npm run images\`; while nothing
# stands here, the tags of the base hold.
`;

/** Has the overlays take these images, by digest and, when they were pushed, by their name in the registry. */
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

/** Name of an image in a registry: the function's, after `prefix`. */
export const nameIn = (prefix: string, name: string): string =>
  `${prefix.replace(/\/$/, '')}/${withoutTag(name).split('/').at(-1)}`;
