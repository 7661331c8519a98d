import { readFileSync } from 'node:fs';
import { satisfies } from 'semver';
import { expect, it } from 'vitest';

interface Package {
  readonly version?: string;
  readonly engines?: { readonly node?: string };
  /** Packages for other platforms; npm skips them without a warning. */
  readonly optional?: boolean;
}

const json = (path: string) => JSON.parse(readFileSync(path, 'utf8'));
const packages = Object.entries<Package>(json('package-lock.json').packages).filter(([path]) => path !== '');

it.each(['20.9.0', '22.0.0', '24.0.0'])(
  'When Node is %s, which package.json promises, then no package asks for another version',
  (version) => {
    expect(satisfies(version, json('package.json').engines.node)).toBe(true);

    const refusing = packages.filter(
      ([, { engines, optional }]) => optional !== true && !satisfies(version, engines?.node ?? '*'),
    );

    expect(refusing.map(([path, { engines }]) => `${path} asks for ${engines?.node}`)).toEqual([]);
  },
);

it('When packages are installed, then npm runs no script of a package, and .npmrc has no setting that npm does not know', () => {
  const settings = readFileSync('.npmrc', 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));

  expect(settings).toEqual(['ignore-scripts=true', 'save-exact=true']);
});
