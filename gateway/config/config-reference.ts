import { MILLION } from '../../engine/params.ts';
import type { AnySource } from '../../feeds/lines/file-source.ts';
import type { Place } from './config-place.ts';

/** By ReferenceSourceId. */
export const REFERENCE_SOURCES = ['trades', 'outside'] as const;

/** Which price of an outside instrument is taken. */
export const REFERENCE_VALUES = ['mid', 'last'] as const;
export type ReferenceValue = (typeof REFERENCE_VALUES)[number];

/** A price of an instrument of a configured feed. */
export interface ReferenceSourceConfig {
  readonly feed: string;
  /** As the venue writes it. */
  readonly instrument: string;
  /** `mid`: the middle of the best bid and ask; `last`: the last trade. */
  readonly value: ReferenceValue;
}

/** Where a symbol's reference price comes from. */
export interface ReferenceConfig {
  /** The first one that is usable counts. */
  readonly sources: readonly ReferenceSourceConfig[];
  /** Seconds since its last update after which a price is not usable. */
  readonly maxAge: number;
  /** Updates of the symbol per second. */
  readonly maxRate: number;
  /** Largest step of one update, in millionths of the reference price. */
  readonly maxStepPpm: number;
  /** Seconds for which a price beyond the largest step must last, while no source is usable, before it is taken. */
  readonly confirmAfter: number;
  /** The symbol is halted when no source is usable any more. */
  readonly halts: boolean;
  /** Seconds with a usable source after which such a halt ends; undefined: the operator ends it. */
  readonly resumeAfter: number | undefined;
}

export const REFERENCE_KEYS = ['sources', 'max-age', 'max-rate', 'max-step', 'confirm-after', 'when-stale', 'resume-after'] as const;
export const REFERENCE_SOURCE_KEYS = ['feed', 'instrument', 'value'] as const;
const MAX_SOURCES = 8;
const MAX_SECONDS = 3600;
const MAX_RATE = 1000;
const DEFAULT_AGE = 10;
const DEFAULT_RATE = 10;
const DEFAULT_STEP_PPM = 100_000;
/** Shorter than the default age: a market that moves at once is followed before the symbol is stale. */
const DEFAULT_CONFIRM = 5;

/** Reads the section `reference` of a symbol. Notes problems. @param feeds those of the file */
export function readReference(place: Place | undefined, feeds: readonly AnySource[]): ReferenceConfig | undefined {
  const fields = place?.fields(REFERENCE_KEYS);
  if (place === undefined || fields === undefined) return undefined;
  const sources = fields.sources === undefined ? place.missing('sources', ADVICE) : readSources(fields.sources, feeds);
  const maxAge = fields['max-age']?.whole(1, MAX_SECONDS) ?? DEFAULT_AGE;
  const maxRate = fields['max-rate']?.whole(1, MAX_RATE) ?? DEFAULT_RATE;
  const maxStepPpm = fields['max-step']?.ppm(1, MILLION) ?? DEFAULT_STEP_PPM;
  const confirmAfter = fields['confirm-after']?.whole(1, MAX_SECONDS) ?? DEFAULT_CONFIRM;
  const halts = fields['when-stale']?.oneOf(['keep', 'halt'] as const) === 'halt';
  const resumeAfter = fields['resume-after']?.whole(0, MAX_SECONDS);
  if (resumeAfter !== undefined && !halts) fields['resume-after']?.fail('needs when-stale: halt; remove it, or add that');
  return sources && { sources, maxAge, maxRate, maxStepPpm, confirmAfter, halts, resumeAfter };
}

const ADVICE = 'give a list such as [{ feed: kraken, instrument: BTC/USD }]';

function readSources(place: Place, feeds: readonly AnySource[]): ReferenceSourceConfig[] | undefined {
  const items = place.items();
  if (items.length === 0) return place.isList ? place.fail(`has no sources; ${ADVICE}`) : undefined;
  if (items.length > MAX_SOURCES) return place.fail(`has ${items.length} sources; at most ${MAX_SOURCES} are possible`);
  const known = new Set<string>();
  const sources = items.map((item) => {
    const source = readSource(item, feeds);
    if (source === undefined) return undefined;
    const { feed, instrument, value } = source;
    // Neither has a space.
    const text = `${feed} ${instrument} ${value}`;
    if (known.has(text)) return item.fail(`${text} is given twice; give it once`);
    known.add(text);
    return source;
  });
  return sources.every((source) => source !== undefined) ? sources : undefined;
}

function readSource(place: Place, feeds: readonly AnySource[]): ReferenceSourceConfig | undefined {
  const fields = place.fields(REFERENCE_SOURCE_KEYS);
  if (fields === undefined) return undefined;
  if (fields.feed === undefined) return place.missing('feed', 'name a source of the section feeds');
  if (fields.instrument === undefined) return place.missing('instrument', 'give its name as the venue writes it');
  const [name, instrument, value] = [fields.feed.text(), fields.instrument.text(), fields.value?.oneOf(REFERENCE_VALUES) ?? 'mid'];
  if (name === undefined || instrument === undefined) return undefined;
  const feed = feeds.find((each) => each.name === name);
  if (feed === undefined) {
    const known = feeds.map((each) => each.name).join(', ');
    return fields.feed.fail(`no feed is named ${name}; define it under feeds${known === '' ? '' : ` or use one of ${known}`}`);
  }
  if (feed.instruments.includes(instrument)) return { feed: name, instrument, value };
  const known = feed.instruments.slice(0, 10).join(', ');
  return fields.instrument.fail(`feed ${name} has no instrument ${instrument}; add it there, or use one of ${known}`);
}
