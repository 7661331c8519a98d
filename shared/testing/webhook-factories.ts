import { randomBytes, randomUUID } from 'node:crypto';
import { webhookSecret, webhookTypes } from '../domain/webhooks.ts';
import type { NewMessage, NewWebhook } from '../ports/webhooks.ts';

export const newWebhook = (fields: Partial<NewWebhook> = {}): NewWebhook => ({
  webhookId: randomUUID(),
  url: 'https://hooks.example/faces?token=a-token-that-stands-out',
  description: 'Time clock of Müller & Söhne',
  types: webhookTypes,
  createdBy: 'user:ada',
  secret: webhookSecret(randomBytes(32)),
  ...fields,
});

/** A message in the queue of its webhook. */
export const newMessage = (fields: Pick<NewMessage, 'webhookId'> & Partial<NewMessage>): NewMessage => ({
  messageId: randomUUID(),
  queue: fields.webhookId,
  type: 'person.created',
  url: null,
  payload: '{"type":"person.created","data":{"person_id":"ada"}}',
  ...fields,
});
