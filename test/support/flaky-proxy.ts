import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { resetSocket } from '../../feeds/lines/reset-socket.ts';

/** A TCP proxy that can cut its connections, or stop reading from the exchange, like a reader on a poor connection. */
export class FlakyProxy {
  port = 0;
  connections = 0;
  /** Cuts new connections at once. */
  refuse = false;
  /** The port that new connections lead to. */
  target: number;
  readonly #server: Server;
  readonly #pairs = new Set<{ client: Socket; upstream: Socket }>();
  #stalled = false;

  private constructor(target: number) {
    this.target = target;
    this.#server = createServer((client) => {
      this.connections++;
      if (this.refuse) return void client.destroy();
      const upstream = connect({ port: this.target, host: '127.0.0.1' });
      const pair = { client, upstream };
      this.#pairs.add(pair);
      for (const [from, to] of [
        [client, upstream],
        [upstream, client],
      ]) {
        from.on('error', () => to.destroy());
        from.on('close', () => {
          this.#pairs.delete(pair);
          to.destroy();
        });
      }
      client.pipe(upstream);
      upstream.on('data', (data) => {
        client.write(data);
      });
      if (this.#stalled) upstream.pause();
    });
  }

  static async start(target: number): Promise<FlakyProxy> {
    const proxy = new FlakyProxy(target);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    proxy.port = (proxy.#server.address() as AddressInfo).port;
    return proxy;
  }

  /** Kills every connection, with a reset where that works. */
  cut(): void {
    for (const { client, upstream } of [...this.#pairs]) {
      resetSocket(upstream);
      resetSocket(client);
    }
  }

  stall(): void {
    this.#stalled = true;
    for (const { upstream } of this.#pairs) upstream.pause();
  }

  flow(): void {
    this.#stalled = false;
    for (const { upstream } of this.#pairs) upstream.resume();
  }

  stop(): void {
    this.cut();
    this.#server.close();
  }
}
