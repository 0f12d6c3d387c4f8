import { type DescMessage, fromBinary } from '@bufbuild/protobuf';
import { Code } from '../../../../engine/codes.ts';
import { type Channel, MarketOp } from '../../../../engine/wire/layout.ts';
import { marketRequest } from '../../../../engine/wire/market-frames.ts';
import type { Identity, Visit } from '../../../identity/identity.ts';
import type { Principal } from '../../../identity/principal.ts';
import { flatbuffer } from '../../../market/formats/flatbuffer.ts';
import type { MarketData } from '../../../market/market-data.ts';
import { type Reject, reject } from '../../../reject.ts';
import { ownerOf } from '../../../sessions/order-sessions.ts';
import type { GrpcCall } from '../call.ts';
import { OneRequest } from '../one-request.ts';
import { MarketStream } from './market-stream.ts';
import type { OpenCalls } from './open-calls.ts';
import { richStatusOf } from './rich-status.ts';
import type { SymbolEntry, SymbolTable } from './symbol-table.ts';

/** Symbols of a stream. */
const MAX_SYMBOLS = 100;

/** Streams of the service MarketData. */
export class MarketStreams {
  readonly #market: MarketData;
  readonly #identity: Pick<Identity, 'forbid'>;
  readonly #symbols: SymbolTable;
  readonly #open: OpenCalls;

  constructor(market: MarketData, identity: Pick<Identity, 'forbid'>, symbols: SymbolTable, open: OpenCalls) {
    this.#open = open;
    this.#market = market;
    this.#identity = identity;
    this.#symbols = symbols;
  }

  /** Serves a subscription of an authenticated caller to a channel. @param schema of the request, which has `symbols` */
  subscribe(call: GrpcCall, schema: DescMessage, channel: Channel, principal: Principal, visit: Visit): void {
    let stream: MarketStream | undefined;
    const begin = (bytes: Buffer): void => {
      const symbols = this.#identity.forbid(principal, 'market:read', visit) ?? this.#requested(schema, bytes);
      if ('code' in symbols) return call.fail(richStatusOf(symbols));
      const market = this.#market;
      if (!market.hasRoom()) return call.fail(richStatusOf(reject(Code.BUSY, 'too many readers of market data: try again later')));
      call.accept({});
      this.#open.add(call);
      stream = new MarketStream(call, market, this.#symbols);
      const connection = market.open(stream, flatbuffer, principal.expiresAt, ownerOf(principal, visit));
      stream.connect(connection);
      for (const { id } of symbols) market.onRequest(connection, marketRequest(MarketOp.Subscribe, channel, id, 0), true);
    };
    const onClose = (): void => {
      this.#open.delete(call);
      stream?.onClose();
    };
    call.serve(new OneRequest(call, begin, { onWritten: () => stream?.onWritten(), onClose }));
  }

  #requested(schema: DescMessage, bytes: Buffer): readonly SymbolEntry[] | Reject {
    let names: readonly string[];
    try {
      ({ symbols: names } = fromBinary(schema, bytes) as unknown as { readonly symbols: readonly string[] });
    } catch {
      return reject(Code.MALFORMED_FRAME, `the message is not a ${schema.name}`);
    }
    if (names.length < 1 || names.length > MAX_SYMBOLS)
      return reject(Code.BAD_SUBSCRIPTION, `symbols has 1 to ${MAX_SYMBOLS} names of symbols, not ${names.length}`);
    const symbols: SymbolEntry[] = [];
    for (const name of new Set(names)) {
      const symbol = this.#symbols.byName(name);
      if (symbol === undefined) return reject(Code.UNKNOWN_SYMBOL, `there is no symbol ${name.slice(0, 64)}`);
      symbols.push(symbol);
    }
    return symbols;
  }
}
