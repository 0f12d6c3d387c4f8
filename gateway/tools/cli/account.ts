import { type Command, Option } from 'commander';
import type { LinkView } from '../../client/index.ts';
import { stopWords } from '../../order-words.ts';
import { accountId, askAdmin, type ConnectionFlags, connectionOptions, count, print, printJson, table } from './connection.ts';
import { ExitCode, run } from './exit.ts';

export interface AccountJson {
  readonly id: number;
  readonly name: string;
  readonly suspended: boolean;
  readonly killSwitches: {
    readonly account: boolean;
    readonly group: boolean;
    readonly venue: boolean;
    readonly symbols: readonly string[];
  };
  readonly group: number;
  readonly commandsPerSecond: number;
  readonly commandBurst: number;
  readonly orderToTrade: number;
  readonly selfTrade: string;
  readonly feeTiers: readonly {
    readonly table: number;
    readonly tier: number;
    readonly given?: boolean;
    readonly asset: string;
    readonly volume?: string;
  }[];
  readonly positionLimits: readonly {
    readonly symbol: string;
    readonly position: string;
    readonly maxPosition: string;
    readonly openBuys: string;
    readonly openSells: string;
    readonly maxExposure: string;
  }[];
  readonly protection?: {
    readonly windowUs: number;
    readonly fills: number;
    readonly lots: number;
    readonly netLots: number;
    readonly triggered: boolean;
  };
  readonly openOrders: number;
  readonly maxOpenOrders: number;
  readonly balances: readonly { readonly asset: string; readonly available: string; readonly reserved: string }[];
}

interface OrderJson {
  readonly orderId: number;
  readonly symbol: string;
  readonly side: string;
  readonly timeInForce: string;
  readonly price: string;
  readonly priceTicks: number;
  /** Of a stop that waits. */
  readonly stopPrice?: string;
  readonly trigger?: string;
  readonly trailOffset?: string;
  readonly trailPpm?: number;
  readonly activationPrice?: string;
  readonly limitOffset?: string;
  /** Microseconds since the Unix epoch. */
  readonly endUs?: number;
  /** Left out where the exchange does not have it any more. */
  readonly acceptedUs?: number;
  readonly selfTrade?: string;
  /** It is a side of a quote. */
  readonly quote?: true;
  /** `market`: a market order of an auction, whose price is the worst one that it can get. */
  readonly type?: string;
  readonly session?: number;
  readonly linked?: LinkView;
  /** Of an order that waits for fills of another one. */
  readonly parentOrderId?: number;
  readonly childOrderIds?: readonly number[];
  readonly toCome?: string;
  readonly hidden?: boolean;
  /** Of a pegged order. */
  readonly peg?: string;
  readonly pegOffset?: string;
  readonly limitPrice?: string;
  readonly parked?: boolean;
  readonly pegged?: boolean;
  /** Of an iceberg. */
  readonly displayedQuantity?: string;
  readonly displayedNow?: string;
  readonly quantity?: string;
  readonly leaves: string;
  readonly filled: string;
  readonly status: string;
}

type Trail = Pick<OrderJson, 'trailOffset' | 'trailPpm' | 'activationPrice' | 'limitOffset'>;

interface TradeJson {
  readonly tradeId: number;
  readonly symbol: string;
  readonly side: string;
  readonly price: string;
  readonly quantity: string;
  readonly fee: string;
  readonly maker: boolean;
  readonly timeUs: number;
}

interface Flags extends ConnectionFlags {
  readonly orders?: true;
  readonly trades?: true;
  readonly limit: number;
}

/** Adds `openbell account ID`. @returns the command, for further ones below it */
export function accountCommand(program: Command): Command {
  const command = program.command('account').summary('accounts: show, list, define, change, suspend').helpCommand(false);
  accountView(command, 'account');
  return command;
}

/** @param named how the command is called */
export function accountView(command: Command, named: string): void {
  command
    .description('Shows an account: its balances and open orders, or its orders or trades out of the history.')
    .argument('<id>', 'the account', accountId)
    .addOption(new Option('--orders', 'all its orders, newest first').conflicts('trades'))
    .addOption(new Option('--trades', 'its trades, newest first'))
    .option('--limit <count>', 'how many of them', count(1000), 20)
    .addHelpText(
      'after',
      `
Examples:
  openbell ${named} 1
  openbell ${named} 1 --orders
  openbell ${named} 1 --trades --limit 5 --json`,
    );
  connectionOptions(command).action((id: number) =>
    run(async () => {
      // Commander gives `account` the options that it has in common with a command below it.
      const flags = command.optsWithGlobals<Flags>();
      if (flags.orders) {
        const page = await askAdmin<{ orders: OrderJson[] }>(flags, `/v1/accounts/${id}/orders?limit=${flags.limit}`);
        if (flags.json) printJson(page);
        else print(orderTable(page.orders));
      } else if (flags.trades) {
        const page = await askAdmin<{ trades: TradeJson[] }>(flags, `/v1/accounts/${id}/trades?limit=${flags.limit}`);
        if (flags.json) printJson(page);
        else print(tradeTable(page.trades));
      } else {
        const account = await askAdmin<AccountJson>(flags, `/v1/accounts/${id}`);
        const { orders } = await askAdmin<{ orders: OrderJson[] }>(flags, `/v1/accounts/${id}/open-orders?limit=${flags.limit}`);
        if (flags.json) printJson({ ...account, orders });
        else print(`${accountText(account)}\n\n${orderTable(orders)}`);
      }
      return ExitCode.Ok;
    }),
  );
}

function accountText(account: AccountJson): string {
  const rows = account.balances.map(({ asset, available, reserved }) => [asset, available, reserved]);
  return `${accountHeading(account)}\n\n${table([['asset', 'available', 'reserved'], ...rows])}${positionTable(account)}`;
}

/** The limits by symbol, after an empty line; nothing if there are none. */
export function positionTable({ positionLimits }: AccountJson): string {
  if (positionLimits.length === 0) return '';
  const none = (limit: string): string => (/^[0.]+$/.test(limit) ? 'none' : limit);
  const rows = positionLimits.map((l) => [l.symbol, l.position, none(l.maxPosition), l.openBuys, l.openSells, none(l.maxExposure)]);
  return `\n\n${table([['symbol', 'position', 'max position', 'open buys', 'open sells', 'max exposure'], ...rows])}`;
}

function protectionText({ windowUs, fills, lots, netLots, triggered }: NonNullable<AccountJson['protection']>): string {
  const limits = [fills !== 0 && `${fills} fills`, lots !== 0 && `${lots} lots`, netLots !== 0 && `${netLots} net lots`];
  return `protection of quotes: ${limits.filter((text) => text !== false).join(', ')} in ${windowUs / 1e6} s${triggered ? ', triggered' : ''}`;
}

function feeTierText({ table, tier, given, asset, volume }: AccountJson['feeTiers'][number]): string {
  const notes = [given === true && 'given by the operator', volume !== undefined && `${volume} ${asset} in 30 days`];
  return `fee tier ${tier} of table ${table} (${notes.filter((text) => text !== false).join(', ')})`;
}

/** Those that are on, the account's own first. */
function killSwitchText({ account, group, venue, symbols }: AccountJson['killSwitches']): string | false {
  const scopes = [account && 'account', group && 'group', ...symbols, venue && 'venue'].filter((scope) => scope !== false);
  return scopes.length > 0 && `kill switch on: ${scopes.join(', ')}`;
}

/** One line: who it is, and what limits it. */
export function accountHeading(account: AccountJson): string {
  const {
    id,
    name,
    suspended,
    killSwitches,
    group,
    commandsPerSecond,
    commandBurst,
    orderToTrade,
    selfTrade,
    openOrders,
    maxOpenOrders,
    feeTiers,
  } = account;
  const states = [
    suspended && 'suspended',
    killSwitchText(killSwitches),
    group !== 0 && `group ${group}`,
    commandsPerSecond !== 0 && `${commandsPerSecond} commands/s, ${commandBurst || commandsPerSecond} at once`,
    orderToTrade !== 0 && `${orderToTrade} orders per fill`,
    selfTrade !== 'default' && `self-trade prevention ${selfTrade}`,
    account.protection !== undefined && protectionText(account.protection),
    ...feeTiers.map(feeTierText),
  ].filter((text) => text !== false);
  return `account ${id} (${name})${states.map((text) => `, ${text}`).join('')}: ${openOrders} of ${maxOpenOrders} open orders`;
}

function orderTable(orders: readonly OrderJson[]): string {
  if (orders.length === 0) return 'no orders';
  const rows = orders.map((o) => [o.orderId, o.symbol, o.side, priceOf(o), o.leaves, o.filled, acceptedText(o), statusText(o)]);
  return table([['order', 'symbol', 'side', 'price', 'open', 'filled', 'accepted', 'status'], ...rows]);
}

function acceptedText({ acceptedUs }: OrderJson): string {
  return acceptedUs === undefined ? '-' : clockText(acceptedUs);
}

/** A price of 0 is that of a market order, or of a parked one. Of an order that has ended, it is the last one that was reported. */
function priceOf({ priceTicks, price, type, peg, pegged }: OrderJson): string {
  if (priceTicks !== 0 && type !== 'market') return price;
  return peg === undefined && !pegged ? 'market' : '-';
}

/** Kinds of lists of two orders. */
export const LINK_TEXTS: Readonly<Record<LinkView['kind'], string>> = { oco: 'one cancels other', ouo: 'one updates other' };

/** The children of a parent. */
export function childrenText(ids: readonly number[]): string {
  return `parent of order${ids.length === 1 ? '' : 's'} ${ids.join(' and ')}`;
}

/** Of what an order is pegged to. */
export function pegText({ peg, pegOffset, limitPrice }: Pick<OrderJson, 'peg' | 'pegOffset' | 'limitPrice'>): string {
  return `pegged to ${peg}, offset ${pegOffset}, limit ${limitPrice}`;
}

/** The time in force, unless it is the usual one, or the end says it; and up to which price a market order of an auction trades. */
function timeText({ timeInForce, type, priceTicks, price }: OrderJson): string | false {
  if (timeInForce === 'gtc' || timeInForce === 'gtd') return false;
  return type === 'market' && priceTicks !== 0 ? `${timeInForce}, worst price ${price}` : timeInForce;
}

/** How a trailing stop follows. */
export function trailText({ trailOffset, trailPpm, activationPrice, limitOffset }: Trail): string | false {
  const offset = trailPpm === undefined ? trailOffset : `${trailPpm / 10_000}%`;
  if (offset === undefined) return false;
  const rest = [
    activationPrice !== undefined && `, activation price ${activationPrice}`,
    limitOffset !== undefined && `, limit offset ${limitOffset}`,
  ];
  return `trailing by ${offset}${rest.filter((text) => text !== false).join('')}`;
}

/** What of an order waits for fills of its parent. */
function childText({ parentOrderId, toCome, leaves }: OrderJson): string | false {
  if (toCome === undefined) return false;
  const part = toCome === leaves ? '' : `${toCome} of it `;
  return parentOrderId === undefined ? `${part}not live yet` : `${part}not live before fills of order ${parentOrderId}`;
}

function statusText(order: OrderJson): string {
  const {
    status,
    endUs,
    selfTrade,
    linked,
    childOrderIds,
    displayedQuantity,
    displayedNow,
    hidden,
    session,
    quote,
    peg,
    pegOffset,
    limitPrice,
    parked,
  } = order;
  const parts = [
    `${status}${stopWords(order)}`,
    trailText(order),
    timeText(order),
    quote === true && 'quote',
    parked === true && 'parked',
    peg !== undefined && pegText({ peg, pegOffset, limitPrice }),
    hidden === true && 'hidden',
    displayedQuantity !== undefined &&
      `iceberg, displays ${displayedQuantity} at a time${displayedNow === undefined ? '' : `, ${displayedNow} now`}`,
    endUs !== undefined && `until ${clockText(endUs)}`,
    selfTrade !== undefined && `self-trade prevention ${selfTrade}`,
    linked !== undefined && `${LINK_TEXTS[linked.kind]}, with order ${linked.orderId}`,
    childText(order),
    childOrderIds !== undefined && childrenText(childOrderIds),
    session !== undefined && `cancelled when session ${session} ends`,
  ];
  return parts.filter((part) => part !== false).join(', ');
}

function tradeTable(trades: readonly TradeJson[]): string {
  if (trades.length === 0) return 'no trades';
  const rows = trades.map((t) => [
    clockText(t.timeUs),
    t.symbol,
    t.side,
    t.price,
    t.quantity,
    t.fee,
    t.maker ? 'maker' : 'taker',
    t.tradeId,
  ]);
  return table([['time', 'symbol', 'side', 'price', 'quantity', 'fee', 'as', 'trade'], ...rows]);
}

export function clockText(us: number): string {
  return new Date(us / 1000).toISOString();
}
