import { unitsToDecimal } from '../../../engine/decimal.ts';
import { configuredCapacities } from '../../../engine/machine/configuration.ts';
import { AccountParam, LimitParam, SymbolParam, type SymbolParamName } from '../../../engine/params.ts';
import type { Directory } from '../../../engine/threads/directory.ts';
import type { SymbolInfo } from '../../../engine/threads/directory-info.ts';
import { getI64 } from '../../../engine/units.ts';
import { CommandFlag } from '../../../engine/wire/command-extension.ts';
import { Command, CommandExtension, CommandKind, Instruction, KillScope, OrderType, QuoteAction } from '../../../engine/wire/layout.ts';
import { legOf, legsOf, linkKindOf } from '../../../engine/wire/list-link.ts';
import {
  LINK_NAMES,
  ORDER_TYPE_NAMES,
  PEG_NAMES,
  PHASE_NAMES,
  SELF_TRADE_NAMES,
  SIDE_NAMES,
  subPhaseName,
  TIME_IN_FORCE_NAMES,
  TRIGGER_NAMES,
} from '../../../engine/wire/names.ts';
import { hasOffset } from '../../../engine/wire/order-kinds.ts';
import { pegKindOf } from '../../../engine/wire/peg-terms.ts';
import { sessionNumberIn } from '../../../engine/wire/session-number.ts';
import { paramText, percentText } from '../../venue/param-text.ts';
import { parameterWord } from '../../venue/venue-commands.ts';

/** Fields of a command by name, in the order in which they are shown; amounts are decimal text. Undefined ones are left out. */
export type CommandText = Readonly<Record<string, string | undefined>>;

const KIND_NAMES = new Map(Object.entries(CommandKind).map(([name, kind]) => [kind as number, words(name)]));
const SCOPES = new Map(Object.entries(KillScope).map(([name, scope]) => [scope as number, words(name)]));
const SYMBOL_PARAMS = new Map((Object.keys(SymbolParam) as SymbolParamName[]).map((name) => [SymbolParam[name] as number, name]));
const ACCOUNT_PARAMS = new Map(Object.entries(AccountParam).map(([name, parameter]) => [parameter as number, words(name)]));

/** Name of a command's kind, such as `mass-cancel`. */
export function kindName(kind: number): string {
  return KIND_NAMES.get(kind) ?? `kind-${kind}`;
}

/** A command of the log: its words, and those of the extension before it, if it has one. */
export class LoggedCommand {
  readonly words: Int32Array;
  readonly bytes: Buffer;
  readonly extension: Int32Array | undefined;
  readonly kind: number;
  readonly seq: number;
  readonly timeUs: number;
  readonly account: number;
  readonly symbol: number;

  constructor(words: Int32Array, extension: Int32Array | undefined) {
    this.words = words;
    this.bytes = Buffer.from(words.buffer, words.byteOffset, Command.bytes);
    this.kind = this.bytes[Command.kind];
    this.extension = (this.bytes[Command.parameter] & CommandFlag.Extended) !== 0 && this.kind <= CommandKind.Quote ? extension : undefined;
    this.seq = this.long('seq');
    this.timeUs = this.long('timeUs');
    this.account = this.word('account');
    this.symbol = this.word('symbol');
  }

  byte(name: 'side' | 'timeInForce' | 'parameter'): number {
    return this.bytes[Command[name]];
  }

  word(name: 'symbol' | 'account' | 'tag'): number {
    return this.bytes.readUInt32LE(Command[name]);
  }

  long(name: 'seq' | 'timeUs' | 'clientOrderId' | 'orderId' | 'price' | 'quantity'): number {
    return getI64(this.words, Command[name] / 4);
  }
}

/** What a command asks for, with the names of the REST interface. */
export function commandText(command: LoggedCommand, directory: Directory): CommandText {
  const { kind } = command;
  if (kind <= CommandKind.CancelAfter) return { account: String(command.account), ...orderText(command, directory) };
  return administrationText(command, directory);
}

function orderText(command: LoggedCommand, directory: Directory): CommandText {
  const { kind, symbol: id } = command;
  const symbol = directory.symbol(id);
  const scales = new Scales(symbol);
  const [price, quantity] = [command.long('price'), command.long('quantity')];
  const name = id === 0 ? undefined : (symbol?.name ?? String(id));
  const order = { symbol: name, clOrdId: given(command.long('clientOrderId')), orderId: given(command.long('orderId')) };
  const extension = command.extension === undefined ? {} : extensionText(command.extension, scales);
  switch (kind) {
    case CommandKind.New:
      return {
        symbol: name,
        side: SIDE_NAMES[command.byte('side')],
        orderQty: scales.quantity(quantity),
        price: price === 0 ? undefined : scales.price(price),
        timeInForce: TIME_IN_FORCE_NAMES[command.byte('timeInForce')],
        clOrdId: order.clOrdId,
        tag: given(command.word('tag')),
        session: given(sessionNumberIn(command.byte('parameter'))),
        ...extension,
      };
    case CommandKind.Amend:
      return {
        ...order,
        leavesQty: scales.quantity(quantity),
        price: price === 0 ? undefined : scales.price(price),
        tag: given(command.word('tag')),
        ...extension,
      };
    case CommandKind.Quote:
      return { symbol: name, ...quoteText(command, scales), ...extension };
    case CommandKind.MassCancel:
      return { symbol: name, side: sideOf(quantity) };
    case CommandKind.CancelAfter:
      return { after: quantity === 0 ? 'off' : `${quantity / 1e6} s` };
    default:
      return { ...order, tag: given(command.word('tag')) };
  }
}

function quoteText(command: LoggedCommand, scales: Scales): CommandText {
  const action = command.byte('side');
  if (action !== QuoteAction.Quote) return { action: action === QuoteAction.Reset ? 'reset-protection' : 'protection' };
  const side = (lots: number, ticks: number): string => (lots === 0 ? 'none' : `${scales.quantity(lots)} at ${scales.price(ticks)}`);
  return {
    bid: side(command.long('quantity'), command.long('price')),
    ask: side(command.long('orderId'), command.long('clientOrderId')),
    timeInForce: TIME_IN_FORCE_NAMES[command.byte('timeInForce')],
    tag: given(command.word('tag')),
  };
}

function extensionText(extension: Int32Array, scales: Scales): CommandText {
  const bytes = Buffer.from(extension.buffer, extension.byteOffset, CommandExtension.bytes);
  const long = (name: 'stopPrice' | 'displayedQuantity' | 'minQuantity' | 'expiryUs'): number =>
    getI64(extension, CommandExtension[name] / 4);
  const instructions = bytes.readUInt32LE(CommandExtension.instructions);
  const link = bytes.readUInt32LE(CommandExtension.link);
  const type = bytes[CommandExtension.orderType];
  const stop = long('stopPrice');
  const offset = hasOffset(type, instructions);
  const peg = pegKindOf(instructions);
  const flags = (Object.entries(Instruction) as [string, number][]).filter(
    ([flag, bit]) => !flag.startsWith('Peg') && (instructions & bit) === bit,
  );
  const least = long('minQuantity');
  return {
    ordType: type === OrderType.Limit ? undefined : ORDER_TYPE_NAMES[type],
    stopPx: stop === 0 ? undefined : scales.price(stop),
    trigger: stop === 0 ? undefined : TRIGGER_NAMES[bytes[CommandExtension.trigger]],
    displayQty: long('displayedQuantity') === 0 ? undefined : scales.quantity(long('displayedQuantity')),
    minQty: least === 0 || offset ? undefined : scales.quantity(least),
    offset: offset && least !== 0 ? String(least) : undefined,
    peg: peg === 0 ? undefined : PEG_NAMES[peg],
    expireTime: long('expiryUs') === 0 ? undefined : timeText(long('expiryUs')),
    selfTrade: bytes[CommandExtension.selfTradeMode] === 0 ? undefined : SELF_TRADE_NAMES[bytes[CommandExtension.selfTradeMode]],
    instructions: flags.length === 0 ? undefined : flags.map(([flag]) => words(flag)).join(','),
    list: link === 0 ? undefined : `${LINK_NAMES[linkKindOf(link)]} ${legOf(link)} of ${legsOf(link)}`,
  };
}

function administrationText(command: LoggedCommand, directory: Directory): CommandText {
  const [quantity, tag, parameter, id] = [command.long('quantity'), command.word('tag'), command.byte('parameter'), command.symbol];
  const account = given(command.account);
  const symbol = directory.symbol(id);
  const symbolName = id === 0 ? undefined : (symbol?.name ?? String(id));
  const asset = directory.asset(id);
  const assetName = asset?.name ?? String(id);
  const name = command.bytes.toString('latin1', Command.price, Command.price + 16).replace(/\0+$/, '');
  switch (command.kind) {
    case CommandKind.DefineAsset:
      return { id: String(id), name, decimals: String(tag) };
    case CommandKind.DefineSymbol: {
      const step = (mantissa: number, decimals: number): string => unitsToDecimal(1, mantissa, decimals);
      return {
        id: String(id),
        name,
        base: directory.asset(command.account)?.name ?? account,
        quote: directory.asset(tag)?.name ?? String(tag),
        tick: step(command.long('clientOrderId'), command.byte('side')),
        lot: step(command.long('orderId'), command.byte('timeInForce')),
      };
    }
    case CommandKind.SetSymbol: {
      const param = SYMBOL_PARAMS.get(parameter);
      const value = command.byte('side') === 1 ? -quantity : quantity;
      const shown =
        param === undefined || symbol === undefined ? String(value) : paramText(param, value, { ...symbol, quote: symbol.quoteAsset });
      return { symbol: symbolName, [param === undefined ? `parameter-${parameter}` : parameterWord(param)]: shown };
    }
    case CommandKind.SetPhase:
      return {
        symbol: symbolName,
        phase: PHASE_NAMES[parameter],
        subPhase: subPhaseName(command.byte('side')),
        boundary: quantity === 0 ? undefined : timeText(quantity),
      };
    case CommandKind.SetReference:
      return { symbol: symbolName, price: new Scales(symbol).price(quantity) };
    case CommandKind.DefineAccount:
      return { account, name };
    case CommandKind.SetAccount:
      if (parameter === AccountParam.FeeTier)
        return { account, feeTable: String(id), tier: quantity === 0 ? 'by volume' : String(quantity - 1) };
      return { account, [ACCOUNT_PARAMS.get(parameter) ?? `parameter-${parameter}`]: String(quantity) };
    case CommandKind.Deposit:
    case CommandKind.Withdraw:
      return { account, asset: assetName, amount: asset === undefined ? String(quantity) : unitsToDecimal(quantity, 1, asset.decimals) };
    case CommandKind.SetLimit:
      return {
        account,
        symbol: symbolName,
        [parameter === LimitParam.MaxPosition ? 'max-position' : 'max-exposure']: new Scales(symbol).quantity(quantity),
      };
    case CommandKind.KillSwitch:
      return { scope: SCOPES.get(parameter), account, group: given(tag), symbol: symbolName, state: quantity === 1 ? 'on' : 'off' };
    case CommandKind.SetFeeTier: {
      const maker = command.byte('side') === 1 ? -command.long('price') : command.long('price');
      const volume = asset === undefined ? String(quantity) : unitsToDecimal(quantity, 1, asset.decimals);
      return {
        feeTable: String(parameter),
        tier: String(tag),
        volume,
        maker: percentText(maker),
        taker: percentText(command.long('clientOrderId')),
      };
    }
    case CommandKind.CancelGroup:
      return { group: String(tag), symbol: symbolName, side: sideOf(quantity) };
    case CommandKind.CancelSession:
      return { account, session: String(quantity) };
    case CommandKind.Configure:
      return {
        rules: String(parameter),
        ...Object.fromEntries(Object.entries(configuredCapacities(command.words, 0)).map(([key, value]) => [key, String(value)])),
      };
    case CommandKind.StateDigest:
    case CommandKind.Tick:
    case CommandKind.Uncross:
      return { symbol: symbolName };
    default:
      return { account, symbol: symbolName, orderId: given(command.long('orderId')), clOrdId: given(command.long('clientOrderId')) };
  }
}

/** ISO 8601, UTC, microseconds. */
export function timeText(us: number): string {
  return `${new Date(Math.floor(us / 1e6) * 1000).toISOString().slice(0, -4)}${String(us % 1e6).padStart(6, '0')}Z`;
}

/** Ticks and lots of a symbol; numbers of one that does not exist. */
class Scales {
  readonly #symbol: SymbolInfo | undefined;

  constructor(symbol: SymbolInfo | undefined) {
    this.#symbol = symbol;
  }

  price(ticks: number): string {
    return this.#symbol === undefined ? `${ticks} ticks` : unitsToDecimal(ticks, this.#symbol.tickMantissa, this.#symbol.tickDecimals);
  }

  quantity(lots: number): string {
    return this.#symbol === undefined ? `${lots} lots` : unitsToDecimal(lots, this.#symbol.lotMantissa, this.#symbol.lotDecimals);
  }
}

/** Both sides: undefined. */
function sideOf(number: number): string | undefined {
  return number === 0 ? undefined : SIDE_NAMES[number - 1];
}

function given(number: number): string | undefined {
  return number === 0 ? undefined : String(number);
}

/** `MassCancel` is `mass-cancel`. */
function words(name: string): string {
  return name.replace(/[A-Z]/g, (letter, at: number) => `${at === 0 ? '' : '-'}${letter.toLowerCase()}`);
}
