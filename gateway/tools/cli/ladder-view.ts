import type { LevelView, StatusView, TradeView } from '../../client/market-decode.ts';

/** The content of a ladder. Pure data: the caller owns terminal and clock. */
export interface LadderInput {
  readonly symbol: string;
  /** Ticks to decimal text. */
  readonly price: (ticks: number) => string;
  /** Lots to decimal text. */
  readonly quantity: (lots: number) => string;
  /** Best first; at most `depth` of each side are shown. */
  readonly bids: readonly LevelView[];
  readonly asks: readonly LevelView[];
  /** Newest first; as many are shown as there are lines. */
  readonly trades: readonly TradeView[];
  readonly status?: StatusView | undefined;
  /** False while the book waits for a snapshot; the ladder shows that. */
  readonly inStep: boolean;
  readonly depth: number;
  /** Columns of the terminal. */
  readonly width: number;
  /** ANSI colours. */
  readonly colour: boolean;
}

const RESET = '\x1b[0m';
const STYLES = { ask: '\x1b[31m', bid: '\x1b[32m', dim: '\x1b[2m', bold: '\x1b[1m' } as const;
type Style = keyof typeof STYLES | '';
const MAX_BAR_COLUMNS = 24;
/** Below it the bars say nothing; then the trades are left out instead. */
const MIN_BAR_COLUMNS = 8;
/** Lines besides the levels: title, heading, spread, footer, and the empty lines between them. */
const OTHER_LINES = 6;
/** Columns of the trades beside the book, at least. */
const MIN_TAPE_COLUMNS = 24;
const GAP = '   ';
const EIGHTHS = ' ▏▎▍▌▋▊▉';

/** The ladder with its footer, as lines that fit the terminal: fewer levels than asked for, shorter bars, clipped lines. @param rows lines of the terminal */
export function screen({ rows, ...input }: LadderInput & { readonly rows: number }): string[] {
  const depth = Math.max(1, Math.min(input.depth, Math.floor((rows - OTHER_LINES) / 2)));
  return [...ladder({ ...input, depth }), '', 'q leaves'].slice(0, rows).map((line) => clip(line, input.width));
}

/** The first `width` columns of a line; colours take none. */
function clip(line: string, width: number): string {
  let columns = 0;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the colours that paint() writes
  return line.replace(/\x1b\[\d+m|./gu, (part) => (part.length > 2 || ++columns <= width ? part : ''));
}

/** The book of a symbol as lines of text: asks above bids, the spread between them, the last trades beside. Always the same number of lines for a depth. */
export function ladder(input: LadderInput): string[] {
  const { depth, price, quantity, colour } = input;
  const asks = input.asks.slice(0, depth);
  const bids = input.bids.slice(0, depth);
  const levels = [...asks, ...bids];
  const largest = Math.max(1, ...levels.map((level) => level.quantity));
  const prices = levels.map((level) => price(level.price));
  const quantities = levels.map((level) => quantity(level.quantity));
  const priceColumns = Math.max(5, ...prices.map((text) => text.length));
  const quantityColumns = Math.max(8, ...quantities.map((text) => text.length));
  const textColumns = priceColumns + quantityColumns + 12;
  const tapeColumns = Math.max(MIN_TAPE_COLUMNS, ...input.trades.map((trade) => tradeText(trade, input).length));
  const free = input.width - textColumns - GAP.length - tapeColumns;
  const wide = free >= MIN_BAR_COLUMNS;
  const barColumns = Math.min(MAX_BAR_COLUMNS, wide ? free : Math.max(MIN_BAR_COLUMNS, input.width - textColumns));
  const bookColumns = textColumns + barColumns;
  const paint = (style: Style, text: string) => (colour && style !== '' && text.trim() !== '' ? STYLES[style] + text + RESET : text);
  const row = (style: 'ask' | 'bid', level: LevelView | undefined) => {
    if (level === undefined) return ' '.repeat(bookColumns);
    const text = `${price(level.price).padStart(priceColumns)}  ${quantity(level.quantity).padStart(quantityColumns)}`;
    return `${paint(style, text)}  ${paint('dim', String(level.orders).padStart(6))}  ${paint(style, bar(level.quantity / largest, barColumns))}`;
  };
  const heading = `${'price'.padStart(priceColumns)}  ${'quantity'.padStart(quantityColumns)}  orders  `.padEnd(bookColumns);
  const book = [
    paint('dim', heading),
    ...Array.from({ length: depth }, (_, i) => row('ask', asks[depth - 1 - i])),
    paint('dim', spread(input).padEnd(bookColumns)),
    ...Array.from({ length: depth }, (_, i) => row('bid', bids[i])),
  ];
  const tape = [
    paint('dim', 'last trades'),
    ...input.trades.map((trade) => paint(trade.aggressor === 'buy' ? 'bid' : 'ask', tradeText(trade, input))),
  ];
  const lines = book.map((line, i) => (wide && tape[i] !== undefined ? `${line}${GAP}${tape[i]}` : line.trimEnd()));
  return [paint('bold', title(input)), '', ...lines];
}

function title({ symbol, status, inStep, price, quantity }: LadderInput): string {
  const parts = [symbol];
  if (status !== undefined) {
    parts.push(status.subPhase ?? status.phase);
    if (status.earliestEndMs !== 0) parts.push(`until ${clock(status.timeUs + status.earliestEndMs * 1000)} or later`);
    if (status.phase === 'auction' && status.subPhase !== 'pre-open') {
      const { indicativePrice, indicativeVolume, surplus, surplusSide } = status;
      if (indicativePrice === 0) parts.push('nothing would trade');
      else parts.push(`would trade ${quantity(indicativeVolume)} @ ${price(indicativePrice)}, ${surplusSide} surplus ${quantity(surplus)}`);
    }
  }
  if (!inStep) parts.push('connecting …');
  return parts.join('  ');
}

function spread({ bids, asks, trades, price }: LadderInput): string {
  const last = trades.length === 0 ? '' : `  last ${price(trades[0].price)}`;
  if (bids.length === 0 || asks.length === 0) return `── ${bids.length + asks.length === 0 ? 'the book is empty' : 'one side only'}${last}`;
  const ticks = asks[0].price - bids[0].price;
  // In an auction the sides may overlap.
  return `── spread ${ticks < 0 ? `-${price(-ticks)}` : price(ticks)}${last}`;
}

function clock(timeUs: number): string {
  return new Date(timeUs / 1000).toISOString().slice(11, 23);
}

function tradeText({ timeUs, price, quantity, auction, aggressor }: TradeView, input: LadderInput): string {
  return `${clock(timeUs)}  ${auction ? '=' : aggressor === 'buy' ? '▲' : '▼'} ${input.price(price)} × ${input.quantity(quantity)}`;
}

/** A bar of `share` of its columns, to an eighth of one; never empty. */
function bar(share: number, columns: number): string {
  const eighths = Math.max(1, Math.round(share * columns * 8));
  const rest = eighths % 8;
  return ('█'.repeat(eighths >> 3) + (rest === 0 ? '' : EIGHTHS[rest])).padEnd(columns);
}
