import type { Command } from 'commander';
import { feedsBooksCommand } from './feeds-books.ts';

/** In the order of the help. */
const COMMANDS: readonly ((feeds: Command) => void)[] = [feedsBooksCommand];

export function feedsCommand(program: Command): void {
  const feeds = program.command('feeds').summary('outside markets: recorded sessions').description('Reads outside markets.');
  for (const add of COMMANDS) add(feeds);
}
