import type { OutgoingResponse } from '../function/message.ts';

/** What a broker gets. Never text with a 2xx: it takes that for a malformed reply and delivers again. */
export const empty = (status: number): OutgoingResponse => ({ status, headers: {}, body: null });
