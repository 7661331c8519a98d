import { eventTypes, isTerminal } from '../../shared/events/catalogue.ts';
import { type FunctionDefinition, isHttp } from '../../shared/function/define.ts';
import { deadLetterTopic } from '../../shared/ports/dead-letter-event.ts';
import { createRouter } from '../../shared/runtime/router.ts';

/** Checks rules across functions that types cannot express. Throws an Error that lists all breaches. */
export function checkManifests(folders: readonly string[], definitions: readonly FunctionDefinition[]): void {
  const manifests = definitions.map(({ manifest }) => manifest);
  const breaches: string[] = [];

  const names = manifests.map(({ name }) => name);
  for (const folder of folders)
    if (!names.includes(folder))
      breaches.push(`functions/${folder}: the manifest's name must be the name of the folder`);
  for (const name of names)
    if (names.indexOf(name) !== names.lastIndexOf(name)) breaches.push(`${name}: two functions have this name`);

  try {
    createRouter(
      manifests
        .filter(isHttp)
        .flatMap(({ name, trigger }) =>
          [trigger.path, ...(trigger.aliases ?? [])].map((path) => ({ method: trigger.method, path, target: name })),
        ),
    );
  } catch (error) {
    breaches.push(String(error));
  }

  for (const manifest of manifests.filter(isHttp)) {
    const inPath = [...manifest.trigger.path.matchAll(/\{(\w+)\}/g)]
      .map(([, name]) => name)
      .sort()
      .join();
    const declared = Object.keys(manifest.params?.shape ?? {})
      .sort()
      .join();
    if (inPath !== declared) breaches.push(`${manifest.name}: the path has {${inPath}}, params has {${declared}}`);
  }

  const emitted = new Set(manifests.flatMap(({ emits = [] }) => emits));
  const consumed = new Set(
    manifests.flatMap(({ trigger }) =>
      trigger.kind === 'event' && trigger.topic !== null && trigger.topic !== deadLetterTopic
        ? [trigger.type].flat()
        : [],
    ),
  );
  const called = new Set(
    manifests.flatMap(({ trigger }) =>
      trigger.kind === 'event' && trigger.topic !== deadLetterTopic ? [trigger.type].flat() : [],
    ),
  );
  for (const type of consumed)
    if (!emitted.has(type) && type.startsWith('freeface.'))
      breaches.push(`${type} is consumed but no function emits it`);
  for (const type of eventTypes) {
    if (!emitted.has(type) && !called.has(type))
      breaches.push(`${type} is in the catalogue but no function emits or receives it`);
    if (emitted.has(type) && !consumed.has(type) && !isTerminal(type))
      breaches.push(`${type} is emitted and not terminal, but no function consumes it`);
  }
  if (breaches.length > 0)
    throw new Error(`The manifests contradict each other:\n${breaches.map((line) => `  ${line}`).join('\n')}`);
}
