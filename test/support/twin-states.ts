import { Code, codeName } from '../../engine/codes.ts';
import { CommandKind, Instruction, LinkKind, OrderType, Phase, ReportKind, Side, TimeInForce, Trigger } from '../../engine/wire/layout.ts';
import { ReportFlag } from '../../engine/wire/names.ts';
import type { LongCommandFields } from './exchange-fixture.ts';
import type { NaiveExchange } from './naive-exchange.ts';
import type { NaiveReport } from './naive-order.ts';

/** What several features do together, in one command: names of {@link TwinStates}. */
export const RARE_TOGETHER = [
  'cascade in a sweep',
  'cascade goes on with the next command',
  'halt in the middle of a cascade',
  'iceberg refreshed in a sweep',
  'both orders of a list reached',
  'expiry at the time of a fill',
] as const;

const names = (values: Readonly<Record<string, number>>) => new Map(Object.entries(values).map(([name, value]) => [value, name]));
const TYPES = names(OrderType);
const TIMES = names(TimeInForce);
const LINKS = names(LinkKind);
const INSTRUCTIONS = Object.entries(Instruction);
/** Of nearly every order, or said by its other terms. */
const PLAIN: ReadonlySet<string | undefined> = new Set(['Limit', 'GoodTillCancel', 'TrailPpm', 'TriggerNow', 'ReportTrail']);
const KINDS = names(ReportKind);

/** Whether a state that {@link TwinStates} saw is a pair, such as `Hidden x Quote` or `Iceberg & EXPIRED`. */
export function isPair(state: string): boolean {
  return / [x&] /.test(state);
}

/** The terms of an order that set it apart from a plain limit order. */
function featuresOf({ timeInForce = 0, extension = {} }: Partial<LongCommandFields>): string[] {
  const { orderType = 0, instructions = 0, displayedQuantity, minQuantity, selfTradeMode = 0, link = 0 } = extension;
  const all = [TYPES.get(orderType), TIMES.get(timeInForce), ...INSTRUCTIONS.filter(([, bit]) => instructions & bit).map(([name]) => name)];
  if (displayedQuantity) all.push('Iceberg');
  if (minQuantity && orderType < OrderType.TrailingStop) all.push('MinQuantity');
  if (selfTradeMode > 1) all.push('SelfTradePrevention');
  if (link) all.push(LINKS.get(link & 0xff));
  return all.filter((name): name is string => name !== undefined && !PLAIN.has(name));
}

/** Rare states, and pairs of features that met, as the reports of a flow tell them. Beside those that the twin itself names. */
export class TwinStates {
  readonly #seen: Set<string>;
  readonly #naive: NaiveExchange;
  /** By account and client order id. */
  readonly #orders = new Map<string, LongCommandFields>();
  #wasContinuous = false;
  #wasDue = false;
  #crossing = false;

  constructor(naive: NaiveExchange, seen: Set<string>) {
    this.#naive = naive;
    this.#seen = seen;
  }

  /** Call it before each command is applied. */
  before({ kind, parameter }: LongCommandFields): void {
    const { phase, stops } = this.#naive;
    this.#wasContinuous = phase === Phase.Continuous;
    this.#wasDue = this.#wasContinuous && stops.hasDue;
    this.#crossing = kind === CommandKind.SetPhase && parameter === Phase.Halted;
  }

  after(fields: LongCommandFields, reports: readonly NaiveReport[]): void {
    const news = fields.legs ?? (fields.kind === CommandKind.New ? [fields] : []);
    for (const each of news) {
      const key = `${each.account}/${each.clientOrderId}`;
      if (reports.some((r) => r.kind === ReportKind.Accepted && `${r.account}/${r.clientOrderId}` === key && r.flags === 0))
        this.#orders.set(key, each);
    }
    this.#stopStates(reports);
    this.#sweeps(reports);
    this.#expiries(fields, reports);
    this.#pairs(reports);
  }

  #of({ account, clientOrderId }: NaiveReport): LongCommandFields | undefined {
    return this.#orders.get(`${account}/${clientOrderId}`);
  }

  #stopStates(reports: readonly NaiveReport[]): void {
    const due = this.#naive.stops.hasDue;
    if (this.#crossing && this.#wasDue && due && this.#naive.phase === Phase.Halted) this.#seen.add('halt in the middle of a cascade');
    const triggers = reports.flatMap((r, i) => (r.kind === ReportKind.Triggered ? [i] : []));
    if (this.#wasDue && triggers.length > 0) this.#seen.add('cascade goes on with the next command');
    const [first] = triggers;
    const fills = fillsOf(reports.slice(0, first));
    if (this.#wasDue || new Set(fills.map(({ price }) => price)).size < 2) return;
    // A later stop that no trade before the first trigger had reached.
    const later = triggers.slice(1).map((i) => reports[i]);
    if (later.some((r) => r.trigger === Trigger.LastTrade && !fills.some(({ price }) => reaches(this.#of(r), price, r.stopPrice))))
      this.#seen.add('cascade in a sweep');
  }

  #sweeps(reports: readonly NaiveReport[]): void {
    const first = reports.findIndex((r) => r.kind === ReportKind.Triggered);
    const fills = fillsOf(first === -1 ? reports : reports.slice(0, first)).filter((r) => r.flags & ReportFlag.Maker);
    fills.forEach((fill, i) => {
      const earlier = fills.findIndex((other) => other.orderId === fill.orderId);
      if (earlier < i && fills.some((other, at) => at > i && other.price !== fill.price)) this.#seen.add('iceberg refreshed in a sweep');
    });
    for (const [i, r] of reports.entries()) {
      if (r.kind !== ReportKind.Cancelled || r.code !== Code.CANCELLED_LINKED || r.stopPrice === 0) continue;
      if (fillsOf(reports.slice(0, i)).some(({ price }) => reaches(this.#of(r), price, r.stopPrice)))
        this.#seen.add('both orders of a list reached');
    }
  }

  #expiries(fields: LongCommandFields, reports: readonly NaiveReport[]): void {
    const { timeUs, side = 0, price = 0, kind } = fields;
    if (kind !== CommandKind.New || fillsOf(reports).length === 0) return;
    for (const r of reports) {
      const sent = this.#of(r);
      if (r.code !== Code.EXPIRED || r.stopPrice !== 0 || sent?.side === side || sent?.extension?.expiryUs !== timeUs) continue;
      if (price === 0 || (side === Side.Buy ? r.price <= price : r.price >= price)) this.#seen.add('expiry at the time of a fill');
    }
  }

  /** Features of the two orders of a trade; and of an order with what happened to it. */
  #pairs(reports: readonly NaiveReport[]): void {
    const features = (r: NaiveReport): string[] => (r.clientOrderId === 0 ? ['Quote'] : featuresOf(this.#of(r) ?? {}));
    const interrupted = this.#wasContinuous && this.#naive.phase === Phase.Auction && !this.#crossing;
    const fills = new Map<number, NaiveReport>();
    for (const r of reports) {
      if (r.account === 0) continue;
      const own = features(r);
      const events =
        r.kind === ReportKind.Cancelled || r.kind === ReportKind.Amended ? [r.code === 0 ? KINDS.get(r.kind) : codeName(r.code)] : [];
      if (r.kind === ReportKind.Fill && r.flags & ReportFlag.Auction) events.push('uncross');
      if (interrupted) events.push('interruption');
      for (const one of own) for (const event of events) this.#seen.add(`${one} & ${event}`);
      const other = r.kind === ReportKind.Fill ? fills.get(r.tradeId) : undefined;
      if (r.kind === ReportKind.Fill) fills.set(r.tradeId, r);
      for (const one of own) for (const two of other ? features(other) : []) this.#seen.add(`${[one, two].sort().join(' x ')}`);
    }
  }
}

function fillsOf(reports: readonly NaiveReport[]): NaiveReport[] {
  return reports.filter(({ kind }) => kind === ReportKind.Fill);
}

function reaches(order: LongCommandFields | undefined, price: number, stopPrice: number): boolean {
  return order?.side === Side.Buy ? price >= stopPrice : price <= stopPrice;
}
