import type { Command } from 'commander';
import { pathOf } from '../../client/symbols.ts';
import { askAdmin, type ConnectionFlags, connectionOptions, count, print, printJson, table } from './connection.ts';
import { ExitCode, run } from './exit.ts';

interface BoundaryJson {
  /** Local time with its offset. */
  readonly at: string;
  readonly name: string;
  readonly randomEndSeconds?: number;
  readonly sessionEnd?: string;
}

interface CalendarJson {
  readonly symbol: string;
  readonly phase: string;
  readonly subPhase?: string;
  readonly calendar: string | null;
  readonly timeZone?: string;
  readonly overridden?: boolean;
  readonly scheduled?: BoundaryJson;
  readonly next: readonly BoundaryJson[];
}

export function calendarCommand(program: Command): void {
  const command = program
    .command('calendar')
    .summary('phases of a symbol by its calendar')
    .description('Shows the phase of a symbol and the next ones by its calendar, in the local time of the calendar.')
    .argument('<symbol>', 'such as BTC-USD')
    .option('--limit <count>', 'how many of the next phases', count(100), 10)
    .addHelpText(
      'after',
      `
Examples:
  openbell calendar BTC-USD
  openbell calendar BTC-USD --limit 50 --json`,
    );
  connectionOptions(command).action((symbol: string) =>
    run(async () => {
      const flags = command.opts<ConnectionFlags & { limit: number }>();
      const calendar = await askAdmin<CalendarJson>(flags, `/v1/symbols/${pathOf(symbol)}/calendar?limit=${flags.limit}`);
      if (flags.json) printJson(calendar);
      else print(calendarText(calendar));
      return ExitCode.Ok;
    }),
  );
}

function calendarText({ symbol, phase, subPhase, calendar, timeZone, overridden, scheduled, next }: CalendarJson): string {
  const head = `${symbol}  ${subPhase ?? phase}`;
  if (calendar === null || scheduled === undefined) return `${head}, no calendar`;
  const override = overridden ? `, set by the operator; by the calendar ${scheduled.name}` : '';
  const rows = next.map(({ at, name, randomEndSeconds, sessionEnd }) => [
    at.slice(0, 19).replace('T', ' '),
    at.slice(19),
    name,
    randomEndSeconds === undefined ? '' : `up to ${randomEndSeconds} s later`,
    sessionEnd === undefined ? '' : sessionEnd.slice(0, 19).replace('T', ' '),
  ]);
  return `${head}${override}, calendar ${calendar} (${timeZone})\n${table([['from', '', 'phase', 'random end', 'session ends'], ...rows])}`;
}
