import { basename } from 'node:path';
import { SingleBar } from 'cli-progress';
import type { ModelProgress } from './ensure.ts';

export interface ProgressReporter {
  readonly report: (event: ModelProgress) => void;
  /** Ends a bar that is still visible. */
  stop(): void;
}

const verbs = { check: 'checking', build: 'building', download: 'downloading' } as const;

/**
 * Reports the progress of the model files to a person: a bar on a terminal, otherwise one line for each file. Skips files that are only
 * checked. For a download, prints the licences of the file.
 */
export function reportProgress(stream: NodeJS.WriteStream): ProgressReporter {
  return stream.isTTY ? bars(stream) : lines(stream);
}

const label = ({ step, file }: ModelProgress): string => `${verbs[step]} ${basename(file.path)}`;
const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
const licence = ({ step, file }: ModelProgress): string =>
  step === 'download' ? `; licence of the code: ${file.licence.code}, of the weights: ${file.licence.weights}` : '';

function lines(stream: NodeJS.WriteStream): ProgressReporter {
  let last = '';
  return {
    report(event) {
      const key = `${event.step} ${event.file.path}`;
      if (event.step === 'check' || key === last) return;
      last = key;
      stream.write(`${label(event)} (${megabytes(event.total)}) for the model pack ${event.pack}${licence(event)}\n`);
    },
    stop: () => undefined,
  };
}

function bars(stream: NodeJS.WriteStream): ProgressReporter {
  let bar: SingleBar | undefined;
  let current = '';
  const stop = () => {
    bar?.stop();
    bar = undefined;
  };
  return {
    report(event) {
      if (event.step === 'check') return;
      const key = `${event.step} ${event.file.path}`;
      if (key !== current) {
        stop();
        current = key;
        if (licence(event)) stream.write(`${basename(event.file.path)}${licence(event)}\n`);
        const format = `${label(event)} [{bar}] {percentage}% of ${megabytes(event.total)}`;
        bar = new SingleBar({ stream, format, hideCursor: true, barCompleteChar: '=', barIncompleteChar: ' ' });
        bar.start(event.total, event.done);
      }
      bar?.update(event.done);
      if (event.done === event.total) stop();
    },
    stop,
  };
}
