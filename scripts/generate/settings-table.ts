import { describeSettings } from '../../shared/config.ts';

/** All settings as a Markdown table: environment variable, default, meaning. */
export const settingsTable = (): string =>
  [
    '| variable | default | meaning |',
    '| --- | --- | --- |',
    ...describeSettings().map(
      ({ name, fallback, meaning }) => `| \`${name}\` | ${fallback === '' ? '' : `\`${fallback}\``} | ${meaning} |`,
    ),
  ].join('\n');
