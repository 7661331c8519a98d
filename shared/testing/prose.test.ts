import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

/**
 * Phrases that made the texts of this repository hard to read, with a plain replacement.
 *
 * [Note: Plain English]
 * Many readers of this code speak English as a third language. So a text has a subject, a verb and an object, in this order, and uses the
 * words of the field. A test cannot judge a sentence, but it keeps the phrases out that were used most where this rule was broken.
 */
const phrases: readonly [found: RegExp, instead: string][] = [
  [/\banew\b/i, 'again'],
  [/\bheed(s|ed|ing)?\b/i, 'check, use or ignore'],
  [/\b(is|are|was|were|be|been|gets?) seen to\b|\bsees? to (it|a|an|the|them|its)\b/i, 'process'],
  [/\bhears? of\b|\bheard of\b/i, 'receive or know'],
  [/\btold of\b|\btells? of\b|\b(is|are|was|were|be) told\b/i, 'report'],
  [/\ball the same\b/i, 'nevertheless'],
  [/\bin vain\b/i, 'without effect'],
  [/\bas good as\b/i, 'almost'],
  [/\bcomes? to be\b|\bcame to be\b/i, 'exist'],
  [/\bbecomes? of\b|\bbecame of\b/i, 'the result of'],
  [/\bwhosoever\b|\bwhoso\b|\bwhoever\b/i, 'the caller, the user or the process that'],
  [/\bfor want of\b/i, 'without'],
  [/\bbetimes\b|\bby and by\b|\bhitherto\b|\bwhence\b|\bthereof\b|\bnought\b/i, 'a word of today'],
  [/\blets? go of\b|\bis let go\b/i, 'close or release'],
  [/\bnot without\b/i, 'with'],
];

/** A statement whose subject is a clause. A question may begin with these words. */
const clauseAsSubject = /(?:^|[.:;!?] |\*\*)(Who|Whoever|What|Whatever|Whose|Whom)\b(?![^.!?]*\?)/;

/** Files whose texts are fixed: licences, applied migrations (their checksum covers comments), and this list. */
const exempt = [
  /^LICENSE$/,
  /^\.github\/NOTICE\.md$/,
  /^migrations\/.*\.(cql|sql|json)$/,
  /^shared\/testing\/prose\.test\.ts$/,
  /\.gen\.(ts|json|yaml)$/,
  /package-lock/,
];

it('When a text is written, then it uses none of the phrases that are hard to read', () => {
  const found = textFiles().flatMap((file) =>
    proseOf(file).flatMap(({ line, text }) =>
      phrases
        .filter(([phrase]) => phrase.test(text))
        .map(([phrase, instead]) => `${file}:${line} "${phrase.exec(text)![0]}": write ${instead}`),
    ),
  );

  expect(found).toEqual([]);
});

it('When a sentence is written, then its subject is not a clause', () => {
  const found = textFiles().flatMap((file) =>
    proseOf(file)
      .filter(({ text, starts }) => clauseAsSubject.test(starts ? text : `~${text}`))
      .map(({ line, text }) => `${file}:${line} ${text}`),
  );

  expect(found).toEqual([]);
});

it('When a text refers to a note, then the note exists', () => {
  // A title may go on in the next line of its comment.
  const texts = textFiles().map((file) => readFileSync(file, 'utf8').replace(/\n\s*(?:\*|\/\/)?\s*/g, ' '));
  const titles = (start: RegExp) => texts.flatMap((text) => [...text.matchAll(start)].map(([, title]) => title!));

  const notes = new Set(titles(/(?<!\bsee:? )\[Note: ([^\]]+)\]/gi));
  const missing = titles(/\bsee:? \[Note: ([^\]]+)\]/gi).filter((title) => title !== '…' && !notes.has(title));

  expect(missing).toEqual([]);
});

/** Every text file of the repository, also new ones that git does not ignore. */
const textFiles = (): string[] =>
  execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { encoding: 'utf8' })
    .split('\n')
    .filter((file) => /\.(ts|mjs|md|ya?ml|sh|html)$|^\.ci\//.test(file))
    .filter((file) => !exempt.some((each) => each.test(file)));

interface Prose {
  /** From 1. */
  readonly line: number;
  readonly text: string;
  /** Whether a sentence can begin at the start of `text`: the line before ended one, or had no text. */
  readonly starts: boolean;
}

/** The comments and strings of a source file, and all lines of a document. */
function proseOf(file: string): Prose[] {
  const isSource = /\.(ts|mjs)$/.test(file);
  let sentenceEnded = true;
  return readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((raw, i) => {
      const comment = isSource
        ? /^\s*(?:\/\*\*?|\*\/?|\/\/)\s?(.*)$/.exec(raw)?.[1]
        : raw.replace(/^\s*(?:#+|[-*]|>)\s+/, '');
      const texts = comment !== undefined ? [comment.replace(/\s*\*\/$/, '')] : stringsIn(raw);
      const starts = comment === undefined || sentenceEnded || /^\s*\/\*\*/.test(raw);
      sentenceEnded = comment === undefined || comment.trim() === '' || /[.:!?]$/.test(comment.trim());
      return texts.filter((text) => text !== '').map((text) => ({ line: i + 1, text, starts }));
    });
}

/** String literals with at least two words. */
const stringsIn = (line: string): string[] =>
  [
    ...line.matchAll(
      /'((?:[^'\\]|\\.)* (?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)* (?:[^"\\]|\\.)*)"|`((?:[^`\\]|\\.)* (?:[^`\\]|\\.)*)`/g,
    ),
  ].map(([, single, double, template]) => (single ?? double ?? template)!);
