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
 * Tests the API over HTTP.
 *
 * [Note: One end-to-end suite]
 * The same cases run on the embedded platform, on the engines, and through the gateway of a cluster. They know only an address and a
 * key, speak HTTP, and poll for the results of background work. Each run uses a new tenant, so it does not disturb a platform in
 * use and finds only its own data. Every route must succeed at least once, so a new function without a case fails here.
 */
export function endToEnd(target: () => Target): void {
  let api: Api;
  const current = () => api;
  beforeAll(async () => {
    api = await openApi(target());
  });

  describe('access and validation', () => doorCases(current));
  describe('accounts', () => accountCases(current));
  describe('persons', () => personCases(current));
  describe('faces', () => faceCases(current));
  describe('jobs', () => jobCases(current));
  describe('webhooks', () => webhookCases(current));
  describe('operation', () => operationCases(current));

  it('When all cases have run, then every route of the API has succeeded at least once', () => {
    const silent = routes.map(({ name }) => name).filter((name) => !api.answered.has(name));

    api.report?.(summaryOf(api.answered));
    expect(silent).toEqual([]);
  });
}

function summaryOf(answered: Api['answered']): string {
  const times = [...answered.values()].flat().sort((a, b) => a - b);
  const slowest = [...answered].map(([name, each]) => ({ name, ms: Math.max(...each) })).sort((a, b) => b.ms - a.ms);
  const worst = slowest.slice(0, 5).map(({ name, ms }) => `${name} ${Math.round(ms)} ms`);
  return `${answered.size} routes, ${times.length} calls, median ${Math.round(times[times.length >> 1]!)} ms, slowest ${worst.join(', ')}`;
}
