import { beforeAll, describe, expect, it } from 'vitest';
import { accountCases } from './accounts.ts';
import { type Api, openApi, routes, type Target } from './api.ts';
import { doorCases } from './doors.ts';
import { faceCases } from './faces.ts';
import { jobCases } from './jobs.ts';
import { operationCases } from './operations.ts';
import { personCases } from './persons.ts';
import { webhookCases } from './webhooks.ts';

/**
 * The API from its outside.
 *
 * [Note: One end-to-end suite]
 * The same cases run on the embedded platform, on the engines, and through the gateway of a cluster: they know an address and a
 * key, speak HTTP, and wait for what is done in the background by asking again. Each run works in a tenant of its own, so a
 * platform that is in use is not disturbed, and what is found is all there is. Every route has to answer with success at least
 * once, so a new function without a case fails here.
 */
export function endToEnd(target: () => Target): void {
  let api: Api;
  const current = () => api;
  beforeAll(async () => {
    api = await openApi(target());
  });

  describe('who may call, and with what', () => doorCases(current));
  describe('accounts', () => accountCases(current));
  describe('persons', () => personCases(current));
  describe('faces', () => faceCases(current));
  describe('jobs', () => jobCases(current));
  describe('webhooks', () => webhookCases(current));
  describe('operation', () => operationCases(current));

  it('When all of this is done, then every route of the API has answered', () => {
    const silent = routes.map(({ name }) => name).filter((name) => !api.answered.has(name));

    api.report?.(summaryOf(api.answered));
    expect(silent).toEqual([]);
  });
}

function summaryOf(answered: Api['answered']): string {
  const times = [...answered.values()].flat().sort((a, b) => a - b);
  const slowest = [...answered].map(([name, each]) => ({ name, ms: Math.max(...each) })).sort((a, b) => b.ms - a.ms);
  const told = slowest.slice(0, 5).map(({ name, ms }) => `${name} ${Math.round(ms)} ms`);
  return `${answered.size} routes, ${times.length} calls, median ${Math.round(times[times.length >> 1]!)} ms, slowest ${told.join(', ')}`;
}
