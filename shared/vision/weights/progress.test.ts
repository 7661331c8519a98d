import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import type { ModelProgress } from './ensure.ts';
import { reportProgress } from './progress.ts';

const file = {
  path: '/data/models/eyes.onnx',
  sha256: '0'.repeat(64),
  bytes: 2_000_000,
  source: 'https://models.example/eyes.onnx',
  licence: { code: 'MIT', weights: 'CC0-1.0' },
};
const event = (step: ModelProgress['step'], done: number): ModelProgress => ({
  pack: 'mine',
  file,
  step,
  done,
  total: file.bytes,
});

function reportAll(isTTY: boolean, events: ModelProgress[]): string {
  const stream = Object.assign(new PassThrough(), { isTTY, columns: 80 });
  const reporter = reportProgress(stream as unknown as NodeJS.WriteStream);
  for (const each of events) reporter.report(each);
  reporter.stop();
  return String(stream.read() ?? '');
}

describe('reportProgress', () => {
  it('When the output is not a terminal, then a download is one line with its size and licences', () => {
    const text = reportAll(false, [
      event('check', 0),
      event('download', 0),
      event('download', 900_000),
      event('download', 2_000_000),
    ]);

    expect(text).toBe(
      'downloading eyes.onnx (2.0 MB) for the model pack mine; licence of the code: MIT, of the weights: CC0-1.0\n',
    );
  });

  it('When the output is a terminal, then a bar ends at 100 % and the licences are above it', () => {
    const text = reportAll(true, [event('download', 0), event('download', 2_000_000)]);

    expect(text).toContain('licence of the code: MIT, of the weights: CC0-1.0');
    expect(text).toMatch(/downloading eyes\.onnx \[=+\] 100% of 2\.0 MB/);
  });

  it.each([true, false])('When every file exists (terminal: %s), then nothing is printed', (isTTY) => {
    expect(reportAll(isTTY, [event('check', 0), event('check', 2_000_000)])).toBe('');
  });
});
