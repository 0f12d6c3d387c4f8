import { setTimeout as sleep } from 'node:timers/promises';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { printable } from '../../log-lines.ts';
import { type AccountFlags, accountOption, askAdmin, connectionOptions, count, id, print, printJson, table, whole } from './connection.ts';
import { ExitCode, run } from './exit.ts';
import { outputTaken } from './followed.ts';
import { stopSignal } from './stop-signals.ts';

const KINDS = ['price', 'move', 'volume', 'volume-ratio', 'spread', 'indicator', 'position', 'exposure', 'feed-stale', 'fill'] as const;
const WINDOWS = ['10s', '1m', '5m', '15m', '1h', '4h', '1d'];
const INTERVALS = ['1s', '15s', '1m', '5m', '15m', '1h', '4h', '1d'];
const MAX_PAGE = 1000;
/** Between two questions of `events --follow`, ms. */
const FOLLOW_MS = 500;
/** Fields of an alert that do not belong to its condition. */
const NOT_CONDITION: ReadonlySet<string> = new Set([
  'id',
  'account',
  'kind',
  'repeat',
  'note',
  'created',
  'fired',
  'lastFired',
  'suppressed',
]);

type AlertJson = Readonly<Record<string, string | number | boolean>>;

interface EventJson {
  readonly no: number;
  readonly time: string;
  readonly alert: number;
  readonly text: string;
  readonly note: string;
}

interface SetFlags extends AccountFlags {
  readonly every?: true;
  readonly coolDown?: number;
}

export function alertsCommand(program: Command): void {
  const alerts = program
    .command('alerts')
    .summary('alerts of an account: list, set, delete, and what has fired')
    .description(
      'Alerts of an account on prices, moves, volume, spread, indicators, positions, feeds and fills. "openbell webhooks" sends them on.',
    );
  lsCommand(alerts);
  setCommand(alerts);
  deleteCommand(alerts);
  eventsCommand(alerts);
}

function lsCommand(alerts: Command): void {
  const command = alerts
    .command('ls')
    .summary('the alerts of an account')
    .description('Lists the alerts of an account.')
    .addHelpText('after', '\nExample:\n  openbell alerts ls --account 2');
  accountOption(connectionOptions(command)).action(() =>
    run(async () => {
      const flags = command.opts<AccountFlags>();
      const { alerts: list } = await askAdmin<{ alerts: AlertJson[] }>(flags, `/v1/alerts?account=${flags.account}`);
      if (flags.json) for (const alert of list) printJson(alert);
      else print(list.length === 0 ? 'no alerts' : alertTable(list));
      return ExitCode.Ok;
    }),
  );
}

function alertTable(alerts: readonly AlertJson[]): string {
  const rows = alerts.map((alert) =>
    [alert.id, alert.kind, conditionText(alert), repeatText(alert), alert.fired, printable(String(alert.note))].map(String),
  );
  return table([['id', 'kind', 'condition', 'repeat', 'fired', 'note'], ...rows]);
}

function conditionText(alert: AlertJson): string {
  return Object.entries(alert)
    .filter(([key]) => !NOT_CONDITION.has(key))
    .map(([key, value]) => (value === true ? key : `${key === 'crosses' ? 'crosses ' : ''}${printable(String(value))}`))
    .join(' ');
}

/** How often it fires. */
function repeatText({ repeat }: AlertJson): string {
  return typeof repeat === 'number' ? `cool-down ${repeat} s` : String(repeat);
}

function setCommand(alerts: Command): void {
  const command = alerts
    .command('set')
    .summary('set an alert')
    .description(
      'Sets an alert. It fires when its value crosses the level, not while it stands there; once, unless --every or --cool-down is given.',
    )
    .addOption(new Option('--kind <kind>', 'what to watch').choices(KINDS).makeOptionMandatory())
    .option('--symbol <name>', 'such as BTC-USD; of a fill: default any')
    .option('--asset <name>', 'of a position or an exposure, such as USD')
    .option('--feed <name>', 'of a feed that has no current prices')
    .option('--instrument <name>', 'of the feed; default: the feed itself')
    .addOption(new Option('--direction <direction>', 'how the level is crossed, default either').choices(['up', 'down', 'either']))
    .addOption(new Option('--window <time>', 'of a move or a volume').choices(WINDOWS))
    .addOption(new Option('--interval <time>', 'of the bars of an indicator').choices(INTERVALS))
    .option('--indicator <text>', 'such as rsi:14 or bb:20:2.upper')
    .option('--crosses <text>', 'another indicator that it crosses, such as sma:50')
    .option('--level <number>', 'level of an indicator')
    .option('--price <price>', 'level of a price')
    .option('--percent <percent>', 'level of a move, a spread or a volume-ratio, such as 5%')
    .option('--quantity <quantity>', 'level of a volume, in the base asset')
    .option('--amount <amount>', 'level of a position or an exposure')
    .option('--complete', 'only the fill that completes an order')
    .option('--every', 'each time')
    .addOption(new Option('--cool-down <seconds>', 'each time, but not again for so long').argParser(seconds).conflicts('every'))
    .option('--note <text>', 'a text of your own')
    .addHelpText(
      'after',
      `
Examples:
  openbell alerts set --kind price --symbol BTC-USD --direction up --price 65000.00
  openbell alerts set --kind move --symbol BTC-USD --direction down --percent 5% --window 15m --cool-down 900
  openbell alerts set --kind volume-ratio --symbol BTC-USD --window 1m --percent 300% --every
  openbell alerts set --kind indicator --symbol BTC-USD --interval 1m --indicator rsi:14 --level 70 --direction up
  openbell alerts set --kind indicator --symbol BTC-USD --interval 1h --indicator sma:20 --crosses sma:50 --every
  openbell alerts set --kind fill --every`,
    );
  accountOption(connectionOptions(command)).action(() =>
    run(async () => {
      const flags = command.opts<SetFlags & Record<string, string | boolean | undefined>>();
      const names = ['account', 'kind', 'symbol', 'asset', 'feed', 'instrument', 'direction', 'window'];
      const ofIndicators = ['interval', 'indicator', 'crosses', 'level'];
      const given = [...names, ...ofIndicators, 'price', 'percent', 'quantity', 'amount', 'complete', 'note'].filter(
        (name) => flags[name] !== undefined,
      );
      const repeat = flags.every ? 'every' : flags.coolDown;
      const body = { ...Object.fromEntries(given.map((name) => [name, flags[name]])), ...(repeat !== undefined && { repeat }) };
      const alert = await askAdmin<AlertJson>(flags, '/v1/alerts', body);
      if (flags.json) printJson(alert);
      else print(`alert ${alert.id} is set: ${`${alert.kind} ${conditionText(alert)}`.trim()}, ${repeatText(alert)}`);
      return ExitCode.Ok;
    }),
  );
}

function seconds(text: string): number {
  const value = whole(text);
  if (value < 1) throw new InvalidArgumentError('must be a whole number of seconds from 1.');
  return value;
}

function deleteCommand(alerts: Command): void {
  const command = alerts
    .command('delete')
    .summary('delete an alert')
    .description('Deletes an alert.')
    .argument('<id>', 'its id, see "alerts ls"', id)
    .addHelpText('after', '\nExample:\n  openbell alerts delete 3');
  accountOption(connectionOptions(command)).action((alert: number) =>
    run(async () => {
      const flags = command.opts<AccountFlags>();
      const answer = await askAdmin<object>(flags, `/v1/alerts/${alert}?account=${flags.account}`, undefined, 'DELETE');
      if (flags.json) printJson(answer);
      else print(`alert ${alert} is deleted`);
      return ExitCode.Ok;
    }),
  );
}

function eventsCommand(alerts: Command): void {
  const command = alerts
    .command('events')
    .summary('what has fired')
    .description(
      'Shows what has fired, oldest first; with --follow also what fires, until Ctrl-C. Events are numbered per account without gaps.',
    )
    .option('--after <number>', 'behind this event', whole, 0)
    .option('--limit <count>', 'how many at most', count(MAX_PAGE), MAX_PAGE)
    .option('--follow', 'wait for further events')
    .addHelpText('after', '\nExamples:\n  openbell alerts events --after 17\n  openbell alerts events --follow --json');
  accountOption(connectionOptions(command)).action(() =>
    run(async () => {
      const flags = command.opts<AccountFlags & { readonly after: number; readonly limit: number; readonly follow?: true }>();
      const stop = stopSignal();
      let { after } = flags;
      let left = flags.limit;
      for (;;) {
        const path = `/v1/alerts/events?account=${flags.account}&after=${after}&limit=${Math.min(left, MAX_PAGE)}`;
        const { events } = await askAdmin<{ events: EventJson[] }>(flags, path);
        for (const event of events) {
          if (flags.json) printJson(event);
          else
            print(
              `${event.no}  ${event.time}  alert ${event.alert}  ${printable(event.text)}${event.note === '' ? '' : `  (${printable(event.note)})`}`,
            );
        }
        await outputTaken(stop);
        after = events.at(-1)?.no ?? after;
        if (!flags.follow) left -= events.length;
        if (stop.aborted || (!flags.follow && (events.length === 0 || left <= 0))) return ExitCode.Ok;
        if (events.length === 0) await sleep(FOLLOW_MS, undefined, { signal: stop }).catch(() => undefined);
      }
    }),
  );
}
