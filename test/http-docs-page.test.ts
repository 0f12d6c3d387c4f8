/** The page of documentation, also in a browser. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { STREAMS } from '../gateway/endpoints/json/schemas/stream-channels.ts';
import { exchange } from './support/admin-exchange.ts';
import { ADMIN_ROUTES } from './support/admin-routes.ts';
import { domOf, findChromium } from './support/chromium.ts';

test('the page and its files are served, with a policy, and name no other host', async () => {
  for (const path of ['/docs', '/docs/page.css', '/docs/page.js']) {
    const response = await fetch(`http://127.0.0.1:${exchange.ports.http}${path}`);
    const text = await response.text();
    assert.equal(response.status, 200, path);
    assert.match(response.headers.get('content-security-policy') ?? '', /^default-src 'none'; /);
    assert.doesNotMatch(text, /https?:|innerHTML/, path);
  }
});

const chromium = findChromium();

test('the page shows every operation and every stream of the documents', {
  timeout: 300_000,
  skip: chromium === undefined && 'no chromium',
}, async () => {
  const dom = await domOf(chromium as string, `http://127.0.0.1:${exchange.ports.http}/docs`);
  const shown = [...dom.matchAll(/class="operation" data-text="([a-z]+) ([^" ]+) /g)].map(([, method, path]) => `${method} ${path}`);
  const wanted = ADMIN_ROUTES.map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`.toLowerCase());
  assert.deepEqual(
    wanted.filter((each) => !shown.includes(each)),
    [],
    dom.slice(0, 2000),
  );
  assert.match(dom, /<code>name<\/code>/, 'names in texts are code');
  assert.doesNotMatch(dom, /`/);
  const streams = shown.filter((each) => each.startsWith('ws '));
  assert.deepEqual(
    streams,
    STREAMS.map(({ path }) => `ws ${path}`),
  );
  assert.equal(shown.length, wanted.length + streams.length + 5, 'health, metrics and sessions of API keys have no route');
});
