import { type Command, Option } from 'commander';
import { accountId, askAdmin, type ConnectionFlags, connectionOptions, count, print, printJson, table } from './connection.ts';
import { ExitCode, run } from './exit.ts';

const PAGE = 1000;
const MOST = 1_000_000;
const KINDS = ['deposit', 'withdrawal', 'settlement', 'fee', 'rebate'];

interface EntryJson {
  readonly transactTime: string;
  readonly kind: string;
  readonly asset: string;
  readonly amount: string;
  readonly balance?: string;
  readonly cause: {
    readonly seq: number;
    readonly orderId?: string;
    readonly tradeId?: string;
    readonly symbol?: string;
    readonly side?: string;
    readonly lastPx?: string;
    readonly lastQty?: string;
  };
}

interface PageJson {
  readonly entries: readonly EntryJson[];
  readonly next: string;
  readonly from?: number;
  readonly lost?: number;
}

interface Flags extends ConnectionFlags {
  readonly asset?: string;
  readonly kind?: string;
  readonly from?: string;
  readonly to?: string;
  readonly limit: number;
}

export function ledgerCommand(program: Command): void {
  const command = program
    .command('ledger')
    .summary('what changed the balances of an account')
    .description(
      'Shows deposits, withdrawals, settlements and fees of an account, newest first, with their cause and the balance after each.',
    )
    .argument('<account>', 'id of the account', accountId)
    .option('--asset <name>', 'only of this asset')
    .addOption(new Option('--kind <kind>', 'only of this kind').choices(KINDS))
    .option('--from <time>', 'from this time on, ISO 8601')
    .option('--to <time>', 'before this time')
    .option('--limit <count>', 'how many at most', count(MOST), 100)
    .addHelpText('after', '\nExamples:\n  openbell ledger 2\n  openbell ledger 2 --asset USD --kind deposit --from 2026-11-01 --json');
  connectionOptions(command).action((account: number) =>
    run(async () => {
      const flags = command.opts<Flags>();
      const { entries, lost, from } = await everyPage(account, flags);
      if (flags.json) printJson({ account, entries, ...(lost !== undefined && { lost }), ...(from !== undefined && { from }) });
      else {
        print(entries.length === 0 ? 'no entries' : entryTable(entries));
        if (from !== undefined) print(`deposits and withdrawals before command ${from} are not known`);
        if (lost !== undefined) print(`entries of reports up to ${lost} are no longer kept`);
      }
      return ExitCode.Ok;
    }),
  );
}

async function everyPage(account: number, { asset, kind, from, to, limit, ...flags }: Flags): Promise<PageJson> {
  const entries: EntryJson[] = [];
  let page: PageJson = { entries, next: '' };
  do {
    const query = new URLSearchParams({ limit: String(Math.min(PAGE, limit - entries.length)) });
    for (const [name, value] of Object.entries({ asset, kind, from, to })) if (value !== undefined) query.set(name, value);
    if (page.next !== '') query.set('before', page.next);
    page = await askAdmin<PageJson>(flags, `/v1/accounts/${account}/ledger?${query}`);
    entries.push(...page.entries);
  } while (page.next !== '0' && entries.length < limit);
  return { ...page, entries };
}

function entryTable(entries: readonly EntryJson[]): string {
  const rows = entries.map(({ transactTime, kind, asset, amount, balance, cause }) => {
    const { seq, tradeId, orderId, side, lastQty, symbol, lastPx } = cause;
    const why = tradeId === undefined ? `command ${seq}` : `${side} ${lastQty} ${symbol} at ${lastPx}, order ${orderId}, trade ${tradeId}`;
    return [transactTime, kind, asset, amount, balance ?? '-', why];
  });
  return table([['time', 'kind', 'asset', 'amount', 'balance', 'cause'], ...rows]);
}
