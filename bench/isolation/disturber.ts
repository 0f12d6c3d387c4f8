/** The disturber's process, forked by the scope. It connects to loopback only, and ends with its parent process. */
import { Agent, get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { Code, codeName } from '../../engine/codes.ts';
import { CommandBatch } from '../../engine/wire/frames.ts';
import { OrderType, Report, ReportKind, Side, TimeInForce } from '../../engine/wire/layout.ts';
import { connect, type OpenbellClient } from '../../gateway/client/index.ts';
import type { DisturbanceName, Disturbed, DisturberReply, DisturberRequest, OpenRequest } from './disturber-protocol.ts';

/** Queries of the history at a time, each for the longest page. */
const QUERIES = 4;
const PAGE = 1000;
/** Between two frames of the account at its throttle. */
const PAUSE_MS = 2;
const BATCH = 500;
const ANSWER_MS = 20_000;
/** Of each order of a cascade. */
const LOTS = 100;

/** Counts what comes back, without reading more of a report than it needs. */
class Session {
  readonly client: OpenbellClient;
  readonly batch = new CommandBatch(2 * BATCH);
  accepted = 0;
  throttled = 0;
  triggered = 0;
  /** Of an order that was rejected otherwise. */
  fault: string | undefined;
  #id = Date.now() * 1000;

  private constructor(client: OpenbellClient) {
    this.client = client;
    client.orders.on('closed', (error) => {
      this.fault ??= `the session ended: ${error?.message}`;
    });
    client.orders.onFrame = ({ flat, reports, reportsAt }) => {
      for (let at = reportsAt, end = reportsAt + reports * Report.bytes; at < end; at += Report.bytes) {
        const kind = flat.u8(at + Report.kind);
        if (kind === ReportKind.Accepted) this.accepted++;
        else if (kind === ReportKind.Triggered) this.triggered++;
        else if (kind === ReportKind.Rejected) this.#rejected(flat.u16(at + Report.code));
      }
    };
  }

  static async open({ grpc, ws, http }: OpenRequest['ports'], account: number): Promise<Session> {
    const session = new Session(await connect({ grpcPort: grpc, wsPort: ws, httpPort: http, account, reconnect: false }));
    await session.client.orders.ready();
    return session;
  }

  #rejected(code: number): void {
    if (code === Code.THROTTLED) this.throttled++;
    else this.fault ??= codeName(code);
  }

  nextId(): number {
    return ++this.#id;
  }

  flush(): void {
    if (this.batch.count > 0) this.client.orders.send(this.batch);
  }
}

class Disturber {
  readonly #request: OpenRequest;
  readonly #read: string[];
  readonly #agent = new Agent({ keepAlive: true, maxSockets: QUERIES });
  readonly #throttled: Session;
  readonly #stops: Session;
  readonly #bids: Session;
  #what: readonly DisturbanceName[] = [];
  /** Settled when all that was begun has ended. */
  #running: Promise<readonly PromiseSettledResult<unknown>[]> = Promise.resolve([]);
  #over = false;
  #queries = 0;
  #bytes = 0;

  private constructor(request: OpenRequest, sessions: readonly Session[]) {
    this.#request = request;
    const { accounts, ports } = request;
    const account = `http://127.0.0.1:${ports.http}/v1/accounts/${accounts.read}`;
    this.#read = [`${account}/reports?from=1&limit=${PAGE}`, `${account}/trades?limit=${PAGE}`, `${account}/orders?limit=${PAGE}`];
    [this.#throttled, this.#stops, this.#bids] = sessions;
  }

  static async open(request: OpenRequest): Promise<Disturber> {
    const { throttled, stops, bids } = request.accounts;
    return new Disturber(request, await Promise.all([throttled, stops, bids].map((account) => Session.open(request.ports, account))));
  }

  async prepare(what: readonly DisturbanceName[]): Promise<void> {
    this.#what = what;
    if (what.includes('cascade')) await this.#placeStops();
  }

  begin(afterMs: number): void {
    this.#over = false;
    [this.#queries, this.#bytes, this.#throttled.throttled, this.#stops.triggered] = [0, 0, 0, 0];
    const work = { history: () => this.#queryAll(), throttle: () => this.#flood(), cascade: () => this.#trigger(afterMs) };
    this.#running = Promise.allSettled(this.#what.map((each) => work[each]()));
  }

  /** @throws the first error of what was begun, after all of it has ended */
  async end(): Promise<Disturbed> {
    this.#over = true;
    for (const each of await this.#running) if (each.status === 'rejected') throw each.reason;
    const { throttled } = this.#throttled;
    return { queries: this.#queries, bytes: this.#bytes, throttled, triggered: this.#stops.triggered };
  }

  async #queryAll(): Promise<void> {
    const loop = async (first: number): Promise<void> => {
      for (let i = first; !this.#over; i++) this.#bytes += await this.#query(this.#read[i % this.#read.length]);
    };
    const loops = await Promise.allSettled(Array.from({ length: QUERIES }, (_, i) => loop(i)));
    for (const each of loops) if (each.status === 'rejected') throw each.reason;
  }

  #query(url: string): Promise<number> {
    return new Promise((resolve, reject) => {
      const request = get(url, { agent: this.#agent }, (response) => {
        let bytes = 0;
        if (response.statusCode !== 200) reject(new Error(`${url} was answered with ${response.statusCode}`));
        response.on('data', (chunk: Buffer) => {
          bytes += chunk.length;
        });
        response.once('end', () => {
          this.#queries++;
          resolve(bytes);
        });
      });
      request.once('error', reject);
    });
  }

  /** Orders that do not trade and never rest, by far more than the account may send. */
  async #flood(): Promise<void> {
    const { symbol, rate } = this.#request;
    const { batch } = this.#throttled;
    const from = performance.now();
    for (let sent = 0; !this.#over; await sleep(PAUSE_MS)) {
      const due = Math.min(batch.capacity, Math.floor(((performance.now() - from) / 1000) * rate) - sent);
      const price = symbol.referencePriceTicks - 1;
      for (let i = 0; i < due; i++) batch.place(symbol.id, Side.Sell, TimeInForce.FillOrKill, price, LOTS, this.#throttled.nextId());
      this.#throttled.flush();
      sent += due;
    }
  }

  /** A chain: each stop trades with the next bid, and its price triggers the next stop. */
  async #placeStops(): Promise<void> {
    const { symbol, stops } = this.#request;
    const at = (i: number): number => symbol.referencePriceTicks - 1 - i;
    this.#stops.accepted = 0;
    const [one, other] = [this.#bids.batch, this.#stops.batch];
    // The last trade is above all stops.
    for (const side of [Side.Sell, Side.Buy])
      one.place(symbol.id, side, TimeInForce.GoodTillCancel, symbol.referencePriceTicks, LOTS, this.#bids.nextId());
    this.#bids.accepted = -2;
    const gtc = { symbol: symbol.id, timeInForce: TimeInForce.GoodTillCancel, quantity: LOTS };
    for (let i = 0; i <= stops; i++) {
      one.place(symbol.id, Side.Buy, TimeInForce.GoodTillCancel, at(i), LOTS, this.#bids.nextId());
      const stop = { orderType: OrderType.Stop, stopPrice: at(i), clientOrderId: this.#stops.nextId() };
      if (i < stops) other.placeLong({ ...gtc, ...stop, side: Side.Sell });
      if (i % BATCH !== BATCH - 1 && i !== stops) continue;
      this.#bids.flush();
      this.#stops.flush();
      await this.#until(() => this.#bids.accepted >= i, 'the bids and stops are not accepted');
    }
    await this.#until(() => this.#bids.accepted === stops + 1 && this.#stops.accepted === stops, 'the bids and stops are not accepted');
  }

  async #trigger(afterMs: number): Promise<void> {
    const { symbol, stops } = this.#request;
    await sleep(afterMs);
    const { batch } = this.#bids;
    batch.place(symbol.id, Side.Sell, TimeInForce.ImmediateOrCancel, symbol.referencePriceTicks - 1, LOTS, this.#bids.nextId());
    this.#bids.flush();
    await this.#until(() => this.#stops.triggered === stops, 'the stops do not trigger');
  }

  async #until(condition: () => boolean, what: string): Promise<void> {
    for (const late = performance.now() + ANSWER_MS; !condition(); await sleep(1))
      if (performance.now() > late)
        throw new Error(
          `${what}: ${this.#bids.fault ?? this.#stops.fault ?? `no answer, ${this.#bids.accepted} bids and ${this.#stops.accepted} stops were`}`,
        );
  }
}

let disturber: Disturber | undefined;

async function answer(request: DisturberRequest): Promise<Disturbed | undefined> {
  if (request.op === 'open') disturber = await Disturber.open(request);
  else if (request.op === 'prepare') await disturber?.prepare(request.what);
  else if (request.op === 'begin') disturber?.begin(request.afterMs);
  else return await disturber?.end();
  return undefined;
}

const reply = (message: DisturberReply): void => void process.send?.(message);
process.on('disconnect', () => process.exit());
process.on('message', (request: DisturberRequest) => {
  answer(request).then(
    (disturbed) => reply(disturbed === undefined ? {} : { disturbed }),
    (error: unknown) => reply({ error: error instanceof Error ? error.message : String(error) }),
  );
});
