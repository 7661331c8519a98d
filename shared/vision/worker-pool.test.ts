import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readConfig } from '../config.ts';
import { executionProviders, mostThreads } from '../domain/execution-provider.ts';
import { temporaryFolder } from '../testing/temporary-folder.ts';
import { openNetwork } from './network.ts';
import { buildGraph } from './weights/graph.ts';
import { openWorkerPool } from './worker-pool.ts';

/** A network that returns twice its input, negative numbers as 0. */
function doubling(): Uint8Array {
  const graph = buildGraph('doubling');
  const input = graph.input('x', ['N', 2]);
  graph.output('y', graph.relu(graph.add(input, input)), ['N', 2]);
  return graph.encode();
}
const model = doubling();
const file = { sha256: createHash('sha256').update(model).digest('hex'), bytes: model.length };
async function modelFile(): Promise<string> {
  const path = join(temporaryFolder(), 'doubling.onnx');
  await writeFile(path, model);
  return path;
}
// From the environment: the same tests can check a graphics card.
const { executionProvider: provider } = readConfig(process.env);
const pool = openWorkerPool({ provider, size: Math.min(2, mostThreads[provider]) });
afterAll(() => pool.close());

describe('openWorkerPool', () => {
  it('When many runs start at once, then each gets its own result', async () => {
    const id = await pool.load(await modelFile());

    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, i) => pool.run(id, Float32Array.of(i + 1, -i - 1), [1, 2])),
    );

    for (const [i, { y }] of answers.entries()) {
      expect(y?.dims).toEqual([1, 2]);
      expect(Array.from(y!.data)).toEqual([2 * i + 2, 0]);
    }
  });

  it('When an input is run, then its buffer is detached', async () => {
    const id = await pool.load(await modelFile());
    const data = Float32Array.of(1, 2);

    await pool.run(id, data, [1, 2]);

    expect(data.buffer.byteLength).toBe(0);
  });

  it('When a run is done, then its input is reused for the same length, not cleared, and for no other length', async () => {
    const id = await pool.load(await modelFile());
    const runs = Array.from({ length: 40 }, (_, i) => pool.run(id, Float32Array.of(i, 77), [1, 2]));
    await Promise.all(runs);

    const other = pool.input(3);
    const again = Array.from({ length: 40 }, () => pool.input(2));

    const reused = again.filter(([, second]) => second === 77);
    expect(reused.length).toBe(4 * pool.size);
    expect(new Set(again.map(({ buffer }) => buffer)).size).toBe(40);
    expect(other).toEqual(new Float32Array(3));
  });

  it('When a run fails, then it rejects and the thread continues', async () => {
    const id = await pool.load(await modelFile());

    await expect(pool.run(id, Float32Array.of(1, 2, 3), [1, 3])).rejects.toThrow(/dimension|shape/i);

    expect(Array.from((await pool.run(id, Float32Array.of(4, 5), [1, 2])).y!.data)).toEqual([8, 10]);
  });

  it('When the file is not a network, then loading rejects', async () => {
    const path = join(temporaryFolder(), 'no.onnx');
    await writeFile(path, Uint8Array.of(1, 2, 3));

    await expect(pool.load(path)).rejects.toThrow();
  });

  it('When the signal of a waiting run aborts, then it rejects with the reason and never runs', async () => {
    const id = await pool.load(await modelFile());
    const controller = new AbortController();
    const others = Array.from({ length: 4 }, () => pool.run(id, Float32Array.of(1, 1), [1, 2]));
    const waiting = pool.run(id, Float32Array.of(1, 1), [1, 2], { signal: controller.signal });

    controller.abort(new Error('gone'));

    await expect(waiting).rejects.toThrow('gone');
    await Promise.all(others);
  });

  it('When the pool is closed, then a later run rejects', async () => {
    const closing = openWorkerPool({ provider, size: 1 });
    const id = await closing.load(await modelFile());

    await closing.close();

    await expect(closing.run(id, Float32Array.of(1, 1), [1, 2])).rejects.toThrow('closed');
  });
});

describe('FREEFACE_EXECUTION_PROVIDER', () => {
  it('When the provider is not available, then loading rejects, names the setting, and no thread is lost', async () => {
    // The npm package never contains it.
    const lacking = openWorkerPool({ provider: 'cuda' });
    const path = await modelFile();

    for (let again = 0; again < 2; again++)
      await expect(lacking.load(path)).rejects.toThrow(/^FREEFACE_EXECUTION_PROVIDER=cuda cannot run the networks: ./);
    expect(lacking.size).toBe(1);
    await lacking.close();
  });

  it('When the provider is unknown or has too many threads, then the configuration is refused', () => {
    expect(readConfig({}).executionProvider).toBe('cpu');
    expect(readConfig({ FREEFACE_EXECUTION_PROVIDER: 'webgpu', FREEFACE_THREADS: '1' }).threads).toBe(1);
    expect(() => readConfig({ FREEFACE_EXECUTION_PROVIDER: 'gpu' })).toThrow(
      new RegExp(`FREEFACE_EXECUTION_PROVIDER: .*${executionProviders.map((name) => `"${name}"`).join('\\|')}`),
    );
    expect(() => readConfig({ FREEFACE_EXECUTION_PROVIDER: 'webgpu', FREEFACE_THREADS: '2' })).toThrow(
      'FREEFACE_THREADS: webgpu runs networks in 1 thread',
    );
  });
});

describe('openNetwork', () => {
  it('When the file appears only after a failed run, then the next run works', async () => {
    const path = join(temporaryFolder(), 'doubling.onnx');
    const network = openNetwork(pool, path, file);

    await expect(network.run(Float32Array.of(1, 1), [1, 2])).rejects.toThrow(/npm run models/);
    await writeFile(path, model);
    const { y } = await network.run(Float32Array.of(3, -3), [1, 2]);

    expect(Array.from(y!.data)).toEqual([6, 0]);
  });

  it('When the file has another SHA-256, then it is not loaded', async () => {
    const path = join(temporaryFolder(), 'other.onnx');
    await writeFile(path, Buffer.concat([model, Buffer.from('x')]));

    await expect(openNetwork(pool, path, file).ready()).rejects.toMatchObject({
      name: 'ModelFileError',
      message: expect.stringContaining(file.sha256),
    });
  });
});
