import type { OutgoingResponse } from '../http/exchange.ts';

/** What a broker gets. Never text with a 2xx: it takes that for a malformed reply and delivers again. */
export const empty = (status: number): OutgoingResponse => ({ status, headers: {}, body: null });
