import { createInterface } from 'node:readline/promises';
import { SingleBar } from 'cli-progress';
import type { MigratedDatabase, Step } from '../../shared/migrations/migration.ts';

export interface Terminal {
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly stdout: Pick<NodeJS.WritableStream, 'write'>;
  readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean };
}

/** The user did not confirm the loss of data. */
export class NotConfirmed extends Error {}

/** Whether a user can answer questions. */
export const canAsk = ({ stdin, stderr }: Terminal): boolean => stdin.isTTY === true && stderr.isTTY === true;

/** The user's answer, or `fallback` when the answer is empty. */
export async function ask({ stdin, stderr }: Terminal, question: string, fallback: string): Promise<string> {
  const lines = createInterface({ input: stdin, output: stderr });
  try {
    return (await lines.question(`${question} [${fallback}] `)).trim() || fallback;
  } finally {
    lines.close();
  }
}

/**
 * Resolves when the user agrees to the loss: with --confirm on the command line (`given`), or by typing `name` on a terminal. Errors:
 * NotConfirmed.
 */
export async function confirmLoss(terminal: Terminal, loss: string, name: string, given: boolean): Promise<void> {
  if (given) return;
  if (!canAsk(terminal)) throw new NotConfirmed(`${loss}\nTo do it, run the same command with --confirm.`);
  const lines = createInterface({ input: terminal.stdin, output: terminal.stderr });
  try {
    const typed = await lines.question(`${loss}\nType ${name} to confirm: `);
    if (typed.trim() !== name) throw new NotConfirmed('Not confirmed. Nothing was changed.');
  } finally {
    lines.close();
  }
}

export interface Progress {
  step(database: MigratedDatabase, name: string, step: Step, done: number, of: number): void;
  say(line: string): void;
  stop(): void;
}

/** Shows a progress bar for each migration on a terminal, and one line for each migration elsewhere. */
export function showProgress(stderr: Terminal['stderr']): Progress {
  const bar =
    stderr.isTTY === true
      ? new SingleBar({
          stream: stderr,
          format: '{name} [{bar}] {value}/{total} {what}',
          hideCursor: true,
          clearOnComplete: true,
          barCompleteChar: '=',
          barIncompleteChar: ' ',
        })
      : null;
  let shown = '';
  const stop = () => {
    if (shown !== '') bar?.stop();
    shown = '';
  };
  return {
    step(database, name, { what }, done, of) {
      const title = `${database.name}/${name}`;
      if (bar === null) {
        if (title !== shown) stderr.write(`${title}: ${of} steps\n`);
      } else if (title === shown) bar.update(done, { what });
      else {
        stop();
        bar.start(of, done, { name: title, what });
      }
      shown = title;
    },
    say(line) {
      stop();
      stderr.write(`${line}\n`);
    },
    stop,
  };
}

export interface Counting {
  /** `of`: the total; null when it is unknown. */
  at(what: string, done: number, of: number | null): void;
  end(what: string, done: number): void;
}

const lineEveryMs = 5000;

/** Shows the progress of long work: on a terminal one line that is overwritten, elsewhere one line every five seconds. */
export function showCounting(stderr: Terminal['stderr']): Counting {
  let last = Date.now();
  const isTTY = stderr.isTTY === true;
  return {
    at(what, done, of) {
      if (Date.now() - last < (isTTY ? 100 : lineEveryMs)) return;
      last = Date.now();
      const line = `${what}: ${done}${of === null ? '' : ` of ${of}`}`;
      stderr.write(isTTY ? `\r\u001b[2K${line}` : `${line}\n`);
    },
    end: (what, done) => void stderr.write(`${isTTY ? '\r\u001b[2K' : ''}${what}: ${done}\n`),
  };
}
