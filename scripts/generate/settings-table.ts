import { describeSettings } from '../../shared/config.ts';

const begin = '| variable | default | meaning |\n| --- | --- | --- |\n';

/** The README with its table of settings written anew. Throws when the table's head is not there. */
export function withSettings(readme: string): string {
  const start = readme.indexOf(begin);
  if (start < 0) throw new Error('README.md has no table of settings');
  const rows = describeSettings().map(
    ({ name, fallback, meaning }) => `| \`${name}\` | \`${fallback}\` | ${meaning} |\n`,
  );
  const end = readme.indexOf('\n\n', start);
  return `${readme.slice(0, start)}${begin}${rows.join('')}${readme.slice(end + 1)}`;
}
