import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { engineSettings, enginesOf } from './engine-settings.ts';

const dragonflyUrl = (environment: Record<string, string>): string =>
  enginesOf(z.object(engineSettings).parse(environment)).dragonfly.url;

describe('The settings of DragonflyDB', () => {
  it.each([
    [{}, 'redis://dragonfly:6379'],
    [{ DRAGONFLY_PASSWORD: 'p@ss/word' }, 'redis://default:p%40ss%2Fword@dragonfly:6379'],
    [{ DRAGONFLY_USERNAME: 'faces', DRAGONFLY_PASSWORD: 'secret' }, 'redis://faces:secret@dragonfly:6379'],
  ])('When %o is set beside the address, then it stands in it', (environment, url) => {
    expect(dragonflyUrl({ DRAGONFLY_URL: 'redis://dragonfly:6379', ...environment })).toBe(url);
  });

  it('When the address has a password of its own, then that holds', () => {
    const address = 'redis://me:mine@dragonfly:6379';

    expect(dragonflyUrl({ DRAGONFLY_URL: address, DRAGONFLY_PASSWORD: 'another' })).toBe(address);
  });
});
