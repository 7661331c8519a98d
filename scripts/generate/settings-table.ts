import { settingDefaults } from '../../shared/config.ts';
import { settingDescriptions } from './setting-descriptions.ts';

/** All settings as a Markdown table: environment variable, default, meaning. */
export const settingsTable = (): string =>
  [
    '| variable | default | meaning |',
    '| --- | --- | --- |',
    ...settingDefaults().map(
      ({ name, fallback }) =>
        `| \`${name}\` | ${fallback === '' ? '' : `\`${fallback}\``} | ${settingDescriptions[name]} |`,
    ),
  ].join('\n');
