import { setTimeout as sleep } from 'node:timers/promises';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { adminAddress, type ConnectionFlags, connectionOptions, print, printJson, unreachable } from './connection.ts';
import { CliError, ExitCode, run } from './exit.ts';
import { outputTaken } from './followed.ts';
import { askHealth } from './health.ts';
import { MetricSamples } from './metric-samples.ts';
import { type TopView, topLines, topView } from './top-view.ts';

interface Flags extends ConnectionFlags {
  readonly once?: true;
  readonly interval: number;
}

/** Of a metrics page, bytes: thousands of symbols. */
const MOST_BYTES = 16 * 1024 * 1024;
const TIMEOUT_MS = 10_000;
const [COLUMNS, ROWS] = [80, 24];
const ALTERNATE = '\x1b[?1049h\x1b[?25l';
/** In raw mode, the terminal sends it as a character. */
const CONTROL_C = '\x03';
const NORMAL = '\x1b[?25h\x1b[?1049l';

export function topCommand(program: Command): void {
  const command = connectionOptions(
    program
      .command('top')
      .summary('show what the running exchange does')
      .description(
        'Shows rates, latency, rings, journal, sessions, market data, feeds and the busiest symbols of a running exchange, and its warnings. It reads the metrics and the health, each once per interval, and nothing else. q leaves.',
      )
      .option('--once', 'print the view once, after one interval')
      .addOption(new Option('--interval <seconds>', 'seconds between two readings, 1 to 3600').default(2).argParser(secondsOf))
      .addHelpText(
        'after',
        `
With --json, each view is a line; rates are per second. Where the output is no terminal, each view is printed below the last one.

Examples:
  openbell top
  openbell top --once
  openbell top --interval 10 --json | jq .rates`,
      ),
  );
  command.action(() => run(() => show(command.opts<Flags>())));
}

async function show(flags: Flags): Promise<ExitCode> {
  const screen = process.stdout.isTTY && !flags.once && !flags.json ? new Screen() : undefined;
  try {
    for (let before = await read(flags); ; ) {
      if (await (screen?.left(flags.interval * 1000) ?? sleep(flags.interval * 1000, false))) return ExitCode.Ok;
      const [after, health] = await Promise.all([read(flags), askHealth(flags)]);
      const view = topView(before, after, health);
      before = after;
      if (screen !== undefined) screen.draw(view);
      else if (flags.json) printJson(view);
      else print(`${topLines(view, Math.max(COLUMNS, process.stdout.columns ?? 0), Number.POSITIVE_INFINITY).join('\n')}\n`);
      if (flags.once) return ExitCode.Ok;
      if (screen === undefined) await outputTaken();
    }
  } finally {
    screen?.close();
  }
}

/** @throws CliError with exit code 3 when the exchange is unreachable */
async function read(flags: Flags): Promise<MetricSamples> {
  const { origin, headers, dispatcher } = await adminAddress(flags);
  const url = `${origin}/metrics`;
  let response: Response;
  let text: string;
  try {
    response = await fetch(url, {
      headers,
      signal: AbortSignal.timeout(TIMEOUT_MS),
      ...dispatcher,
    });
    text = await response.text();
  } catch (error) {
    throw unreachable(url, error, '; is the exchange running?');
  }
  if (!response.ok) throw new CliError(`${url} was rejected: HTTP ${response.status}`, ExitCode.Failed);
  if (text.length > MOST_BYTES || !text.includes('openbell_seq'))
    throw new CliError(`${url} did not answer with metrics of an exchange; is it openbell's admin port?`, ExitCode.Unreachable);
  return MetricSamples.parse(text, performance.now());
}

/** The terminal, on its alternate screen. */
class Screen {
  readonly #left = Promise.withResolvers<true>();
  readonly #leave = (): void => this.#left.resolve(true);
  readonly #key = (key: Buffer): void => {
    const text = key.toString('latin1');
    if (text.includes('q') || text.includes('Q') || text.includes(CONTROL_C)) this.#leave();
  };

  constructor() {
    process.stdout.write(ALTERNATE);
    if (process.stdin.isTTY) process.stdin.setRawMode(true);
    process.stdin.on('data', this.#key).resume();
    process.on('SIGTERM', this.#leave).on('SIGINT', this.#leave);
  }

  /** Resolves with true when the user has left, with false after the time. */
  async left(ms: number): Promise<boolean> {
    const wait = new AbortController();
    try {
      return await Promise.race([this.#left.promise, sleep(ms, false, { signal: wait.signal })]);
    } finally {
      wait.abort();
    }
  }

  draw(view: TopView): void {
    const { columns = COLUMNS, rows = ROWS } = process.stdout;
    process.stdout.write(
      `\x1b[H${topLines(view, columns, rows)
        .map((line) => `${line}\x1b[K`)
        .join('\r\n')}\x1b[J`,
    );
  }

  close(): void {
    process.off('SIGTERM', this.#leave).off('SIGINT', this.#leave);
    process.stdin.off('data', this.#key).pause();
    if (process.stdin.isTTY) process.stdin.setRawMode(false);
    process.stdout.write(NORMAL);
  }
}

function secondsOf(text: string): number {
  const seconds = Number(text);
  if (!/^\d{1,4}(\.\d)?$/.test(text) || seconds < 1 || seconds > 3600) throw new InvalidArgumentError('must be from 1 to 3600 seconds.');
  return seconds;
}
