import { describeSettings } from '../../shared/config.ts';

const begin = '| variable | default | meaning |\n| --- | --- | --- |\n';

/** Returns the README with an updated table of settings. Throws an Error if the head of the table is missing. */
export function withSettings(readme: string): string {
  const start = readme.indexOf(begin);
  if (start < 0)
    throw new Error('README.md has no table of settings: its head must be "| variable | default | meaning |"');
  const rows = describeSettings().map(
    ({ name, fallback, meaning }) => `| \`${name}\` | \`${fallback}\` | ${meaning} |\n`,
  );
  const end = readme.indexOf('\n\n', start);
  return `${readme.slice(0, start)}${begin}${rows.join('')}${readme.slice(end + 1)}`;
}
