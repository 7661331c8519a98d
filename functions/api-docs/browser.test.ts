import { existsSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium, type Locator, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startPlatform } from '../../shared/testing/platform.ts';
import { drawPortrait } from '../../shared/testing/portraits/index.ts';
import { temporaryFolder } from '../../shared/testing/temporary-folder.ts';
import { functions } from '../registry.gen.ts';

/** Chromium of this machine; undefined if there is none. `playwright-core` downloads no browser. */
const executablePath = (process.env.PATH ?? '')
  .split(delimiter)
  .flatMap((folder) => ['chromium', 'chromium-browser', 'google-chrome'].map((name) => join(folder, name)))
  .find(existsSync);

if (executablePath === undefined && process.env.FREEFACE_REQUIRE_SHARED !== '1') {
  describe('the API page in a browser', () => {
    it.skip('needs chromium, which is not in PATH (Debian: apt-get install chromium)');
  });
} else {
  describe('the API page in a browser', () => {
    let browser: Browser;

    beforeAll(async () => {
      expect(executablePath, 'chromium must be in PATH (Debian: apt-get install chromium)').toBeDefined();
      // Containers have a small /dev/shm, and root cannot use the sandbox.
      const args = ['--no-sandbox', '--disable-dev-shm-usage'];
      browser = await chromium.launch({ executablePath: executablePath!, args });
    });
    afterAll(() => browser?.close());

    it('When a user authorises, then two enrolments and a recognition succeed with the forms as they come', async () => {
      const { url, adminKey, call } = await startPlatform(functions);
      const page = await browser.newPage();
      const problems = problemsOf(page);
      await page.goto(`${url}/docs`);
      await authorise(page, adminKey!);

      const photos = await Promise.all([1, 2, 3].map((scene) => photo(scene)));
      const enrolled = await openOperation(page, 'POST', '/api/v1/faces/enroll');
      const first = await send(enrolled, photos[0]!);
      const second = await send(enrolled, photos[1]!);
      const recognised = await send(await openOperation(page, 'POST', '/api/v1/faces/recognize'), photos[2]!);

      expect([first.status, second.status, recognised.status], JSON.stringify([first, second])).toEqual([
        201, 201, 200,
      ]);
      expect(second.body.data.face_id).not.toBe(first.body.data.face_id);
      expect(recognised.body.data.best).toMatchObject({ decision: 'match' });
      expect((await call('GET', '/api/v1/persons')).json.data.persons).not.toEqual([]);
      expect(problems).toEqual([]);
    });
  });
}

/** Collects errors of the page's scripts, and of files that it cannot load. */
function problemsOf(page: Page): string[] {
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') problems.push(message.text());
  });
  return problems;
}

async function photo(scene: number): Promise<string> {
  const path = join(temporaryFolder(), `photo-${scene}.jpg`);
  writeFileSync(path, await drawPortrait({ person: 'amaro', scene, yaw: scene * 3 - 6 }));
  return path;
}

async function authorise(page: Page, key: string): Promise<void> {
  await page.locator('.auth-wrapper .authorize').first().click();
  const form = page.locator('.auth-container', { hasText: 'X-API-Key' });
  await form.locator('input').fill(key);
  await form.locator('button[type=submit]').click();
  await page.locator('.modal-ux .btn-done').first().click();
}

async function openOperation(page: Page, method: string, path: string): Promise<Locator> {
  const operation = page.locator('.opblock', {
    has: page.locator(`.opblock-summary-path[data-path="${path}"]`),
    hasText: method,
  });
  await operation.locator('.opblock-summary-control').first().click();
  return operation;
}

/** Chooses the file, leaves all other fields as they are, and presses Execute. */
async function send(operation: Locator, file: string) {
  await operation.locator('input[type=file]').setInputFiles(file);
  const answered = operation.page().waitForResponse((response) => response.request().method() === 'POST');
  await operation.locator('.execute').click();
  const response = await answered;
  await operation.locator('.live-responses-table').waitFor();
  return { status: response.status(), body: await response.json() };
}
