import { describe, expect, it } from 'vitest';
import { openGate } from './gate.ts';

/** A task that ends when the test calls `resolve` or `reject`. */
function task() {
  let resolve!: (value: string) => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<string>((...both) => {
    [resolve, reject] = both;
  });
  let started = false;
  const run = () => {
    started = true;
    return promise;
  };
  return { run, resolve, reject, started: () => started };
}
const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('openGate', () => {
  it('When there are more tasks than places, then the other tasks wait and start in order', async () => {
    const gate = openGate({ working: 1, waiting: 5, waitingBytes: 100 });
    const [first, second, third] = [task(), task(), task()];
    const results = [first, second, third].map(({ run }) => gate.run(1, run));
    await turn();
    const before = [first, second, third].map(({ started }) => started());

    first.resolve('a');
    await turn();
    const after = [first, second, third].map(({ started }) => started());
    second.resolve('b');
    third.resolve('c');

    expect(before).toEqual([true, false, false]);
    expect(after).toEqual([true, true, false]);
    expect(await Promise.all(results)).toEqual(['a', 'b', 'c']);
  });

  it('When the queue is full by number or by bytes, then the error is BUSY and says when to retry', async () => {
    const gate = openGate({ working: 1, waiting: 2, waitingBytes: 100 });
    const running = task();
    const first = gate.run(500, running.run);
    const waiting = task();
    const second = gate.run(60, waiting.run);

    await expect(gate.run(41, task().run)).rejects.toMatchObject({ code: 'BUSY', retryAfter: 1 });
    const third = gate.run(40, waiting.run);
    await expect(gate.run(0, task().run)).rejects.toMatchObject({ code: 'BUSY' });

    running.resolve('x');
    waiting.resolve('y');
    expect(await Promise.all([first, second, third])).toEqual(['x', 'y', 'y']);
  });

  it('When a task fails, then the next task still starts', async () => {
    const gate = openGate({ working: 1, waiting: 2, waitingBytes: 100 });
    const [bad, good] = [task(), task()];
    const first = gate.run(1, bad.run);
    const second = gate.run(1, good.run);

    bad.reject(new Error('no'));
    good.resolve('yes');

    await expect(first).rejects.toThrow('no');
    expect(await second).toBe('yes');
  });

  it('When a waiting task is aborted, then it rejects with the reason and its place in the queue is free', async () => {
    const gate = openGate({ working: 1, waiting: 1, waitingBytes: 100 });
    const [running, abandoned, next] = [task(), task(), task()];
    const controller = new AbortController();
    const first = gate.run(1, running.run);
    const second = gate.run(90, abandoned.run, controller.signal);

    controller.abort(new Error('gone'));
    const third = gate.run(90, next.run);
    running.resolve('1');
    next.resolve('3');

    await expect(second).rejects.toThrow('gone');
    expect(abandoned.started()).toBe(false);
    expect(await Promise.all([first, third])).toEqual(['1', '3']);
  });

  it('When the signal is already aborted, then the task does not start', async () => {
    const gate = openGate({ working: 1, waiting: 1, waitingBytes: 1 });
    const never = task();

    await expect(gate.run(1, never.run, AbortSignal.abort(new Error('late')))).rejects.toThrow('late');
    expect(never.started()).toBe(false);
  });
});
