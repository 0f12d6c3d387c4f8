import assert from 'node:assert/strict';
import type { z } from 'zod';
import { ORDER_MESSAGES } from '../../gateway/endpoints/json/schemas/order-messages.ts';
import { Opcode, RawWebSocket } from './raw-websocket.ts';

// biome-ignore lint/suspicious/noExplicitAny: JSON of any shape, looked into by the tests
export type Message = Record<string, any>;

const SCHEMAS = new Map<string, z.ZodType>(
  ORDER_MESSAGES.filter(({ direction }) => direction === 'server').map(({ name, schema }) => [name, schema]),
);

/** A JSON session of orders. Each message has the shape of its schema. */
export class JsonOrders {
  readonly socket: RawWebSocket;
  readonly messages: Message[] = [];

  private constructor(socket: RawWebSocket) {
    this.socket = socket;
    for (const message of socket.json()) this.#take(message);
    socket.onMessage = ({ opcode, data }) => {
      if (opcode === Opcode.Text) this.#take(JSON.parse(data.toString()));
      else if (opcode === Opcode.Ping) socket.send(Opcode.Pong, data);
    };
  }

  static async open(port: number, query: string, headers: Record<string, string> = {}): Promise<JsonOrders> {
    const socket = await RawWebSocket.open(port, { path: `/v1/orders?${query}`, protocol: 'json', headers });
    assert.match(socket.status, / 101 /, socket.body);
    const session = new JsonOrders(socket);
    await session.first('session');
    return session;
  }

  #take(message: Message): void {
    const schema = SCHEMAS.get(message.kind);
    assert.ok(schema, `there is no message ${message.kind}`);
    const { error } = schema.safeParse(message);
    assert.equal(error, undefined, `${JSON.stringify(message).slice(0, 500)}: ${error?.message}`);
    this.messages.push(message);
  }

  send(request: unknown): void {
    this.socket.text(request);
  }

  of(kind: string): Message[] {
    return this.messages.filter((message) => message.kind === kind);
  }

  /** Every report so far. */
  get reports(): Message[] {
    return this.of('reports').flatMap(({ reports }) => reports);
  }

  /** Waits until `find` finds something. */
  async until<T>(find: () => T | undefined | false): Promise<T> {
    await this.socket.until(() => Boolean(find()) || this.socket.ended);
    const found = find();
    assert.ok(found, `the session ended with ${this.socket.closeCode} ${this.socket.closeReason}`);
    return found;
  }

  /** The first message of a kind, when it comes. */
  first(kind: string, which: (message: Message) => boolean = () => true): Promise<Message> {
    return this.until(() => this.of(kind).find(which));
  }

  /** The first report that fits, when it comes. */
  report(which: (report: Message) => boolean): Promise<Message> {
    return this.until(() => this.reports.find(which));
  }

  /** Sends a request with a tag, and waits for the message or the report that repeats it. */
  async ask(request: Message): Promise<Message> {
    this.send(request);
    return this.until(() => [...this.messages, ...this.reports].find(({ tag }) => tag === request.tag));
  }

  /** Balances by asset, as the messages add up. */
  get balances(): Record<string, string> {
    return Object.fromEntries(this.of('balances').flatMap(({ balances }) => balances.map((each: Message) => [each.asset, each])));
  }

  async close(): Promise<void> {
    this.socket.destroy();
    await this.socket.until(() => this.socket.ended);
  }
}
