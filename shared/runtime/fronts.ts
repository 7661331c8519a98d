import type { RuntimeContext } from '../function/context.ts';
import type { FunctionDefinition } from '../function/define.ts';
import type { Ports } from '../ports/index.ts';
import type { Answer } from './http-server.ts';

/**
 * Turns requests into calls of a function that runs alone. Each front is a separate module: for events, for schedules, and for HTTP
 * functions (open, without an image, with an image). A bundle contains only one of them. So the bundle of a function that reads persons
 * contains no form parser and no event parser.
 */
export type Front = (definition: FunctionDefinition, ports: Partial<Ports>, context: RuntimeContext) => Answer;
