import { build, type Histogram } from 'hdr-histogram-js';
import { print, printJson } from './connection.ts';
import { counted } from './counted.ts';
import type { ReplayCheck } from './replay-check.ts';
import { LATENCY_RANGE, type Replay, WINDOW } from './replay-run.ts';
import type { ReplayVenue } from './replay-venue.ts';

/** One file of a replay, at its end. */
export interface ReplayedFile {
  readonly path: string;
  readonly venue: ReplayVenue;
  readonly work: Replay;
  readonly check: ReplayCheck;
  /** Its trades were compared. */
  readonly compared: boolean;
}

/** Prints the results: those of a single file as they are, those of several one by one and in total. */
export function report(files: readonly ReplayedFile[], seconds: number, json: boolean): void {
  if (files.length === 1) {
    const [file] = files;
    if (json) printJson({ ...file.venue, ...numbers(file, seconds) });
    else print(`${file.venue.symbol}, account ${file.venue.account}: ${resultText(numbers(file, seconds))}`);
    return;
  }
  const total = numbers(totalOf(files), seconds);
  if (json) printJson({ files: files.map((file) => ({ file: file.path, ...file.venue, ...numbers(file, seconds) })), total });
  else {
    for (const file of files)
      print(`${file.path}: ${file.venue.symbol}, account ${file.venue.account}: ${resultText(numbers(file, seconds))}\n`);
    print(`total of ${files.length} files: ${resultText(total)}`);
  }
}

type Counted = { readonly [K in 'orders' | 'cancels' | 'latencyUs']: Replay[K] };
type Checked = { readonly [K in 'continuousTrades' | 'auctions' | 'differences' | 'shown']: ReplayCheck[K] };

interface Result {
  readonly work: Counted;
  readonly check: Checked;
  readonly compared: boolean;
}

/** The fields of the JSON output, in their order. */
export interface Numbers {
  readonly orders: number;
  readonly cancels: number;
  readonly continuousTrades: number;
  readonly auctions: number;
  readonly seconds: number;
  readonly perSecond: number;
  readonly latencyUs: { readonly p50: number; readonly p90: number; readonly p99: number; readonly p999: number; readonly max: number };
  readonly compared: boolean;
  readonly differences: number;
  readonly shown: readonly string[];
}

function totalOf(files: readonly ReplayedFile[]): Result {
  const latencyUs: Histogram = build(LATENCY_RANGE);
  for (const { work } of files) latencyUs.add(work.latencyUs);
  const sum = (of: (file: ReplayedFile) => number): number => files.reduce((total, file) => total + of(file), 0);
  return {
    work: { orders: sum(({ work }) => work.orders), cancels: sum(({ work }) => work.cancels), latencyUs },
    check: {
      continuousTrades: sum(({ check }) => check.continuousTrades),
      auctions: sum(({ check }) => check.auctions),
      differences: sum(({ check }) => check.differences),
      shown: [],
    },
    compared: files.every(({ compared }) => compared),
  };
}

function numbers({ work: { orders, cancels, latencyUs }, check, compared }: Result, seconds: number): Numbers {
  const max = latencyUs.maxValue;
  // The histogram rounds up to the end of a bucket.
  const [p50, p90, p99, p999] = [50, 90, 99, 99.9].map((percentile) => Math.min(max, latencyUs.getValueAtPercentile(percentile)));
  const { continuousTrades, auctions, differences, shown } = check;
  return {
    orders,
    cancels,
    continuousTrades,
    auctions,
    seconds,
    perSecond: Math.round((orders + cancels) / seconds),
    latencyUs: { p50, p90, p99, p999, max },
    compared,
    differences,
    shown,
  };
}

/** The result of a file, or of all of them, as lines of text. */
export function resultText(numbers: Numbers): string {
  const { orders, cancels, continuousTrades, auctions, seconds, perSecond, latencyUs } = numbers;
  const { p50, p90, p99, p999, max } = latencyUs;
  const answers =
    orders + cancels === 0
      ? ''
      : `
answer time, with up to ${WINDOW} commands in flight: p50 ${p50} us, p90 ${p90} us, p99 ${p99} us, p99.9 ${p999} us, max ${max} us`;
  return `${counted(orders, 'order')} and ${counted(cancels, 'cancel')} in ${seconds.toFixed(2)} s, ${n(perSecond)}/s
${counted(continuousTrades, 'continuous trade')}, ${counted(auctions, 'auction')}${answers}
${verdict(numbers)}`;
}

function verdict({ differences, shown, compared }: Numbers): string {
  if (differences > 0)
    return shown.length === 0
      ? counted(differences, 'difference')
      : `${counted(differences, 'difference')}, the first ${shown.length}:\n  ${shown.join('\n  ')}`;
  return compared
    ? 'every trade and every auction is as expected'
    : 'auctions match the file; without --expect the trades were not compared';
}

function n(value: number): string {
  return value.toLocaleString('en');
}
