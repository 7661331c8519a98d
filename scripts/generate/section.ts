/**
 * Replaces the generated section `name` of a Markdown file, between `<!-- generated: name -->` and `<!-- end: name -->`. Throws when the
 * file has no such section.
 */
export function withSection(text: string, name: string, content: string): string {
  const begin = `<!-- generated: ${name} -->\n`;
  const end = `<!-- end: ${name} -->`;
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from < 0 || to < from)
    throw new Error(`the section ${name} is missing: it begins with ${begin}and ends with ${end}`);
  return `${text.slice(0, from)}${begin}\n${content.trimEnd()}\n\n${text.slice(to)}`;
}
