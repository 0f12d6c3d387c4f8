/**
 * Serves the page, the client's module and a token to browsers of this machine. A real application gives a token to a user who has
 * logged in; this one gives its only token to every caller, and therefore listens on loopback.
 */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';

const { PORT = '8080', TOKEN_FILE = 'token', ACCOUNT = '1', SYMBOL = 'BTC-USD', WS_PORT = '7402', HTTP_PORT = '7403' } = process.env;
const HOST = '127.0.0.1';

const here = (name: string): string => readFileSync(new URL(name, import.meta.url), 'utf8');
const client = readFileSync(fileURLToPath(import.meta.resolve('openbell-client/browser')), 'utf8');

const FILES: Readonly<Record<string, { readonly type: string; readonly text: () => string }>> = {
  '/': { type: 'text/html; charset=utf-8', text: () => here('index.html') },
  '/page.css': { type: 'text/css', text: () => here('page.css') },
  '/page.js': { type: 'text/javascript', text: () => here('page.js') },
  '/openbell.js': { type: 'text/javascript', text: () => client },
  '/settings.json': {
    type: 'application/json',
    text: () => JSON.stringify({ account: Number(ACCOUNT), symbol: SYMBOL, wsPort: Number(WS_PORT), httpPort: Number(HTTP_PORT) }),
  },
  // Read for each request: a page that reconnects later gets the token of then.
  '/token': { type: 'text/plain', text: () => readFileSync(TOKEN_FILE, 'utf8').trim() },
};

const server = createServer((request, response) => {
  // A page of another site can ask for a name that leads here, and must not get the token.
  const { port } = server.address() as AddressInfo;
  const isHere = [`${HOST}:${port}`, `localhost:${port}`].includes(request.headers.host ?? '');
  // The page has the symbol in its query.
  const file = isHere && request.method === 'GET' ? FILES[(request.url ?? '').split('?')[0]] : undefined;
  response.setHeader('cache-control', 'no-store');
  if (file === undefined) return void response.writeHead(404).end();
  try {
    const text = file.text();
    response.setHeader('content-type', file.type).end(text);
  } catch (error) {
    console.error((error as Error).message);
    response.writeHead(500).end();
  }
});
server.listen(Number(PORT), HOST, () => console.log(`http://${HOST}:${(server.address() as AddressInfo).port}/`));
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => server.close().closeAllConnections());
