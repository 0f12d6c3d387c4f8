import type { NewCandles } from '../analysis/instrument-candles.ts';

/** The states of a source that are stored: by instrument, INSTRUMENT_STATE numbers each. */
export type StoredStates = ReadonlyMap<string, Float64Array>;

/** What is to be stored of one instrument. */
export interface CandlePiece extends NewCandles {
  readonly feed: string;
  readonly instrument: string;
}

/** `open` is the first message, and is answered with `states`. A batch is stored in one transaction; the next one follows the answer. */
export type ToCandleStore =
  | { readonly type: 'open'; readonly feeds: readonly string[] }
  | { readonly type: 'batch'; readonly pieces: readonly CandlePiece[] };

/** `unstored`: there is no room on the disk now; the batch can be tried again. A port that closes: nothing is stored any more. */
export type FromCandleStore =
  | { readonly type: 'states'; readonly states: ReadonlyMap<string, StoredStates> }
  | { readonly type: 'stored' }
  | { readonly type: 'unstored' };
