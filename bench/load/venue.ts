import { join } from 'node:path';
import type { Placement } from '../suite/cores.ts';
import type { ScopeContext } from '../suite/scope.ts';
import { type ExchangeOptions, ExchangeProcess } from './exchange-process.ts';
import { LoadClient } from './load-client.ts';
import type { LoadSymbol } from './order-flow.ts';
import type { Caller, TransportName } from './transport.ts';

/** Two accounts that trade with each other, with one connection each. */
export const ACCOUNTS: readonly number[] = [1, 2];
/** Orders that each account keeps in the books. */
export const RESTING = 1000;

/** An exchange and the load generator. With the scope's own process, which sleeps meanwhile, these are three processes. */
export interface Venue {
  readonly exchange: ExchangeProcess;
  readonly load: LoadClient;
  readonly symbols: readonly LoadSymbol[];
  /** The generator's connections from now on. @param port a proxy's port instead of the exchange's */
  open(transport: TransportName, port?: number, caller?: Caller): Promise<void>;
}

export interface VenueOptions extends Pick<ExchangeOptions, 'checkout' | 'durability' | 'topology' | 'flags' | 'headers'> {
  readonly placement: Placement;
}

/**
 * Starts both, runs the work, stops the exchange as a user would, and lets `openbell
 * verify` replay its whole log: a load that leaves an inconsistent state is not a valid
 * measurement.
 */
export async function withVenue(
  context: ScopeContext,
  name: string,
  { placement, ...options }: VenueOptions,
  work: (venue: Venue) => Promise<void>,
): Promise<void> {
  const { signal, checkout, dir } = context;
  const exchange = await ExchangeProcess.start({ data: join(dir, name), checkout, signal, cores: placement.exchange, ...options });
  const load = new LoadClient(signal, placement.clients);
  try {
    const symbols = await exchange.symbols();
    const open = (transport: TransportName, port?: number, caller?: Caller): Promise<void> =>
      load.open({
        transport,
        port: port ?? (transport.startsWith('ws') ? exchange.ports.ws : exchange.ports.grpc),
        accounts: ACCOUNTS,
        symbols,
        named: symbols,
        resting: RESTING,
        caller,
      });
    await work({ exchange, load, symbols, open });
    await load.end();
    await exchange.stop();
    await exchange.verify();
  } finally {
    await load.end();
    await exchange.kill();
  }
}
