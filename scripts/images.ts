import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { config as loadEnvironment } from 'dotenv';
import { externals, functionNames, readManifests } from '../esbuild.config.mjs';
import { readConfig } from '../shared/config.ts';
import type { Manifest } from '../shared/function/define.ts';
import type { PortName } from '../shared/ports/index.ts';
import { isUsageError } from './command-line/usage-error.ts';
import { writeArchive } from './images/archive.ts';
import { type Base, baseOfThisMachine, user } from './images/base.ts';
import { baseOfLayout } from './images/base-of-layout.ts';
import { bundleCommandLine, bundleFunction } from './images/bundle.ts';
import { filesUnder, type LayerFile, tarOf } from './images/layer.ts';
import { type Image, type Layer, type Layout, openLayout } from './images/layout.ts';
import { packagesOutside } from './images/packages.ts';
import { writePins } from './images/pins.ts';
import { push } from './images/push.ts';
import { isLight, overBudget, report } from './images/report.ts';
import { billOfMaterials, type Part, partsOfBundle } from './images/sbom.ts';
import { catalogueOf, weightsOf } from './images/weights.ts';
import { commandLine, extractor, imageOf } from './manifests/names.ts';

const usage = `Usage: npm run images -- [NAME...] [OPTIONS]

Builds an image for each function and one for the command line, or only the named ones. Writes them to dist/images, a folder in OCI's
image layout, with a bill of materials for each, and pins them by digest in knative/components/images. Needs no container tool.

  --archive FILE     also writes all images as one archive, for "ctr -n k8s.io images import FILE", "kind load image-archive FILE",
                     "minikube image load FILE" or "podman load -i FILE"
  --push PREFIX      pushes each image as PREFIX/NAME with crane or skopeo, and pins that name
  --base IMAGE       base image to use instead of the pinned Node.js 24: a folder in OCI's layout, or a name that crane or skopeo
                     can fetch, such as gcr.io/distroless/nodejs24-debian13; it must contain node and glibc
  --packs NAMES      model packs in the extractor's image, separated by commas (default: FREEFACE_MODEL_PACK)
  --no-pins          does not change knative/components/images

The same sources, packages and base make the same digests.
`;

interface Settings {
  readonly root: string;
  readonly version: string;
  readonly packs: readonly string[];
  readonly dataDir: string;
}

/** `npm run images`. Returns the exit code. */
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
  const names = positionals.length > 0 ? positionals : [...(await functionNames()), commandLine];
  const images: Image[] = [];
  const light: Image[] = [];
  const built = (image: Image, name: string) => {
    images.push(image);
    process.stderr.write(`${name}\n`);
  };
  for (const { manifest, ports } of await readManifests(names.filter((name) => name !== commandLine))) {
    const image = await buildImage(manifest, ports, base, layout, settings);
    built(image, manifest.name);
    if (isLight(ports)) light.push(image);
  }
  if (names.includes(commandLine)) built(await buildCommandLine(base, layout, settings), commandLine);
  await layout.writeIndex(images);
  if (values.archive !== undefined) await writeArchive(layout, images, resolve(values.archive));
  if (values.push !== undefined) await push(layout, images, values.push);
  if (!values['no-pins']) await writePins(images, values.push);
  process.stdout.write(report(images, base));
  const problems = overBudget(light, base);
  for (const problem of problems) process.stderr.write(`${problem}\n`);
  return problems.length === 0 ? 0 : 1;
}

/** Builds the image of a function. Its layers are node, then packages that several functions share, then the function itself. */
async function buildImage(
  manifest: Manifest,
  ports: readonly PortName[],
  base: Base,
  layout: Layout,
  settings: Settings,
): Promise<Image> {
  const { name, summary } = manifest;
  const { root, packs, dataDir } = settings;
  const folder = await emptyFolder(layout, 'functions', name);
  const metafile = await bundleFunction(manifest, ports, folder, base.nodeHere);
  const source = await readFile(join(folder, 'function.cjs'), 'utf8');
  const packages = await packagesOutside(metafile, source, root, externals);
  const places = { modelsDir: join(root, 'models'), dataDir };
  const below = packages.map(({ files }) => files);
  if (name === extractor) below.push(await weightsOf(packs, places));
  if (ports.includes('extractor') || ports.includes('vectors')) below.push(await catalogueOf(packs, places));
  return layered(
    {
      name,
      summary,
      start: '/app/boot.cjs',
      ports: { '8080/tcp': {} },
      below,
      files: await filesUnder(folder, 'app'),
      parts: [...partsOfBundle(metafile), ...packages.flatMap((each) => each.parts)],
    },
    base,
    layout,
    settings,
  );
}

/** Builds the image of the operator's commands, which run in the cluster. See: [Note: The first key goes into a Secret] */
async function buildCommandLine(base: Base, layout: Layout, settings: Settings): Promise<Image> {
  const { root, packs, dataDir } = settings;
  const folder = await emptyFolder(layout, commandLine);
  const metafile = await bundleCommandLine(folder);
  const isOfFolders = (path: string) => path.startsWith('embedded/') || path.endsWith('.md');
  return layered(
    {
      name: commandLine,
      summary: 'Migrate the stores, and make the first key',
      start: '/app/main.mjs',
      ports: {},
      below: [await catalogueOf(packs, { modelsDir: join(root, 'models'), dataDir })],
      files: [
        ...(await filesUnder(folder, 'app')),
        ...(await filesUnder(join(root, 'migrations'), 'app/migrations', isOfFolders)),
      ],
      parts: partsOfBundle(metafile),
    },
    base,
    layout,
    settings,
  );
}

async function emptyFolder(layout: Layout, ...names: string[]): Promise<string> {
  const folder = join(layout.folder, ...names);
  await rm(folder, { recursive: true, force: true });
  return folder;
}

interface Content {
  readonly name: string;
  readonly summary: string;
  /** Path of the script that node runs. */
  readonly start: string;
  /** Ports on which it listens. */
  readonly ports: Readonly<Record<string, object>>;
  /** Layers between the base and the files. Other images may share them. */
  readonly below: readonly (readonly LayerFile[])[];
  readonly files: readonly LayerFile[];
  readonly parts: readonly Part[];
}

async function layered(
  { name, summary, start, ports, below, files, parts }: Content,
  base: Base,
  layout: Layout,
  { root, version, packs }: Settings,
): Promise<Image> {
  const layers: Layer[] = [...base.layers];
  const add = async (each: readonly LayerFile[]) => layers.push(await layout.addLayer(await tarOf(each)));
  await add([{ path: 'app/NOTICE.md', bytes: await readFile(join(root, '.github', 'NOTICE.md')) }]);
  for (const each of below) await add(each);
  const bill = billOfMaterials(name, version, [...base.parts, ...parts]);
  await mkdir(join(layout.folder, 'sbom'), { recursive: true });
  await writeFile(join(layout.folder, 'sbom', `${name}.cdx.json`), bill);
  await add([...files, { path: 'app/sbom.cdx.json', bytes: Buffer.from(bill) }]);

  const labels = {
    'org.opencontainers.image.title': name,
    'org.opencontainers.image.description': summary,
    'org.opencontainers.image.version': version,
    'org.opencontainers.image.licenses': 'Apache-2.0',
    ...base.labels,
  };
  const configuration = {
    User: `${user}:${user}`,
    Entrypoint: [base.node, start],
    WorkingDir: '/app',
    Env: ['NODE_ENV=production', 'FREEFACE_MODE=distributed', `FREEFACE_MODEL_PACK=${packs.join(',')}`],
    ExposedPorts: ports,
  };
  return layout.addImage(imageOf(name, version), layers, configuration, labels);
}

loadEnvironment({ quiet: true });
process.exitCode = await main(process.argv.slice(2), process.env).catch((error: unknown) => {
  if (!isUsageError(error)) throw error;
  process.stderr.write(`${error.message}\n\n${usage}`);
  return 2;
});
