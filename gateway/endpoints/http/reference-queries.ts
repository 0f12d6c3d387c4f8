import type { Directory } from '../../../engine/threads/directory.ts';
import type { SymbolInfo } from '../../../engine/threads/directory-info.ts';
import { PHASE_NAMES } from '../../../engine/wire/names.ts';
import { conditionName } from '../../reference/reference-choice.ts';
import { monotonicUs } from '../../reference/reference-driver.ts';
import type { SymbolReference } from '../../reference/symbol-reference.ts';
import { priceText } from '../json/amounts.ts';
import { LongList } from '../json/json-pieces.ts';
import { REFERENCE, REFERENCES } from '../json/schemas/feeds.ts';
import { symbolNamed } from '../json/symbol-named.ts';
import { HttpError } from './http-error.ts';
import { get, type Route } from './route.ts';

/** The queries of reference prices from outside: of all symbols that have them, and of one. */
export function referenceRoutes(
  references: readonly SymbolReference[],
  directory: Pick<Directory, 'symbol' | 'symbols' | 'symbolIds' | 'symbolByName'>,
): Route[] {
  return [
    get({
      path: '/v1/references',
      summary: 'The reference prices from outside.',
      action: 'market:read',
      answer: REFERENCES,
      handle: () => ({ pieces: new LongList(views(references, directory)) }),
    }),
    get({
      path: '/v1/references/:name',
      summary: 'The reference price from outside of a symbol.',
      action: 'market:read',
      answer: REFERENCE,
      handle: ({ params }) => {
        const symbol = symbolNamed(directory, params.name);
        const reference = references.find(({ id }) => id === symbol.id);
        if (reference === undefined)
          throw new HttpError(404, 0, 'UNKNOWN_REFERENCE', `symbol ${params.name} has no reference price from outside`);
        return { json: referenceView(symbol, reference) };
      },
    }),
  ];
}

function* views(references: readonly SymbolReference[], directory: Pick<Directory, 'symbol'>): Generator<unknown> {
  for (const reference of references) {
    const symbol = directory.symbol(reference.id);
    if (symbol !== undefined) yield referenceView(symbol, reference);
  }
}

function referenceView(symbol: SymbolInfo, { config, choice, state, counters }: SymbolReference) {
  const nowUs = monotonicUs();
  const { updates, switches, halts, resumptions, retries, rejected } = counters;
  return {
    symbol: symbol.name,
    state,
    phase: PHASE_NAMES[symbol.phase],
    referencePrice: priceText(symbol, symbol.referencePrice),
    referencePriceTicks: symbol.referencePrice,
    source: state === 'live' ? choice.chosen : null,
    usableAgeMs: age(nowUs, choice.usableUs),
    maxAgeMs: config.maxAge * 1000,
    whenStale: config.halts ? 'halt' : 'keep',
    sources: config.sources.map((source, i) => {
      const { condition, price, stamp, updatedUs } = choice.sources[i];
      const known = price === 0 ? {} : { price: priceText(symbol, price), priceTicks: price };
      return { ...source, condition: conditionName(condition), ...known, ageMs: stamp === 0 ? null : age(nowUs, updatedUs) };
    }),
    counters: { updates, switches, halts, resumptions, retries, rejected },
  };
}

function age(nowUs: number, thenUs: number): number {
  return Math.max(0, Math.round((nowUs - thenUs) / 1000));
}
