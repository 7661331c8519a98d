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
  ])('When %o is set in addition to the address, then the address contains it', (environment, url) => {
    expect(dragonflyUrl({ DRAGONFLY_URL: 'redis://dragonfly:6379', ...environment })).toBe(url);
  });

  it('When the address contains a password, then that password is used', () => {
    const address = 'redis://me:mine@dragonfly:6379';

    expect(dragonflyUrl({ DRAGONFLY_URL: address, DRAGONFLY_PASSWORD: 'another' })).toBe(address);
  });
});
