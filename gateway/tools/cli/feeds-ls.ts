import type { Command } from 'commander';
import { print, printJson, table } from './connection.ts';
import { ExitCode, run } from './exit.ts';
import { configOption, configuredFeeds } from './feed-source-flags.ts';

export function feedsLsCommand(feeds: Command): void {
  const command = feeds
    .command('ls')
    .summary('venues, file formats, and the sources and books of a configuration')
    .description(
      'Lists the venues that openbell can connect to, the files that it reads and, with --config, the sources and consolidated books that the file defines. Connects to nothing.',
    )
    .addOption(configOption())
    .option('--json', 'JSON instead of text')
    .addHelpText(
      'after',
      `
Examples:
  openbell feeds ls
  openbell feeds ls --config venue.yaml --json`,
    );
  command.action(() =>
    run(async () => {
      const { config, json } = command.opts<{ config?: string; json?: true }>();
      const [{ VENUES }, { FILE_FORMATS }, { isFileSource }, { feeds: sources, feedBooks: books }] = await Promise.all([
        import('../../../feeds/venues/index.ts'),
        import('../../../feeds/files/file-formats.ts'),
        import('../../../feeds/lines/file-source.ts'),
        configuredFeeds(config),
      ]);
      const venues = VENUES.map(({ name, title }) => ({ name, title }));
      const formats = [
        { name: 'capture', title: 'recorded session with a venue' },
        ...FILE_FORMATS.map(({ name, title }) => ({ name, title })),
      ];
      if (json) {
        const shown = sources.map((source) => (isFileSource(source) ? { ...source, speed: speedText(source.speed) } : source));
        printJson({ venues, formats, sources: shown, books });
        return ExitCode.Ok;
      }
      print(table([['venue', ''], ...venues.map(({ name, title }) => [name, title])]));
      print(`\n${table([['file format', ''], ...formats.map(({ name, title }) => [name, title])])}`);
      if (config === undefined) return ExitCode.Ok;
      const rows = sources.map((source) => {
        const { name, instruments } = source;
        if (!isFileSource(source)) return [name, source.venue, instruments.join(' '), source.depth];
        const { file, format, speed, atEnd } = source;
        return [name, format ?? 'file', instruments.join(' '), undefined, file.path, speedText(speed), atEnd];
      });
      print(
        rows.length === 0
          ? `\n${config} defines no sources`
          : `\n${table([['source', 'venue', 'instruments', 'depth', ...(sources.some(isFileSource) ? ['file', 'speed', 'at end'] : [])], ...rows])}`,
      );
      if (books.length === 0) return ExitCode.Ok;
      const bookRows = books.map((book) => [
        book.name,
        book.levels,
        book.sources.map(({ feed, instrument }) => `${feed}:${instrument}`).join(' '),
      ]);
      print(`\n${table([['book', 'levels', 'sources'], ...bookRows])}`);
      return ExitCode.Ok;
    }),
  );
}

/** As the configuration writes it. */
function speedText(speed: number): number | 'max' {
  return speed === Number.POSITIVE_INFINITY ? 'max' : speed;
}
