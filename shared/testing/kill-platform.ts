import { writeSync } from 'node:fs';
import { functions } from '../../functions/registry.gen.ts';
import { embeddedOpeners } from '../adapters/embedded/index.ts';
import { readConfig } from '../config.ts';
import { createContext } from '../function/context.ts';
import { runLocally } from '../runtime/local.ts';
import { createLogger } from '../telemetry/log.ts';

/** A whole platform, which the test kills. Argument: data folder. Writes its port to standard output. */
const config = readConfig({ FREEFACE_DATA: process.argv[2], PORT: '0' });
const { port } = await runLocally(functions, embeddedOpeners, createContext(config, { log: createLogger('silent') }));
writeSync(1, `${port}\n`);
