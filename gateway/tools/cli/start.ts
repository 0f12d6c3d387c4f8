import { isSea } from 'node:sea';
import { setFlagsFromString } from 'node:v8';
import { type Command, Option } from 'commander';
import { unitsToDecimal } from '../../../engine/decimal.ts';
import { authority } from '../../client/authority.ts';
import type { Config } from '../../config/config.ts';
import { OPTIONS } from '../../config/config-options.ts';
import { errorOutput } from '../../lossy-output.ts';
import type { RunningExchange } from '../../main.ts';
import { print, printJson } from './connection.ts';
import { endNow, endWithin } from './end.ts';
import { ExitCode, run } from './exit.ts';
import { Progress } from './progress.ts';
import { stopSignal } from './stop-signals.ts';

/** Time for the end after a failure, ms: the audit records that wait are written. */
const FAILED_MS = 3000;
/** Time in which a start that has failed stops what it started, ms. */
const GIVE_UP_MS = 8000;

/** Command line of this program: the single executable, or npx in a clone or with the package installed. */
const OPENBELL = isSea() ? 'openbell' : 'npx openbell';

export function startCommand(program: Command): void {
  const command = program
    .command('start')
    .summary('run the exchange')
    .description(
      'Runs the exchange until Ctrl-C or SIGTERM, which also stop it during the start. A second signal ends it at once, without loss of acknowledged orders.',
    );
  for (const [name, { help, value, optionalValue, fallback }] of Object.entries(OPTIONS)) {
    const text = value === undefined || typeof fallback === 'object' || fallback === undefined ? help : `${help} (default ${fallback})`;
    const placeholder = value === undefined ? (optionalValue === undefined ? '' : ` [${optionalValue}]`) : ` <${value}>`;
    command.addOption(new Option(`--${name}${placeholder}`, text));
  }
  command
    .option('--config <file>', 'YAML file: symbols, fees, limits, accounts (default: the demo venue, in a new data directory only)')
    .option(
      '--dry-run',
      'list what this start would define, change, and leave as operators set it, and end; exit code 1 if there is anything',
    )
    .option('--json', 'print its addresses, or the list, as JSON')
    .addHelpText(
      'after',
      `
Exit codes: 0 stopped, 1 failed (the next start recovers), 2 wrong options or configuration, 130 and 143 ended by a second
signal. docs/ADMIN.md has the details.

Each option is also an environment variable, such as OPENBELL_GRPC_PORT, and a key of the file's server section.

Examples:
  openbell start
  openbell start --simulate
  openbell start --simulate mirror=demo
  openbell start --config venue.yaml --data /var/lib/openbell --durability fast
  openbell start --config venue.yaml --data /var/lib/openbell --dry-run
  OPENBELL_HTTP_PORT=8403 openbell start`,
    )
    .action(async () => {
      await run(
        () => runExchange(command.opts()),
        (text) => errorOutput.write(text),
      );
      endNow((process.exitCode ?? ExitCode.Ok) as ExitCode);
    });
}

async function runExchange(options: Record<string, string | boolean | undefined>): Promise<ExitCode> {
  const { loadConfig } = await import('../../config/config.ts');
  const flags = byName(options);
  const config = loadConfig({ flags, env: process.env });
  if (flags['dry-run']) return await listChanges(config, flags.json === true);
  if (typeof config.simulate === 'object') await (await import('../../config/config-mirror.ts')).checkMirrorFile(config);
  const [{ createLogger }, { startExchange }] = await Promise.all([import('../../log.ts'), import('../../main.ts')]);
  const log = createLogger(config.logLevel);
  process.on('uncaughtException', (error) => {
    log.fatal({ err: error }, 'an error that nothing handles: the exchange ends; start it again to recover');
    endNow(ExitCode.Failed);
  });
  // One thread collects the young generation in a fraction of a millisecond; helper threads would use cores that the stages need.
  setFlagsFromString('--no-parallel-scavenge');
  const [{ startupFindings }, { needsOf }] = await Promise.all([import('../doctor/doctor.ts'), import('../doctor/needs.ts')]);
  for (const { id, status, found, why, fix } of startupFindings(needsOf(config)))
    log.warn({ check: id, status, fix }, `${id}: ${found}; ${why}`);
  const progress = new Progress('recovering', (text) => errorOutput.write(text));
  const ended = Promise.withResolvers<ExitCode>();
  const stop = stopSignal();
  const fail = (): void => {
    endWithin(FAILED_MS, ExitCode.Failed);
    ended.resolve(ExitCode.Failed);
  };
  let exchange: RunningExchange;
  try {
    exchange = await startExchange(config, {
      log,
      signal: stop,
      onProgress: ({ stage, seq }) => progress.show(`${stage} up to command ${seq.toLocaleString('en')}`),
      onFailed: fail,
      onGivingUp: () => endWithin(GIVE_UP_MS, ExitCode.Failed),
    });
  } catch (error) {
    if (error !== stop.reason) throw error;
    errorOutput.write('openbell: stopped before it was ready; nothing is lost, and the next start begins again\n');
    return ExitCode.Ok;
  } finally {
    progress.end();
  }
  stop.addEventListener('abort', () => exchange.stop().then(() => ended.resolve(ExitCode.Ok), ended.reject));
  if (flags.json) printJson({ ...exchange.ports, host: config.host, data: config.data, pid: process.pid });
  else print(welcome(exchange));
  const exitCode = await ended.promise;
  // Threads may hang after a failure; the log has everything that was acknowledged.
  if (exitCode !== ExitCode.Ok) await exchange.abandon();
  return exitCode;
}

/** Changes nothing; an exchange may be running on the directory. */
async function listChanges(config: Config, json: boolean): Promise<ExitCode> {
  const { changesOfStart, printChanges } = await import('./config-changes.ts');
  const progress = new Progress('replaying');
  const changes = changesOfStart(config, (seq) => progress.show(`command ${seq.toLocaleString('en')}`));
  progress.end();
  return printChanges(changes, json);
}

/** `grpcPort` as commander has it -> `grpc-port`. */
function byName(options: Record<string, string | boolean | undefined>): Record<string, string | boolean | undefined> {
  return Object.fromEntries(
    Object.entries(options).map(([key, value]) => [key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`), value]),
  );
}

function welcome({ config, ports, engine, recovery }: RunningExchange): string {
  const at = (port: number): string => authority(config.host, port);
  const ready = Math.round(performance.now());
  const flags = [
    ports.grpc === 7401 ? '' : ` --grpc-port ${ports.grpc}`,
    ports.ws === 7402 ? '' : ` --ws-port ${ports.ws}`,
    ports.http === 7403 ? '' : ` --http-port ${ports.http}`,
    config.host === '127.0.0.1' ? '' : ` --host ${config.host}`,
    config.tlsCert === undefined ? '' : ' --tls-ca FILE',
    config.tlsClientCa === undefined ? '' : ' --tls-client-cert FILE --tls-client-key FILE',
  ].join('');
  const secure = config.tlsCert === undefined ? '' : 's';
  const symbol = engine.directory.symbols()[0];
  const price = symbol === undefined ? undefined : tryPrice(symbol);
  return `openbell is open: ${engine.topology}, ${config.durability}, command ${recovery.seq}, ready in ${ready} ms

  order entry  gRPC       ${at(ports.grpc)}
  market data  WebSocket  ws${secure}://${at(ports.ws)}
  admin        HTTP       http${secure}://${at(ports.http)}
  data                    ${config.data}
  process                 ${process.pid}

${symbol === undefined ? 'No symbols yet: see docs/ADMIN.md.' : `Try, in another terminal:\n  ${OPENBELL} book ${symbol.name}${flags}\n  ${OPENBELL} order buy 0.5 ${symbol.name} ${price}${flags}`}
`;
}

/** A price that rests: a little below the last one. */
function tryPrice({
  referencePrice,
  lastPrice,
  tickMantissa,
  tickDecimals,
}: ReturnType<RunningExchange['engine']['directory']['symbols']>[number]): string {
  const ticks = Math.max(1, Math.floor((lastPrice || referencePrice || 100) * 0.99));
  return unitsToDecimal(ticks, tickMantissa, tickDecimals);
}
