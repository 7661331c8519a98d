import { describe, expect, it } from 'vitest';
import { readConfig, unknownSettings } from './config.ts';

describe('settings', () => {
  it('When a number is out of range, then the error names the range and the number', () => {
    expect(() => readConfig({ PORT: '80808' })).toThrow('PORT: must be between 0 and 65535, but is 80808');
    expect(() => readConfig({ FREEFACE_SHUTDOWN_SECONDS: '0' })).toThrow('must be between 1 and 600, but is 0');
    expect(() => readConfig({ PORT: '80.5' })).toThrow('PORT: must be a whole number');
    expect(() => readConfig({ PORT: 'http' })).toThrow('PORT: must be a number');
  });

  it.each([
    ['FREEFACE_MODELPACK', 'use FREEFACE_MODEL_PACK'],
    ['FREEFACE_WEBHOOKS_ALLOWED', 'use FREEFACE_WEBHOOK_ALLOW'],
    ['FREEFACE_BEHIND_TSL', 'use FREEFACE_BEHIND_TLS'],
    ['FREEFACE_DATA_DIR', 'use FREEFACE_DATA'],
    ['FREEFACE_PORT', 'use PORT'],
    ['FREEFACE_LOG_LEVEL', 'use LOG_LEVEL'],
    ['FREEFACE_COFFEE_TEMPERATURE', 'shared/README.md lists all settings'],
  ])('When the environment has %s, then the warning says: %s', (name, advice) => {
    expect(unknownSettings({ [name]: 'x' })).toEqual([`${name} is not a setting and has no effect; ${advice}`]);
  });

  it('When the environment has settings, and variables of scripts and other programs, then there is no warning', () => {
    expect(unknownSettings({ FREEFACE_DATA: 'x', FREEFACE_KEY: 'x', FREEFACE_REQUIRE_SHARED: '1', HOME: '/' })).toEqual(
      [],
    );
  });
});
