import type { RuntimeContext } from '../function/context.ts';
import type { FunctionDefinition } from '../function/define.ts';
import type { Ports } from '../ports/index.ts';
import type { Answer } from './http-server.ts';

/**
 * How a function that is served alone takes its calls. There is one for each kind of trigger, in a module of its own, and a
 * bundle holds the one it needs: a function that reads persons carries neither the parser of forms nor that of events.
 */
export type Front = (definition: FunctionDefinition, ports: Partial<Ports>, context: RuntimeContext) => Answer;
