import type { AdapterOptions, FeedSink } from '../feed.ts';
import { VENUES, venueNames } from '../venues/index.ts';
import { SourceLine, type SourceLineOptions } from './source-line.ts';

/** A source by configuration: a venue and what to take from it. */
export interface FeedSource extends AdapterOptions {
  /** Names the source in commands, status and metrics. */
  readonly name: string;
  /** A name of {@link VENUES}. */
  readonly venue: string;
}

/** The line of a source, not started. @throws RangeError for a venue that does not exist */
export function lineOf(
  source: FeedSource,
  sink: FeedSink,
  options: Omit<Partial<SourceLineOptions>, 'name' | 'adapter' | 'options' | 'sink'> = {},
): SourceLine {
  const venue = VENUES.find(({ name }) => name === source.venue);
  if (venue === undefined) throw new RangeError(`no venue is named ${source.venue}; there are ${venueNames().join(', ')}`);
  return new SourceLine({
    ...options,
    name: source.name,
    adapter: (adapterOptions, line, target) => venue.create(adapterOptions, line, target),
    options: source,
    sink,
  });
}
