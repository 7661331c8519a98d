import { createInterface } from 'node:readline/promises';
import { SingleBar } from 'cli-progress';
import type { MigratedDatabase, Step } from '../../shared/migrations/migration.ts';

export interface Terminal {
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly stdout: Pick<NodeJS.WritableStream, 'write'>;
  readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean };
}

/** Nobody said yes. */
export class NotConfirmed extends Error {}

/** Whether somebody can be asked. */
export const canAsk = ({ stdin, stderr }: Terminal): boolean => stdin.isTTY === true && stderr.isTTY === true;

/** An answer, or `fallback` where it is empty. */
export async function ask({ stdin, stderr }: Terminal, question: string, fallback: string): Promise<string> {
  const lines = createInterface({ input: stdin, output: stderr });
  try {
    return (await lines.question(`${question} [${fallback}] `)).trim() || fallback;
  } finally {
    lines.close();
  }
}

/**
 * Resolves when what is lost may be lost: `given` on the command line, or its name typed on a terminal. Errors: NotConfirmed.
 */
export async function confirmLoss(terminal: Terminal, loss: string, name: string, given: boolean): Promise<void> {
  if (given) return;
  if (!canAsk(terminal)) throw new NotConfirmed(`${loss}\nTo do it, say so: --confirm`);
  const lines = createInterface({ input: terminal.stdin, output: terminal.stderr });
  try {
    const typed = await lines.question(`${loss}\nType ${name} to go on: `);
    if (typed.trim() !== name) throw new NotConfirmed('Nothing was done.');
  } finally {
    lines.close();
  }
}

export interface Progress {
  step(database: MigratedDatabase, name: string, step: Step, done: number, of: number): void;
  say(line: string): void;
  stop(): void;
}

/** A bar for each migration on a terminal; elsewhere a line. */
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
  /** `of`: null where it is not known. */
  at(what: string, done: number, of: number | null): void;
  end(what: string, done: number): void;
}

const lineEveryMs = 5000;

/** How far something long is: one line that is written over on a terminal, elsewhere one every five seconds. */
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
