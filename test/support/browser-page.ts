import type { TestContext } from 'node:test';
import { type Browser, chromium, type Page } from 'playwright-core';
import { findChromium } from './chromium.ts';

/** Undefined: there is a browser. */
export const whyNoBrowser: string | undefined =
  findChromium() === undefined && process.env.OPENBELL_CI === undefined ? 'SKIPPED: no chromium' : undefined;

/** An empty page of a real browser, which ends with the test. Errors of the page that nothing has caught are added to `errors`. */
export async function openPage(t: TestContext, url: string, errors: string[] = []): Promise<Page> {
  const browser: Browser = await chromium.launch({ executablePath: findChromium() as string, args: ['--no-sandbox', '--disable-quic'] });
  t.after(() => browser.close());
  const page = await browser.newPage();
  page.setDefaultTimeout(120_000);
  page.on('pageerror', (error) => errors.push(String(error)));
  await page.goto(url);
  return page;
}
