import type { CommandFields } from '../../engine/machine/command.ts';
import { AccountParam, LimitParam, SymbolParam, type SymbolParamName } from '../../engine/params.ts';
import { CommandKind, KillScope, type Side } from '../../engine/wire/layout.ts';
import type { AssetConfig } from '../config/config-asset.ts';
import type { AccountConfig } from '../config/config-file.ts';
import type { SymbolConfig } from '../config/config-symbol.ts';

/** Taker before maker: a rebate requires the fee that pays for it. MaxPrice first: it sets the size of the ladder. */
export const PARAM_ORDER: readonly SymbolParamName[] = [
  'MaxPrice',
  'TickStep',
  'LotStep',
  'MinQuantity',
  'MaxQuantity',
  'MinDisplayed',
  'MinNotional',
  'MaxNotional',
  'PriceBandPpm',
  'TakerFeePpm',
  'MakerFeePpm',
  'FeeTierTable',
  'ReferencePrice',
  'ReferenceSource',
  'SessionEnd',
  'StaticBandPpm',
  'DynamicBandPpm',
  'VolatilityUs',
  'VolatilityExtensionUs',
  'WideBandPpm',
  'VolatilityRandomUs',
  'VolatilityProfile',
  'AuctionPrice',
];

export function defineAsset({ id, decimals, name }: AssetConfig): CommandFields {
  return { kind: CommandKind.DefineAsset, symbol: id, tag: decimals, name };
}

export function defineSymbol(symbol: Omit<SymbolConfig, 'params' | 'phase'>): CommandFields {
  return {
    kind: CommandKind.DefineSymbol,
    symbol: symbol.id,
    account: symbol.base.id,
    tag: symbol.quote.id,
    side: symbol.tickDecimals,
    timeInForce: symbol.lotDecimals,
    clientOrderId: symbol.tickMantissa,
    orderId: symbol.lotMantissa,
    name: symbol.name,
  };
}

/** @param boundaryUs time of the calendar's boundary that it applies; 0: the operator's command */
export function setPhase(symbol: number, phase: number, subPhase = 0, boundaryUs = 0): CommandFields {
  return { kind: CommandKind.SetPhase, symbol, parameter: phase, side: subPhase, quantity: boundaryUs };
}

export function uncross(symbol: number): CommandFields {
  return { kind: CommandKind.Uncross, symbol };
}

/** `side` 1 marks a negative value: a maker's rebate. */
export function setSymbol(symbol: number, name: SymbolParamName, value: number): CommandFields {
  return { kind: CommandKind.SetSymbol, symbol, parameter: SymbolParam[name], side: value < 0 ? 1 : 0, quantity: Math.abs(value) };
}

/** The reference price of a symbol whose parameter ReferenceSource is Outside. The gateway's own command: no operator sends it. */
export function setReference(symbol: number, ticks: number): CommandFields {
  return { kind: CommandKind.SetReference, symbol, quantity: ticks };
}

/** {@link PARAM_ORDER}; the maker fee comes first if the taker fee falls, so that the fees in force in between cover the rebate. @param now parameters in force */
export function paramOrder(params: SymbolConfig['params'], now: SymbolConfig['params'] = {}): readonly SymbolParamName[] {
  if ((params.TakerFeePpm ?? 0) >= (now.TakerFeePpm ?? 0)) return PARAM_ORDER;
  return ['MakerFeePpm', ...PARAM_ORDER.filter((name) => name !== 'MakerFeePpm')];
}

/** Those of the parameters that are given. @param now parameters in force */
export function setParameters(symbol: number, params: SymbolConfig['params'], now?: SymbolConfig['params']): CommandFields[] {
  return paramOrder(params, now).flatMap((name) => {
    const value = params[name];
    return value === undefined ? [] : [setSymbol(symbol, name, value)];
  });
}

export function defineAccount({ id, name }: Pick<AccountConfig, 'id' | 'name'>): CommandFields {
  return { kind: CommandKind.DefineAccount, account: id, name };
}

/** @param parameter of {@link AccountParam} */
export function setAccount(account: number, parameter: number, quantity: number): CommandFields {
  return { kind: CommandKind.SetAccount, account, parameter, quantity };
}

/** @param tier of the table, 0 = the fees of the symbol; undefined: the one by volume */
export function giveFeeTier(account: number, table: number, tier: number | undefined): CommandFields {
  return { ...setAccount(account, AccountParam.FeeTier, tier === undefined ? 0 : tier + 1), symbol: table };
}

/** @param cancel also cancels what rests; the command is sent again while more is left */
export function suspend(account: number, cancel: boolean): CommandFields {
  return setAccount(account, AccountParam.Suspended, cancel ? 2 : 1);
}

/** @param units of the asset's smallest */
export function deposit(account: number, asset: number, units: number): CommandFields {
  return { kind: CommandKind.Deposit, account, symbol: asset, quantity: units };
}

/** The orders that {@link cancelOrders} names: one order, or all of an account, of a symbol, or of an account in a symbol. */
export interface OrderSelection {
  readonly account?: number;
  /** Id of the symbol. */
  readonly symbol?: number;
  readonly orderId?: number;
  /** Needs the account. */
  readonly clientOrderId?: number;
}

/** The gateway's own command: no client and no operator sends it. */
export function cancelSession(account: number, session: number): CommandFields {
  return { kind: CommandKind.CancelSession, account, quantity: session };
}

export function cancelOrders(selection: OrderSelection): CommandFields {
  return { kind: CommandKind.CancelOrders, ...selection };
}

/** @param symbol 0 = all @param side undefined = both */
export function cancelGroup(group: number, symbol: number, side: Side | undefined): CommandFields {
  return { kind: CommandKind.CancelGroup, tag: group, symbol, quantity: side === undefined ? 0 : side + 1 };
}

/** @param parameter of LimitParam @param lots 0 = no limit */
export function setLimit(account: number, symbol: number, parameter: number, lots: number): CommandFields {
  return { kind: CommandKind.SetLimit, account, symbol, parameter, quantity: lots };
}

/** @param id of the account, group or symbol; 0 for the venue */
export function killSwitch(scope: KillScope, id: number, on: boolean): CommandFields {
  const field = { [KillScope.Account]: 'account', [KillScope.Group]: 'tag', [KillScope.Symbol]: 'symbol', [KillScope.Venue]: undefined }[
    scope
  ];
  return { kind: CommandKind.KillSwitch, parameter: scope, quantity: on ? 1 : 0, ...(field && { [field]: id }) };
}

/** All commands that define a symbol. */
export function makeSymbol(symbol: SymbolConfig): CommandFields[] {
  return [defineSymbol(symbol), ...setParameters(symbol.id, symbol.params), setPhase(symbol.id, symbol.phase)];
}

/** All commands that define an account. */
export function makeAccount({ id, name, maxOpenOrders, suspended, feeTiers, deposits }: AccountConfig): CommandFields[] {
  return [
    defineAccount({ id, name }),
    setAccount(id, AccountParam.MaxOpenOrders, maxOpenOrders),
    ...(suspended ? [setAccount(id, AccountParam.Suspended, 1)] : []),
    ...feeTiers.map(({ table, tier }) => giveFeeTier(id, table, tier)),
    ...deposits.map(({ asset, amount }) => deposit(id, asset.id, amount)),
  ];
}

/** A command as named fields for programs: what it does, and the ids concerned. */
export interface CommandWords {
  readonly command: string;
  readonly account?: number;
  readonly symbol?: number;
  readonly asset?: number;
  readonly group?: number;
  /** As the configuration names it. */
  readonly parameter?: string;
}

const SYMBOL_PARAMETERS: Readonly<Record<SymbolParamName, string>> = {
  MaxPrice: 'limits.max-price',
  TickStep: 'limits.tick-step',
  LotStep: 'limits.lot-step',
  MinQuantity: 'limits.min-quantity',
  MaxQuantity: 'limits.max-quantity',
  MinDisplayed: 'limits.min-displayed',
  MinNotional: 'limits.min-notional',
  MaxNotional: 'limits.max-notional',
  PriceBandPpm: 'price-band',
  TakerFeePpm: 'fees.taker',
  MakerFeePpm: 'fees.maker',
  FeeTierTable: 'fees.tiers',
  ReferencePrice: 'reference-price',
  RiskModel: 'risk-model',
  SessionEnd: 'session-end',
  StaticBandPpm: 'volatility.static-band',
  DynamicBandPpm: 'volatility.dynamic-band',
  VolatilityUs: 'volatility.duration',
  VolatilityExtensionUs: 'volatility.extension',
  WideBandPpm: 'volatility.wide-band',
  VolatilityRandomUs: 'volatility.random-end',
  VolatilityProfile: 'volatility.profile',
  AuctionPrice: 'auction-price',
  ReferenceSource: 'reference-source',
};

/** A parameter of a symbol as the configuration names it, such as `fees.taker`. */
export function parameterWord(name: SymbolParamName): string {
  return SYMBOL_PARAMETERS[name];
}

const PARAM_NAMES = Object.keys(SYMBOL_PARAMETERS) as SymbolParamName[];
const ACCOUNT_PARAMETERS: Readonly<Record<number, string>> = {
  [AccountParam.Suspended]: 'suspended',
  [AccountParam.MaxOpenOrders]: 'max-open-orders',
  [AccountParam.SelfTradeMode]: 'self-trade',
  [AccountParam.Group]: 'group',
  [AccountParam.CommandsPerSecond]: 'commands-per-second',
  [AccountParam.CommandBurst]: 'command-burst',
  [AccountParam.OrderToTrade]: 'order-to-trade',
  [AccountParam.FeeTier]: 'fee-tier',
};

/** @param fields of an administrative command */
export function commandWords({ kind, account = 0, symbol = 0, parameter = 0, tag = 0 }: CommandFields): CommandWords {
  switch (kind) {
    case CommandKind.DefineAsset:
      return { command: 'define-asset', asset: symbol };
    case CommandKind.DefineSymbol:
      return { command: 'define-symbol', symbol };
    case CommandKind.SetSymbol: {
      const name = PARAM_NAMES.find((each) => SymbolParam[each] === parameter);
      return { command: 'set-symbol', symbol, parameter: name === undefined ? String(parameter) : parameterWord(name) };
    }
    case CommandKind.SetPhase:
      return { command: 'set-phase', symbol };
    case CommandKind.Uncross:
      return { command: 'uncross', symbol };
    case CommandKind.DefineAccount:
      return { command: 'define-account', account };
    case CommandKind.SetAccount:
      return { command: 'set-account', account, parameter: ACCOUNT_PARAMETERS[parameter] ?? String(parameter) };
    case CommandKind.Deposit:
      return { command: 'deposit', account, asset: symbol };
    case CommandKind.Withdraw:
      return { command: 'withdraw', account, asset: symbol };
    case CommandKind.CancelOrders:
      return { command: 'cancel-orders', ...(account !== 0 && { account }), ...(symbol !== 0 && { symbol }) };
    case CommandKind.SetLimit:
      return { command: 'set-limit', account, symbol, parameter: parameter === LimitParam.MaxPosition ? 'max-position' : 'max-exposure' };
    case CommandKind.KillSwitch:
      return {
        command: 'kill-switch',
        ...(account !== 0 && { account }),
        ...(tag !== 0 && { group: tag }),
        ...(symbol !== 0 && { symbol }),
      };
    case CommandKind.SetFeeTier:
      return { command: 'set-fee-tier', asset: symbol, parameter: `${parameter}` };
    case CommandKind.SetReference:
      return { command: 'set-reference', symbol };
    case CommandKind.CancelGroup:
      return { command: 'cancel-group', group: tag, ...(symbol !== 0 && { symbol }) };
    case CommandKind.CancelSession:
      return { command: 'cancel-session', account };
    default:
      return { command: `command-${kind}` };
  }
}
