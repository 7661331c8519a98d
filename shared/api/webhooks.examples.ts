import { webhookTypes } from '../domain/webhooks.ts';

/** Example webhooks and deliveries for the API page. */

const webhookId = '01a20de0-12c3-740f-a849-0c6622554e6a';

export const webhook = {
  webhook_id: webhookId,
  url: 'https://erp.example/hooks/faces',
  description: 'Time clock',
  event_types: [...webhookTypes],
  disabled: false,
  disabled_reason: null,
  secrets: [{ created_at: '2026-05-01T10:00:00.000Z', expires_at: null }],
  created_by: 'key:S5MpwNFcD_qj',
  created_at: '2026-05-01T10:00:00.000Z',
  updated_at: '2026-05-01T10:00:00.000Z',
  version: 1,
};

export const secret = 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD…';

export const delivery = {
  message_id: '8d3b1a5e-6f0c-5c39-9d2a-0d4f4b1f7a10',
  webhook_id: webhookId,
  type: 'person.created',
  status: 'delivered',
  payload: '{"type":"person.created","timestamp":"2026-05-01T10:05:00.000Z","data":{"person_id":"employee_123"}}',
  url: null,
  accepted_at: '2026-05-01T10:05:00.000Z',
  next_attempt_at: null,
  attempts: [{ number: 1, at: '2026-05-01T10:05:00.000Z', status: 204, duration_ms: 41, error: null }],
};
