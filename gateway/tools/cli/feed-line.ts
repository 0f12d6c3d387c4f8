import type { FeedFault } from '../../../feeds/feed.ts';
import type { Breakers } from '../../../feeds/lines/breaker.ts';
import type { AnySource } from '../../../feeds/lines/file-source.ts';
import type { RecordingSink } from './feed-records.ts';

/** The line of a source as a command has it: a venue, or a file. */
export interface CommandLine {
  start(): void;
  stop(): Promise<void>;
  /** The file has ended, or could not be read. Of a venue, never. */
  readonly ended: Promise<void>;
  /** It was connected, or the file was opened, at least once. */
  readonly reached: () => boolean;
}

/** The line of a source, not started. @param log one line of text */
export async function commandLine(
  source: AnySource,
  sink: RecordingSink,
  log: (text: string) => void,
  breakers?: Breakers,
): Promise<CommandLine> {
  const [{ lineOf }, { isFileSource }] = await Promise.all([
    import('../../../feeds/lines/feed-source.ts'),
    import('../../../feeds/lines/file-source.ts'),
  ]);
  const note = (_fault: FeedFault, text: string): void => log(text);
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  if (!isFileSource(source)) {
    const line = lineOf(source, sink, { log: note, ...(breakers !== undefined && { breakers }) });
    return { start: () => line.start(), stop: () => line.stop(), ended, reached: () => line.counters.connects > 0 };
  }
  const [{ PlayedLine }, { CAPTURED_LINE }] = await Promise.all([
    import('../../../feeds/lines/played-line.ts'),
    import('../../../feeds/files/capture-replay.ts'),
  ]);
  const line = new PlayedLine({
    source,
    adapter: (venue, selected) => venue.create({ instruments: [] }, CAPTURED_LINE, selected),
    sink,
    isRefused: () => false,
    log: note,
  });
  return { start: () => void line.start().then(end), stop: () => line.stop(), ended, reached: () => line.rounds > 0 };
}
