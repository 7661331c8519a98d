import {
  type FunctionDefinition,
  type HttpManifest,
  isHttp,
  type Manifest,
  portsOf,
} from '../../shared/function/define.ts';

/** A function of more event types shows only their number. */
const mostTypesShown = 7;

/** Every function as Markdown tables: the endpoints by tag, then the functions that events and schedules start. */
export function functionTables(definitions: readonly FunctionDefinition[]): string {
  const manifests = definitions.map(({ manifest }) => manifest);
  const tags = [...new Set(manifests.filter(isHttp).map(tagOf))].sort();
  const endpoints = tags.flatMap((tag) => [
    `### ${tag}`,
    '',
    '| endpoint | does | scope | ports | folder |',
    '| --- | --- | --- | --- | --- |',
    ...manifests
      .filter(isHttp)
      .filter((manifest) => tagOf(manifest) === tag)
      .sort((a, b) => (a.trigger.path < b.trigger.path ? -1 : 1))
      .map((manifest) => row([endpointOf(manifest), manifest.summary, scopeOf(manifest), ...placeOf(manifest)])),
    '',
  ]);
  return [
    ...endpoints,
    '### Events and schedules',
    '',
    '| started by | does | ports | folder |',
    '| --- | --- | --- | --- |',
    ...manifests
      .filter((manifest) => !isHttp(manifest))
      .map((manifest) => row([startOf(manifest), manifest.summary, ...placeOf(manifest)])),
  ].join('\n');
}

const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
const tagOf = ({ tag = 'pages' }: HttpManifest): string => tag;
const endpointOf = ({ trigger: { method, path } }: HttpManifest): string => `\`${method} ${path}\``;
const scopeOf = ({ trigger: { scope } }: HttpManifest): string => (scope === null ? 'public' : `\`${scope}\``);

/** The ports that a function opens, and its folder. */
const placeOf = (manifest: Manifest): readonly [ports: string, folder: string] => [
  [...portsOf(manifest)].sort().join(', '),
  `[${manifest.name}](${manifest.name}/index.ts)`,
];

function startOf({ trigger }: Manifest): string {
  if (trigger.kind === 'cron') return `every ${trigger.everyMinutes} min`;
  if (trigger.kind === 'http') return trigger.path;
  const types = [trigger.type].flat().map((type) => `\`${type}\``);
  const started = types.length > mostTypesShown ? `${types.length} event types` : types.join(', ');
  return `${started} ${trigger.topic === null ? 'as request and reply' : `on \`${trigger.topic}\``}`;
}
