import { setTimeout } from 'node:timers/promises';
import { z } from 'zod';
import { Code } from '../../../engine/codes.ts';
import type { Directory } from '../../../engine/threads/directory.ts';
import type { AssetInfo, SymbolInfo } from '../../../engine/threads/directory-info.ts';
import { SIDE_NAMES } from '../../../engine/wire/names.ts';
import { LEDGER_KINDS, type LedgerEntry, type LedgerPlace, unpackEntries } from '../../taps/ledger/ledger-entry.ts';
import type { LedgerPage } from '../../taps/ledger/ledger-queries.ts';
import { eachSymbolOnce, moneyText, priceText, quantityText, type SymbolLookup } from '../json/amounts.ts';
import { LongList } from '../json/json-pieces.ts';
import { LEDGER } from '../json/schemas/ledger.ts';
import { accountOf, type QuerySources } from './admin-queries.ts';
import { HttpError } from './http-error.ts';
import { LIMIT, oneOf, time } from './query-schemas.ts';
import { get, type QueryValues, type Reply, type Route } from './route.ts';

/** How long an answer waits for the history, which is written with a delay: so often, and ms between two attempts. */
const ATTEMPTS = 25;
const ATTEMPT_MS = 20;
const ALL_KINDS = 2 ** LEDGER_KINDS.length - 1;
const PLACE = /^(\d{1,16})\.(\d{1,16})\.([0-4])$/;

export const LEDGER_QUERY = {
  asset: z.string().optional().meta({ description: 'Name of an asset.' }),
  kind: oneOf(LEDGER_KINDS, 'Only entries of this kind.').optional(),
  from: time('Only entries at or after this time.').optional(),
  to: time('Only entries before this time.').optional(),
  limit: LIMIT,
  before: z
    .string()
    .regex(PLACE, { error: 'must be `next` of the page before' })
    .optional()
    .meta({ description: 'Only older entries: `next` of the page before.' }),
};

interface Asked {
  readonly caller: string;
  readonly query: QueryValues<typeof LEDGER_QUERY>;
}

/** Answers for the ledger of an account. */
export type LedgerReader = (account: number, request: Asked) => Promise<Reply>;

export function ledgerRoute(sources: QuerySources, read: LedgerReader): Route {
  return get({
    path: '/v1/accounts/:id/ledger',
    summary: 'What changed the balances of an account, newest first.',
    action: 'account:read',
    query: LEDGER_QUERY,
    answer: LEDGER,
    handle: (request) => read(accountOf(sources.directory, request.params.id).id, request),
  });
}

/** @throws HttpError 404 for an unknown asset */
export function ledgerReader(sources: QuerySources): LedgerReader {
  const { directory } = sources;
  const table = new SymbolTable(directory);
  return async (account, { caller, query }) => {
    const { asset, kind, limit, from = 0, to = Number.POSITIVE_INFINITY, before } = query;
    const range = {
      account,
      before: before === undefined ? undefined : placeOf(before),
      limit,
      asset: asset === undefined ? undefined : assetNamed(directory, asset).id,
      kinds: kind === undefined ? ALL_KINDS : 1 << LEDGER_KINDS.indexOf(kind),
      fromUs: from,
      toUs: to,
      symbols: table.rows(),
    };
    const { page, behind } = await readPage(sources, range, caller);
    const { packed, next, lost, from: complete } = page;
    return {
      pieces: {
        entries: new LongList(entryViews(directory, packed)),
        next: next === undefined ? '0' : placeText(next),
        lost,
        from: complete,
        behind,
      },
    };
  };
}

/** Waits until the history has what the account had been sent, and what the operator had done, when the request came. */
async function readPage(
  { directory, history }: QuerySources,
  range: Parameters<QuerySources['history']['ledger']>[0],
  caller: string,
): Promise<{ readonly page: LedgerPage; readonly behind: true | undefined }> {
  const [own, operator] = [directory.lastReportNo(range.account), directory.lastReportNo(0)];
  for (let left = ATTEMPTS; left > 0; left--) {
    const page = await history.ledger(range, own, operator, caller);
    if (page !== undefined) return { page, behind: undefined };
    await setTimeout(ATTEMPT_MS);
  }
  return { page: (await history.ledger(range, 0, 0, caller)) as LedgerPage, behind: true };
}

/** What the history needs of symbols. It never changes, so that only new symbols are added. */
class SymbolTable {
  readonly #directory: Pick<Directory, 'symbolIds' | 'symbol'>;
  readonly #known = new Set<number>();
  #rows: number[] = [];

  constructor(directory: Pick<Directory, 'symbolIds' | 'symbol'>) {
    this.#directory = directory;
  }

  rows(): Float64Array {
    const ids = this.#directory.symbolIds();
    if (ids.length !== this.#known.size)
      for (const id of ids) {
        if (this.#known.has(id)) continue;
        this.#known.add(id);
        const { baseAsset, quoteAsset, basePerLot, quotePerTickLot } = this.#directory.symbol(id) as SymbolInfo;
        this.#rows.push(id, baseAsset.id, quoteAsset.id, basePerLot, quotePerTickLot);
      }
    return Float64Array.from(this.#rows);
  }
}

function* entryViews(directory: Directory, packed: Float64Array): Generator<unknown> {
  const symbols = eachSymbolOnce(directory);
  const assets = new Map(directory.assets().map((asset) => [asset.id, asset]));
  for (const entry of unpackEntries(packed)) yield entryView(symbols, assets.get(entry.asset) as AssetInfo, entry);
}

function entryView(symbols: SymbolLookup, asset: AssetInfo, entry: LedgerEntry) {
  const { timeUs, kind, amount, balance } = entry;
  return {
    id: placeText(entry),
    transactTime: new Date(timeUs / 1000).toISOString(),
    transactTimeUs: timeUs,
    kind: LEDGER_KINDS[kind],
    asset: asset.name,
    amount: moneyText(asset, amount),
    ...(!Number.isNaN(balance) && { balance: moneyText(asset, balance) }),
    cause: entry.leg === 0 ? { seq: entry.seq } : fillCause(symbols, entry),
  };
}

function fillCause(symbols: SymbolLookup, entry: LedgerEntry) {
  const symbol = symbols.symbol(entry.symbol) as SymbolInfo;
  const { seq, reportNo, orderId, clientOrderId, tradeId, side, price, quantity } = entry;
  return {
    seq,
    execId: String(reportNo),
    orderId: String(orderId),
    ...(clientOrderId !== 0 && { clOrdId: String(clientOrderId) }),
    tradeId: String(tradeId),
    symbol: symbol.name,
    side: SIDE_NAMES[side],
    lastPx: priceText(symbol, price),
    lastQty: quantityText(symbol, quantity),
  };
}

function placeText({ reportNo, seq, leg }: LedgerPlace): string {
  return `${reportNo}.${seq}.${leg}`;
}

function placeOf(text: string): LedgerPlace {
  const [, reportNo, seq, leg] = (PLACE.exec(text) as RegExpExecArray).map(Number);
  return { reportNo, seq, leg };
}

function assetNamed(directory: Directory, name: string): AssetInfo {
  const asset = directory.assetByName(name);
  if (asset !== undefined) return asset;
  throw new HttpError(404, Code.UNKNOWN_ASSET, 'UNKNOWN_ASSET', `there is no asset ${name.slice(0, 32)}; GET /v1/assets lists them`);
}
