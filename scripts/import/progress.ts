import { SingleBar } from 'cli-progress';
import type { Clock } from '../../shared/ports/clock.ts';
import { sum, type Tally } from './report.ts';

export interface Progress {
  update(tally: Tally): void;
  stop(): void;
}

const lineEvery = 5000;

/** Shows a progress bar on a terminal, and one plain line every five seconds elsewhere. */
export function showProgress(stream: NodeJS.WriteStream, total: number, clock: Clock): Progress {
  return stream.isTTY ? bar(stream, total) : lines(stream, total, clock);
}

const figures = (tally: Tally) => ({
  enrolled: tally.enrolled,
  rejected: sum(tally.rejected),
  failed: sum(tally.failed),
});
const done = (tally: Tally): number => tally.earlier + tally.enrolled + sum(tally.rejected) + sum(tally.failed);

function bar(stream: NodeJS.WriteStream, total: number): Progress {
  const format =
    '[{bar}] {value}/{total}  enrolled {enrolled}, rejected {rejected}, failed {failed}  {eta_formatted} left';
  const shown = new SingleBar({ stream, format, hideCursor: true, barCompleteChar: '=', barIncompleteChar: ' ' });
  shown.start(total, 0, { enrolled: 0, rejected: 0, failed: 0 });
  return { update: (tally) => shown.update(done(tally), figures(tally)), stop: () => shown.stop() };
}

function lines(stream: NodeJS.WriteStream, total: number, clock: Clock): Progress {
  let last = clock.now();
  return {
    update(tally) {
      if (clock.now() - last < lineEvery) return;
      last = clock.now();
      const { enrolled, rejected, failed } = figures(tally);
      stream.write(`${done(tally)} of ${total}: enrolled ${enrolled}, rejected ${rejected}, failed ${failed}\n`);
    },
    stop: () => undefined,
  };
}
