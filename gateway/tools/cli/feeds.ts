import type { Command } from 'commander';
import { feedsBookCommand } from './feeds-book.ts';
import { feedsBooksCommand } from './feeds-books.ts';
import { feedsInstrumentsCommand } from './feeds-instruments.ts';
import { feedsLsCommand } from './feeds-ls.ts';
import { feedsPlayCommand } from './feeds-play.ts';
import { feedsRecordCommand } from './feeds-record.ts';
import { feedsReferencesCommand } from './feeds-references.ts';
import { feedsStatusCommand } from './feeds-status.ts';
import { feedsTailCommand } from './feeds-tail.ts';

/** In the order of the help. */
const COMMANDS: readonly ((feeds: Command) => void)[] = [
  feedsLsCommand,
  feedsStatusCommand,
  feedsInstrumentsCommand,
  feedsTailCommand,
  feedsRecordCommand,
  feedsPlayCommand,
  feedsBooksCommand,
  feedsBookCommand,
  feedsReferencesCommand,
];

export function feedsCommand(program: Command): void {
  const feeds = program
    .command('feeds')
    .summary('outside markets: live sources, consolidated books and recorded sessions')
    .description('Reads outside markets.');
  for (const add of COMMANDS) add(feeds);
}
