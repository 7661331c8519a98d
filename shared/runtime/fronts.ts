import type { RuntimeContext } from '../function/context.ts';
import type { FunctionDefinition } from '../function/define.ts';
import type { Ports } from '../ports/index.ts';
import type { Answer } from './http-server.ts';

/**
 * Turns requests into calls of a function that runs alone. There is one front for each kind of trigger, and each is a separate module, so
 * a bundle contains only one. The bundle of a function that reads persons contains no form parser and no event parser.
 */
export type Front = (definition: FunctionDefinition, ports: Partial<Ports>, context: RuntimeContext) => Answer;
