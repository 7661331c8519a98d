import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { libvipsLibraries, notices } from './notices.ts';

describe('the notices of third parties', () => {
  const text = notices(process.cwd());

  it('When a package is in package-lock.json, then the notices name it with its licence', () => {
    const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8'));
    for (const [path, { name, version, license }] of Object.entries<Record<string, string>>(packages)) {
      if (path === '') continue;
      const title = name ?? path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
      expect(license, path).toBeDefined();
      expect(text).toContain(
        `- [${title}](https://www.npmjs.com/package/${title}/v/${version}) ${version}: ${license}`,
      );
    }
  });

  it('When a package has a licence file, then its copyright lines and its text are in the notices', () => {
    expect(text).toContain('Copyright (c) 2025 Colin McDonnell');
    expect(text).toContain('Permission is hereby granted, free of charge');
    expect(text).toContain('GNU LESSER GENERAL PUBLIC LICENSE');
    expect(text).toContain('GNU GENERAL PUBLIC LICENSE');
    expect(text).toMatch(/TERMS AND CONDITIONS FOR USE, REPRODUCTION, AND DISTRIBUTION/);
  });

  const readme = 'node_modules/@img/sharp-libvips-linux-x64/README.md';
  it.skipIf(!existsSync(readme))('When libvips brings a library, then the notices name the library', () => {
    const rows = [...readFileSync(readme, 'utf8').matchAll(/^\| (\S+) +\| (.+?) *\|$/gm)].filter(
      ([, n]) => n !== 'Library',
    );
    const lgpl = rows.filter(([, , licence]) => licence === 'LGPLv3').map(([, name]) => name);

    expect(Object.values(libvipsLibraries).flat().sort()).toEqual(rows.map(([, name]) => name).sort());
    expect(libvipsLibraries['LGPL-3.0']).toEqual(lgpl);
  });
});
