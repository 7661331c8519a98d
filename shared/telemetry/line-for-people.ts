const colours: Readonly<Record<string, number>> = { fatal: 31, error: 31, warn: 33, info: 32, debug: 36, trace: 90 };
const grey = 90;

/**
 * Returns a log line as text for a terminal: local time, level, message, then the fields as `name=value`. A request's method, path, status
 * and time come without names. `colour`: with ANSI colours. The result has no line break and no control character from a field.
 */
export function lineForPeople(fields: Readonly<Record<string, unknown>>, colour: boolean): string {
  const { level, time, msg, method, path, status, ms, ...others } = fields;
  const paint = (code: number, text: string) => (colour ? `\x1b[${code}m${text}\x1b[0m` : text);
  const request = [method, method === undefined ? undefined : path, method === undefined ? undefined : status];
  const named = { ...(method === undefined && { path, status }), ...others };
  return [
    paint(grey, new Date(String(time)).toTimeString().slice(0, 8)),
    paint(colours[String(level)] ?? grey, String(level).toUpperCase().padEnd(5)),
    plain(String(msg ?? '')),
    ...request.filter((part) => part !== undefined).map((part) => plain(String(part))),
    ...(ms === undefined ? [] : [`${ms} ms`]),
    ...pairsOf(named).map(([name, value]) => paint(grey, `${name}=${value}`)),
  ].join(' ');
}

/** Fields of objects come as `outer.inner`. */
function pairsOf(fields: object, prefix = ''): [name: string, value: string][] {
  return Object.entries(fields).flatMap(([name, value]): [string, string][] => {
    if (value === undefined) return [];
    if (name === 'err') return [[`${prefix}${name}`, errorText(value)]];
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return pairsOf(value, `${prefix}${name}.`);
    return [[`${prefix}${plain(name)}`, quoted(Array.isArray(value) ? listText(value) : String(value))]];
  });
}

const listText = (items: readonly unknown[]): string =>
  items
    .map((item) => (typeof item === 'object' && item !== null ? pairsOf(item).map((pair) => pair.join('=')) : item))
    .join(',');

/** Type, message and the first line of the stack. */
function errorText(error: unknown): string {
  if (typeof error !== 'object' || error === null) return quoted(String(error));
  const { type, message, stack } = error as Record<string, unknown>;
  const place = /\n\s+(at .*)/.exec(String(stack))?.[1];
  return `"${plain(`${type}: ${message}`)}"${place === undefined ? '' : ` ${plain(place)}`}`;
}

const quoted = (text: string): string => (/^[^\s"]+$/.test(text) ? plain(text) : `"${plain(text)}"`);

/** Text from a client must not move the cursor of a terminal or begin a line. */
const plain = (text: string): string => text.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' ');
