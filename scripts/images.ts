import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { config as loadEnvironment } from 'dotenv';
import { externals, functionNames, readManifests } from '../esbuild.config.mjs';
import { readConfig } from '../shared/config.ts';
import type { PortName } from '../shared/ports/index.ts';
import type { Manifest } from '../shared/runtime/define.ts';
import { isUsageError } from './command-line/usage-error.ts';
import { extractor, imageOf } from './generate/knative/names.ts';
import { writeArchive } from './images/archive.ts';
import { type Base, baseOfThisMachine, user } from './images/base.ts';
import { baseOfLayout } from './images/base-of-layout.ts';
import { bundleFunction } from './images/bundle.ts';
import { filesUnder, type LayerFile, tarOf } from './images/layer.ts';
import { type Image, type Layer, type Layout, openLayout } from './images/layout.ts';
import { packagesOutside } from './images/packages.ts';
import { writePins } from './images/pins.ts';
import { push } from './images/push.ts';
import { report } from './images/report.ts';
import { billOfMaterials, partsOfBundle } from './images/sbom.ts';
import { catalogueOf, weightsOf } from './images/weights.ts';

const usage = `Usage: npm run images -- [NAME...] [OPTIONS]

Builds an image for each function (or those named) into dist/images, a folder in OCI's image layout, with a bill of materials beside
each, and pins them by digest in knative/components/images. Needs no container tool.

  --archive FILE     writes all of them as one archive too, for "ctr -n k8s.io images import FILE", "kind load image-archive FILE",
                     "minikube image load FILE" or "podman load -i FILE"
  --push PREFIX      pushes each as PREFIX/NAME with crane or skopeo, whichever is there, and pins that name
  --base IMAGE       what they stand on instead of this machine's node: a folder in OCI's layout, or a name that crane or skopeo
                     can fetch, as gcr.io/distroless/nodejs20-debian12; it must bring node and glibc
  --packs NAMES      model packs in the extractor's image, separated by commas (default: FREEFACE_MODEL_PACK)
  --no-pins          leaves knative/components/images as it is

The same sources, packages and base make the same digests.
`;

interface Settings {
  readonly root: string;
  readonly version: string;
  readonly packs: readonly string[];
  readonly dataDir: string;
}

/** `npm run images`: answers the exit code. */
export async function main(args: readonly string[], environment: NodeJS.ProcessEnv): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      archive: { type: 'string' },
      push: { type: 'string' },
      base: { type: 'string' },
      packs: { type: 'string' },
      'no-pins': { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(usage);
    return 0;
  }
  const config = readConfig(environment);
  const root = process.cwd();
  const settings = {
    root,
    version: (JSON.parse(await readFile('package.json', 'utf8')) as { version: string }).version,
    packs: values.packs?.split(',') ?? config.packs,
    dataDir: config.dataDir,
  };
  const layout = await openLayout(resolve('dist', 'images'));
  const base = values.base === undefined ? await baseOfThisMachine(layout) : await baseOfLayout(values.base, layout);
  const names = positionals.length > 0 ? positionals : await functionNames();
  const images: Image[] = [];
  for (const { manifest, ports } of await readManifests(names)) {
    images.push(await buildImage(manifest, ports, base, layout, settings));
    process.stderr.write(`${manifest.name}\n`);
  }
  await layout.writeIndex(images);
  if (values.archive !== undefined) await writeArchive(layout, images, resolve(values.archive));
  if (values.push !== undefined) await push(layout, images, values.push);
  if (!values['no-pins']) await writePins(images, values.push);
  process.stdout.write(report(images, base));
  return 0;
}

/** Node, then what several functions have in common, then the function itself. */
async function buildImage(
  manifest: Manifest,
  ports: readonly PortName[],
  base: Base,
  layout: Layout,
  { root, version, packs, dataDir }: Settings,
): Promise<Image> {
  const { name, summary } = manifest;
  const folder = join(layout.folder, 'functions', name);
  await rm(folder, { recursive: true, force: true });
  const metafile = await bundleFunction(manifest, ports, folder, base.nodeHere);
  const source = await readFile(join(folder, 'function.cjs'), 'utf8');
  const packages = await packagesOutside(metafile, source, root, externals);
  const places = { modelsDir: join(root, 'models'), dataDir };
  const layers: Layer[] = [...base.layers];
  const add = async (files: readonly LayerFile[]) => layers.push(await layout.addLayer(await tarOf(files)));
  for (const { files } of packages) await add(files);
  if (name === extractor) await add(await weightsOf(packs, places));
  if (ports.includes('extractor') || ports.includes('vectors')) await add(await catalogueOf(packs, places));

  const parts = [...base.parts, ...partsOfBundle(metafile), ...packages.flatMap((each) => each.parts)];
  const bill = billOfMaterials(name, version, parts);
  await mkdir(join(layout.folder, 'sbom'), { recursive: true });
  await writeFile(join(layout.folder, 'sbom', `${name}.cdx.json`), bill);
  await add([...(await filesUnder(folder, 'app')), { path: 'app/sbom.cdx.json', bytes: Buffer.from(bill) }]);

  const labels = {
    'org.opencontainers.image.title': name,
    'org.opencontainers.image.description': summary,
    'org.opencontainers.image.version': version,
    'org.opencontainers.image.licenses': 'Apache-2.0',
    ...base.labels,
  };
  const configuration = {
    User: `${user}:${user}`,
    Entrypoint: [base.node, '/app/boot.cjs'],
    WorkingDir: '/app',
    Env: ['NODE_ENV=production', 'FREEFACE_MODE=distributed', `FREEFACE_MODEL_PACK=${packs.join(',')}`],
    ExposedPorts: { '8080/tcp': {} },
  };
  return layout.addImage(imageOf(name, version), layers, configuration, labels);
}

loadEnvironment({ quiet: true });
process.exitCode = await main(process.argv.slice(2), process.env).catch((error: unknown) => {
  if (!isUsageError(error)) throw error;
  process.stderr.write(`${error.message}\n\n${usage}`);
  return 2;
});
