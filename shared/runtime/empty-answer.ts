import type { OutgoingResponse } from '../function/message.ts';

/** Response to a broker. A 2xx must have no text: the broker treats text as a malformed reply and delivers the event again. */
export const empty = (status: number): OutgoingResponse => ({ status, headers: {}, body: null });
