/** Commands of all kinds for long runs of the bare state machine: seeded, and without a second copy of the state. */
import { type CommandFields, encodeCommand } from '../../engine/machine/command.ts';
import { AccountParam, ReferenceSourceId, SymbolParam } from '../../engine/params.ts';
import { CommandFlag, type ExtensionFields, encodeExtension } from '../../engine/wire/command-extension.ts';
import {
  Command,
  CommandKind,
  Instruction,
  LinkKind,
  OrderType,
  Phase,
  QuoteAction,
  SelfTradeMode,
  Side,
  TimeInForce,
  Trigger,
} from '../../engine/wire/layout.ts';
import { linkWord } from '../../engine/wire/list-link.ts';

export interface MixCommand extends CommandFields {
  readonly extension?: ExtensionFields;
}

const ACCOUNTS = 64;
/** They quote; some are protected. */
const MAKERS = 8;
/** The second one has volatility bands. */
const SYMBOLS = 3;
const MIDDLE = 50_000;
/** Prices on each side at which orders are. */
const SPREAD = 40;
const LOTS = 20;
/** Orders that rest or wait are cancelled, if they have not ended, when as many are newer. Amends name one of these. */
const RECENT = 2048;
/** Of one choice: more than there are new orders for each. */
const CANCELS = 6;
const STEP_US = 100;
const FUNDS = 2 ** 46;

interface Known {
  readonly account: number;
  readonly symbol: number;
  readonly clientOrderId: number;
}

/**
 * The commands come one after the other from {@link next}. Prices walk around a middle. Most orders end: by trades, at
 * their end, by cancels and by mass cancels, so that their number stays within a few thousand.
 */
export class MixFlow {
  #random: number;
  #clientOrderId = 0;
  #seq = 0;
  #timeUs = 1_000_000;
  readonly #middles = new Array<number>(SYMBOLS + 1).fill(MIDDLE);
  readonly #recent: Known[] = [];
  #oldest = 0;
  readonly #waiting: MixCommand[] = [];
  readonly #mix: (() => MixCommand[])[];

  constructor(seed = 1) {
    this.#random = seed;
    const weights: readonly (readonly [number, () => MixCommand[]])[] = [
      [120, () => this.#order()],
      [60, () => this.#order({}, TimeInForce.ImmediateOrCancel, 5)],
      [15, () => this.#order({}, TimeInForce.FillOrKill, 3)],
      [15, () => this.#market({})],
      [15, () => this.#order({}, TimeInForce.PostOnly, -2)],
      [25, () => this.#order({}, TimeInForce.Day)],
      [30, () => this.#order({ expiryUs: this.#timeUs + STEP_US * this.#below(5000) + STEP_US }, TimeInForce.GoodTillDate)],
      [40, () => this.#order({ displayedQuantity: 1 + this.#below(4) }, TimeInForce.GoodTillCancel, 1)],
      [30, () => this.#order({ instructions: Instruction.Hidden })],
      [20, () => this.#order({ instructions: Instruction.PostOnly | Instruction.Reprice }, TimeInForce.PostOnly, 4)],
      [15, () => this.#order({ minQuantity: 2 }, TimeInForce.ImmediateOrCancel, 5)],
      [10, () => this.#order({}, TimeInForce.AtTheClose)],
      [40, () => this.#order({ selfTradeMode: 1 + this.#below(5) }, TimeInForce.GoodTillCancel, 3)],
      [40, () => this.#stop()],
      [40, () => this.#trailing()],
      [40, () => this.#list()],
      [30, () => this.#peg()],
      [20, () => this.#children()],
      [80, () => this.#quote()],
      [2, () => this.#protection()],
      [220, () => this.#amend()],
      [120, () => this.#cancel()],
      [1, () => this.#rare()],
      [10, () => [{ kind: CommandKind.Tick, quantity: this.#below(2 ** 31) }]],
      [5, () => [{ kind: CommandKind.SetReference, symbol: 1, quantity: MIDDLE - 10 + this.#below(21) }]],
    ];
    this.#mix = weights.flatMap(([weight, make]) => new Array<() => MixCommand[]>(weight).fill(make));
  }

  /** The definitions, deposits and parameters. */
  setUp(): MixCommand[] {
    const { DefineAsset, DefineSymbol, SetSymbol, SetPhase, DefineAccount, Deposit, SetAccount, Quote } = CommandKind;
    const set = (symbol: number, parameter: number, quantity: number): MixCommand => ({ kind: SetSymbol, symbol, parameter, quantity });
    const commands: MixCommand[] = [
      { kind: DefineAsset, symbol: 1, tag: 5, name: 'USD' },
      { kind: DefineAsset, symbol: 2, tag: 3, name: 'BTC' },
    ];
    for (let symbol = 1; symbol <= SYMBOLS; symbol++)
      commands.push(
        { kind: DefineSymbol, symbol, account: 2, tag: 1, side: 2, timeInForce: 3, clientOrderId: 1, orderId: 1, name: `BTC-USD${symbol}` },
        set(symbol, SymbolParam.TakerFeePpm, 250),
        set(symbol, SymbolParam.MakerFeePpm, 100),
        set(symbol, SymbolParam.ReferencePrice, MIDDLE),
        set(symbol, SymbolParam.SessionEnd, 2 ** 50),
      );
    commands.push(set(1, SymbolParam.ReferenceSource, ReferenceSourceId.Outside));
    commands.push(set(2, SymbolParam.VolatilityUs, STEP_US * 2000), set(2, SymbolParam.DynamicBandPpm, 2500));
    for (let symbol = 1; symbol <= SYMBOLS; symbol++) commands.push({ kind: SetPhase, symbol, parameter: Phase.Continuous });
    for (let account = 1; account <= ACCOUNTS; account++)
      commands.push(
        { kind: DefineAccount, account, name: `a${account}` },
        { kind: SetAccount, account, parameter: AccountParam.SelfTradeMode, quantity: account % 5 === 0 ? SelfTradeMode.CancelOldest : 0 },
        { kind: SetAccount, account, parameter: AccountParam.Group, quantity: account % 7 === 0 ? 1 : 0 },
        { kind: Deposit, account, symbol: 1, quantity: FUNDS },
        { kind: Deposit, account, symbol: 2, quantity: FUNDS },
      );
    for (let account = 1; account <= MAKERS / 2; account++)
      commands.push({ kind: Quote, account, side: QuoteAction.Protection, quantity: 10_000, clientOrderId: 20, orderId: 500, price: 400 });
    return commands;
  }

  next(): MixCommand {
    const next = this.#waiting.shift();
    if (next !== undefined) return next;
    this.#waiting.push(...this.#mix[this.#below(this.#mix.length)]());
    return this.next();
  }

  /** Writes a command into the slots from `slot` on, with its sequence and time. Returns how many it takes. */
  encode({ extension, ...fields }: MixCommand, bytes: Uint8Array, words: Int32Array, slot: number): number {
    this.#timeUs += STEP_US;
    const timeUs = this.#timeUs;
    if (extension === undefined) {
      encodeCommand(bytes, words, slot, { ...fields, seq: ++this.#seq, timeUs });
      return 1;
    }
    encodeExtension(bytes, words, slot, { ...extension, seq: ++this.#seq, timeUs });
    encodeCommand(bytes, words, slot + 1, { ...fields, parameter: CommandFlag.Extended, seq: ++this.#seq, timeUs });
    return 2;
  }

  #order(extension: ExtensionFields = {}, timeInForce: TimeInForce = TimeInForce.GoodTillCancel, through = 0): MixCommand[] {
    const { symbol, side } = this.#place();
    const price = this.#price(symbol, side, through);
    const isShort = timeInForce <= TimeInForce.Day && Object.keys(extension).length === 0;
    const rests = timeInForce !== TimeInForce.ImmediateOrCancel && timeInForce !== TimeInForce.FillOrKill;
    return [{ ...this.#new(symbol, side, rests), timeInForce, price, ...(isShort ? {} : { extension }) }];
  }

  #market(extension: ExtensionFields): MixCommand[] {
    const { symbol, side } = this.#place();
    return [
      { ...this.#new(symbol, side), timeInForce: TimeInForce.ImmediateOrCancel, extension: { ...extension, orderType: OrderType.Market } },
    ];
  }

  /** One in two of them has a limit, and one in four the reference price as its trigger. */
  #stop(): MixCommand[] {
    const { symbol, side } = this.#place();
    const away = 1 + this.#below(SPREAD);
    const stopPrice = this.#middle(symbol) + (side === Side.Buy ? away : -away);
    const limit = this.#below(2) === 0;
    const extension = { orderType: limit ? OrderType.StopLimit : OrderType.Stop, stopPrice, trigger: this.#trigger() };
    const price = limit ? stopPrice + (side === Side.Buy ? 5 : -5) : 0;
    return [{ ...this.#new(symbol, side), price, extension }];
  }

  /** One in two of them has its offset in parts per million, and one in two an activation price. */
  #trailing(): MixCommand[] {
    const { symbol, side } = this.#place();
    const limit = this.#below(2) === 0;
    const ppm = this.#below(2) === 0;
    const away = 1 + this.#below(SPREAD);
    const extension: ExtensionFields = {
      orderType: limit ? OrderType.TrailingStopLimit : OrderType.TrailingStop,
      minQuantity: ppm ? 20 * away : away,
      instructions: ppm ? Instruction.TrailPpm : 0,
      stopPrice: this.#below(2) === 0 ? 0 : this.#middle(symbol) + (side === Side.Buy ? -away : away),
      trigger: this.#trigger(),
    };
    return [{ ...this.#new(symbol, side), price: limit ? 3 : 0, extension }];
  }

  /** An order and the one that its fills make live; or a bracket. */
  #children(): MixCommand[] {
    const { symbol, side } = this.#place();
    const sign = side === Side.Buy ? 1 : -1;
    const isBracket = this.#below(2) === 0;
    const [kind, legs] = isBracket ? [LinkKind.Bracket, 3] : [LinkKind.OneTriggersOther, 2];
    const parent = { ...this.#new(symbol, side), price: this.#price(symbol, side, 5), extension: { link: linkWord(kind, 1, legs) } };
    const child = (leg: number): MixCommand & Known => {
      const known = { account: parent.account, symbol, clientOrderId: ++this.#clientOrderId };
      this.#recent.push(known);
      return {
        ...parent,
        ...known,
        side: (1 - side) as Side,
        price: parent.price + sign * 5,
        extension: { link: linkWord(kind, leg, legs) },
      };
    };
    if (!isBracket) return [parent, child(2)];
    const stopPrice = parent.price - sign * 5;
    const loss = child(3);
    return [parent, child(2), { ...loss, price: 0, extension: { ...loss.extension, orderType: OrderType.Stop, stopPrice } }];
  }

  /** It follows its own side, the other one, or the middle. */
  #peg(): MixCommand[] {
    const { symbol, side } = this.#place();
    const follows = [Instruction.PegPrimary, Instruction.PegMarket, Instruction.PegPrimary | Instruction.PegMarket][this.#below(3)];
    const price = this.#middle(symbol) + (side === Side.Buy ? SPREAD : -SPREAD);
    return [{ ...this.#new(symbol, side), price, extension: { instructions: follows, minQuantity: 1 + this.#below(3) } }];
  }

  /** A limit order, and a stop on the other side of the price. */
  #list(): MixCommand[] {
    const { symbol, side } = this.#place();
    const sign = side === Side.Buy ? 1 : -1;
    const kind = this.#below(2) === 0 ? LinkKind.OneCancelsOther : LinkKind.OneUpdatesOther;
    const stopPrice = this.#middle(symbol) + sign * (1 + this.#below(SPREAD));
    const one = { ...this.#new(symbol, side), price: this.#price(symbol, side, 0), extension: { link: linkWord(kind, 1, 2) } };
    const clientOrderId = ++this.#clientOrderId;
    this.#recent.push({ account: one.account, symbol, clientOrderId });
    return [one, { ...one, clientOrderId, price: 0, extension: { orderType: OrderType.Stop, stopPrice, link: linkWord(kind, 2, 2) } }];
  }

  #quote(): MixCommand[] {
    const symbol = 1 + this.#below(SYMBOLS);
    const middle = this.#middle(symbol);
    const [price, clientOrderId] = [middle - 1 - this.#below(5), middle + 1 + this.#below(5)];
    return [{ kind: CommandKind.Quote, symbol, account: 1 + this.#below(MAKERS), price, quantity: LOTS, clientOrderId, orderId: LOTS }];
  }

  #protection(): MixCommand[] {
    return [{ kind: CommandKind.Quote, side: QuoteAction.Reset, account: 1 + this.#below(MAKERS / 2) }];
  }

  /** A mass cancel or a dead man's switch, each a few times in a hundred thousand commands: they are not on the path of orders. */
  #rare(): MixCommand[] {
    const account = this.#account();
    const dice = this.#below(50);
    if (dice === 0) return [{ kind: CommandKind.MassCancel, account }];
    if (dice === 1) return [{ kind: CommandKind.CancelAfter, account, quantity: 1_000_000 }];
    return this.#cancel();
  }

  #amend(): MixCommand[] {
    const known = this.#known();
    const side = this.#below(2) as Side;
    return [{ kind: CommandKind.Amend, ...known, price: this.#price(known.symbol, side, -2), quantity: 1 + this.#below(LOTS) }];
  }

  /** Those that are too old, a few at a time. */
  #cancel(): MixCommand[] {
    const cancels: MixCommand[] = [];
    while (cancels.length < CANCELS && this.#recent.length - this.#oldest > RECENT)
      cancels.push({ kind: CommandKind.Cancel, ...this.#recent[this.#oldest++] });
    if (this.#oldest > 16 * RECENT) {
      this.#recent.splice(0, this.#oldest);
      this.#oldest = 0;
    }
    return cancels.length > 0 ? cancels : [{ kind: CommandKind.Cancel, ...this.#known() }];
  }

  /** @param rests whether it can rest or wait */
  #new(symbol: number, side: Side, rests = true): MixCommand & Known {
    const known = { account: this.#account(), symbol, clientOrderId: ++this.#clientOrderId };
    if (rests) this.#recent.push(known);
    return { kind: CommandKind.New, ...known, side, quantity: 1 + this.#below(LOTS) };
  }

  #known(): Known {
    return this.#recent[this.#oldest + this.#below(this.#recent.length - this.#oldest)] ?? { account: 1, symbol: 1, clientOrderId: 1 };
  }

  #account(): number {
    return 1 + this.#below(ACCOUNTS);
  }

  #place(): { symbol: number; side: Side } {
    return { symbol: 1 + this.#below(SYMBOLS), side: this.#below(2) as Side };
  }

  #trigger(): number {
    return this.#below(4) === 0 ? Trigger.ReferencePrice : Trigger.LastTrade;
  }

  /** It walks, and comes back. */
  #middle(symbol: number): number {
    const middle = this.#middles[symbol];
    const step = this.#below(3) - 1;
    this.#middles[symbol] = middle + (Math.abs(middle + step - MIDDLE) > 500 ? -step : step);
    return this.#middles[symbol];
  }

  /** @param through ticks beyond the middle that it can be; below 0: behind it */
  #price(symbol: number, side: Side, through: number): number {
    const away = this.#below(SPREAD) - through;
    return this.#middle(symbol) + (side === Side.Buy ? -away : away);
  }

  #below(bound: number): number {
    this.#random = (Math.imul(this.#random, 1664525) + 1013904223) | 0;
    return Math.floor(((this.#random >>> 0) / 2 ** 32) * bound);
  }
}

/** Slots that a command takes at most. */
export const MOST_SLOTS = 2;
export const SLOT_BYTES = Command.bytes;
