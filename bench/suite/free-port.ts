import { once } from 'node:events';
import { createServer } from 'node:net';

/** From here on, below the ports that Linux gives to outgoing connections and to servers that ask for any port. */
const FIRST = 20_000;
const PORTS = 12_000;

/**
 * A port of the loopback for a process that cannot choose one itself. It is free now, and stays free
 * until that process listens, because no other process gets it without asking for its number.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FIRST + Math.floor(Math.random() * PORTS);
    const server = createServer().listen(port, '127.0.0.1');
    const listens = await once(server, 'listening').then(
      () => true,
      () => false,
    );
    if (!listens) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
}
