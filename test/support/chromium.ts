import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';

/** Undefined if there is none on the PATH. */
export function findChromium(): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return folders.flatMap((folder) => ['chromium', 'chromium-browser', 'google-chrome'].map((name) => join(folder, name))).find(existsSync);
}

const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--hide-scrollbars',
  '--force-device-scale-factor=1',
];

/** Opens a file with a separate profile. @returns its output, as with `--dump-dom` */
export function openInChromium(chromium: string, file: string, flags: readonly string[]): string {
  const profile = mkdtempSync(join(tmpdir(), 'openbell-chromium-'));
  try {
    const args = [...FLAGS, `--user-data-dir=${profile}`, ...flags, pathToFileURL(file).href];
    return execFileSync(chromium, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], maxBuffer: 2 ** 26, timeout: 300_000 });
  } finally {
    rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}

/** The document of a page once it has loaded what it fetches; this process may serve it. */
export async function domOf(chromium: string, url: string): Promise<string> {
  const profile = mkdtempSync(join(tmpdir(), 'openbell-chromium-'));
  try {
    const args = [...FLAGS, `--user-data-dir=${profile}`, '--virtual-time-budget=60000', '--dump-dom', url];
    return (await promisify(execFile)(chromium, args, { maxBuffer: 2 ** 26, timeout: 300_000 })).stdout;
  } finally {
    rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}

/** Opens a page with a separate origin. @returns the first body that it posts to `/said` */
export async function hearFromChromium(chromium: string, page: string, flags: readonly string[]): Promise<string> {
  const profile = mkdtempSync(join(tmpdir(), 'openbell-chromium-'));
  const posted = Promise.withResolvers<string>();
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (bytes) => {
      body += bytes;
    });
    request.on('end', () => {
      if (request.method === 'POST') posted.resolve(body);
      response.setHeader('content-type', 'text/html').end(page);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  // A separate process group: its helpers write to the profile for a while after it has ended.
  const browser = spawn(chromium, [...FLAGS, `--user-data-dir=${profile}`, ...flags, url], { stdio: 'ignore', detached: true });
  const patience = setTimeout(() => posted.reject(new Error('the page posted nothing for 300 s')), 300_000);
  try {
    return await posted.promise;
  } finally {
    clearTimeout(patience);
    const ended = once(browser, 'exit');
    if (browser.pid !== undefined) process.kill(-browser.pid, 'SIGKILL');
    await ended;
    server.close().closeAllConnections();
    rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}
