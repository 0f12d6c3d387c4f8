import type { CommandFields } from '../machine/command.ts';
import { AccountParam, SymbolParam } from '../params.ts';
import type { TimeUs } from '../units.ts';
import { CommandKind } from '../wire/layout.ts';
import { SELF_TRADE_NAMES, type SelfTradeName } from '../wire/names.ts';
import { badName } from './embed-error.ts';
import { type Amount, countOf, type Price, type Quantity, type SymbolUnits, unitsOf } from './symbol-units.ts';

/** Parameters of a symbol; what is left out stays as it is. docs/CONFIGURATION.md explains each. Rates are in parts per million. */
export interface SymbolSettings {
  /** Highest price, at most 2^26 ticks. Can change only while the book is empty, as `tickStep`. */
  readonly maxPrice?: Price;
  /** Prices are multiples of it. */
  readonly tickStep?: Price;
  /** Quantities are multiples of it. */
  readonly lotStep?: Quantity;
  readonly minQuantity?: Quantity;
  readonly maxQuantity?: Quantity;
  /** Smallest displayed quantity of an iceberg. */
  readonly minDisplayed?: Quantity;
  /** Price times quantity, in the quote asset. */
  readonly minNotional?: Amount;
  readonly maxNotional?: Amount;
  /** How far a buy may be above, or a sell below, the reference price; 0 = any. */
  readonly priceBandPpm?: number;
  /** Of the notional. A maker's fee below 0 is a rebate, which the taker's fee must cover. */
  readonly takerFeePpm?: number;
  readonly makerFeePpm?: number;
  readonly referencePrice?: Price;
  /** What moves the reference price: each trade (default), or `setReference` only. */
  readonly referenceSource?: 'trades' | 'outside';
  /** End of the session, at which day orders expire; 0 = none. */
  readonly sessionEndUs?: TimeUs;
  /** Volatility bands, docs/TRADING-RULES.md; 0 = none. */
  readonly staticBandPpm?: number;
  readonly dynamicBandPpm?: number;
  /** Length of a volatility auction, of its extension, and of the random time behind it, microseconds. */
  readonly volatilityUs?: number;
  readonly volatilityExtensionUs?: number;
  readonly volatilityRandomUs?: number;
  readonly wideBandPpm?: number;
  readonly volatilityProfile?: 'auction' | 'limit-up-down';
  /** The price of a call auction among several with the same volume and surplus. */
  readonly auctionPrice?: 'nearest' | 'limits' | 'middle';
}

/** Parameters of an account; what is left out stays as it is. */
export interface AccountSettings {
  /** New orders and amends are rejected; cancels are accepted. */
  readonly suspended?: boolean;
  readonly maxOpenOrders?: number;
  /** Self-trade prevention of orders that do not name a mode. */
  readonly selfTrade?: SelfTradeName;
  /** Accounts of one group count as one for self-trade prevention; 0 = none. */
  readonly group?: number;
  /** New orders and amends; 0 = no limit. */
  readonly commandsPerSecond?: number;
  readonly commandBurst?: number;
  /** New orders and amends per fill; 0 = no limit. */
  readonly orderToTrade?: number;
}

type Read = (value: never, units: SymbolUnits) => number;

const price = (value: Price, units: SymbolUnits): number => units.ticks(value);
const lots = (value: Quantity, units: SymbolUnits): number => units.lots(value);
const money = (value: Amount, { quoteDecimals }: SymbolUnits): number =>
  unitsOf(value, { mantissa: 1, decimals: quoteDecimals }, 'notional');
const count = (value: number): number => countOf(value, 'setting');
const signed = (value: number): number => (value < 0 ? -count(-value) : count(value));
const oneOf =
  (what: string, names: readonly string[]) =>
  (value: string): number => {
    const index = names.indexOf(value);
    return index === -1 ? badName(what, value, names) : index;
  };

/** In the order in which they are set: MaxPrice first, because it sets the size of the ladder; the taker's fee before the maker's, which it covers. */
const SYMBOL_ROWS: readonly (readonly [keyof SymbolSettings, SymbolParam, Read])[] = [
  ['maxPrice', SymbolParam.MaxPrice, price],
  ['tickStep', SymbolParam.TickStep, price],
  ['lotStep', SymbolParam.LotStep, lots],
  ['minQuantity', SymbolParam.MinQuantity, lots],
  ['maxQuantity', SymbolParam.MaxQuantity, lots],
  ['minDisplayed', SymbolParam.MinDisplayed, lots],
  ['minNotional', SymbolParam.MinNotional, money],
  ['maxNotional', SymbolParam.MaxNotional, money],
  ['priceBandPpm', SymbolParam.PriceBandPpm, count],
  ['takerFeePpm', SymbolParam.TakerFeePpm, count],
  ['makerFeePpm', SymbolParam.MakerFeePpm, signed],
  ['referencePrice', SymbolParam.ReferencePrice, price],
  ['referenceSource', SymbolParam.ReferenceSource, oneOf('reference source', ['trades', 'outside'])],
  ['sessionEndUs', SymbolParam.SessionEnd, count],
  ['staticBandPpm', SymbolParam.StaticBandPpm, count],
  ['dynamicBandPpm', SymbolParam.DynamicBandPpm, count],
  ['volatilityUs', SymbolParam.VolatilityUs, count],
  ['volatilityExtensionUs', SymbolParam.VolatilityExtensionUs, count],
  ['wideBandPpm', SymbolParam.WideBandPpm, count],
  ['volatilityRandomUs', SymbolParam.VolatilityRandomUs, count],
  ['volatilityProfile', SymbolParam.VolatilityProfile, oneOf('volatility profile', ['auction', 'limit-up-down'])],
  ['auctionPrice', SymbolParam.AuctionPrice, oneOf('auction price', ['nearest', 'limits', 'middle'])],
];
export const SYMBOL_SETTINGS: readonly string[] = SYMBOL_ROWS.map(([name]) => name);
const SYMBOL_NAMES: ReadonlyMap<number, string> = new Map(SYMBOL_ROWS.map(([name, parameter]) => [parameter, name]));

const ACCOUNT_ROWS: readonly (readonly [keyof AccountSettings, AccountParam, (value: never) => number])[] = [
  ['suspended', AccountParam.Suspended, (value: boolean) => Number(value)],
  ['maxOpenOrders', AccountParam.MaxOpenOrders, count],
  ['selfTrade', AccountParam.SelfTradeMode, oneOf('self-trade mode', SELF_TRADE_NAMES)],
  ['group', AccountParam.Group, count],
  ['commandsPerSecond', AccountParam.CommandsPerSecond, count],
  ['commandBurst', AccountParam.CommandBurst, count],
  ['orderToTrade', AccountParam.OrderToTrade, count],
];
export const ACCOUNT_SETTINGS: readonly string[] = ACCOUNT_ROWS.map(([name]) => name);
const ACCOUNT_NAMES: ReadonlyMap<number, string> = new Map(ACCOUNT_ROWS.map(([name, parameter]) => [parameter, name]));

/** The commands that set parameters of a symbol. @param takerNow the taker's fee in force @throws EmbedError */
export function symbolCommands(settings: SymbolSettings, units: SymbolUnits, takerNow: number): CommandFields[] {
  const commands = SYMBOL_ROWS.flatMap(([name, parameter, read]) => {
    const given = settings[name];
    if (given === undefined) return [];
    const value = read(given as never, units);
    const side = value < 0 ? 1 : 0;
    return [{ kind: CommandKind.SetSymbol, symbol: units.id, parameter, side, quantity: Math.abs(value) }];
  });
  // If the taker's fee falls, the maker's comes first, so that the fees in between cover a rebate.
  if ((settings.takerFeePpm ?? takerNow) >= takerNow) return commands;
  const isMaker = ({ parameter }: CommandFields): boolean => parameter === SymbolParam.MakerFeePpm;
  return [...commands.filter(isMaker), ...commands.filter((command) => !isMaker(command))];
}

/** The commands that set parameters of an account. @throws EmbedError */
export function accountCommands(settings: AccountSettings, account: number): CommandFields[] {
  return ACCOUNT_ROWS.flatMap(([name, parameter, read]) => {
    const given = settings[name];
    return given === undefined ? [] : [{ kind: CommandKind.SetAccount, account, parameter, quantity: read(given as never) }];
  });
}

/** The setting that a command of {@link symbolCommands} or {@link accountCommands} changes. */
export function settingName({ kind, parameter = 0 }: CommandFields): string {
  return (kind === CommandKind.SetSymbol ? SYMBOL_NAMES : ACCOUNT_NAMES).get(parameter) ?? 'a setting';
}
