import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Code } from '../engine/codes.ts';
import { connect } from '../gateway/client/index.ts';
import { DEMO_VENUE } from '../gateway/config/demo-venue.ts';
import { MIRROR_READER } from '../gateway/venue/mirror-simulation.ts';
import { dashboards, panelQueries } from '../mesh/checks/observability-dashboards.ts';
import { MetricCatalogue, metricsElsewhere, parseScrape, type Scrape } from '../mesh/checks/observability-metrics.ts';
import { promqlNames } from '../mesh/checks/observability-promql.ts';
import { allRules, testedSeries } from '../mesh/checks/observability-rules.ts';
import { ExchangeProcess } from './support/exchange-process.ts';

describe('rules and dashboards against the metrics of the exchange', { timeout: 300_000 }, () => {
  const data = mkdtempSync(join(tmpdir(), 'openbell-observability-'));
  let exchange: ExchangeProcess;
  let scrape: Scrape;
  let catalogue: MetricCatalogue;

  before(async () => {
    // A source that cannot be reached has all metrics of a source.
    const config = join(data, 'venue.yaml');
    const source = '{ name: outside, venue: openbell, instruments: [BTC-USD], ws-url: ws://127.0.0.1:1, http-url: http://127.0.0.1:1 }';
    writeFileSync(config, `${DEMO_VENUE}\nfeeds:\n  - ${source}\n`);
    exchange = await ExchangeProcess.start(join(data, 'data'), ['--config', config]);
    const { grpc: grpcPort, ws: wsPort, http: httpPort } = exchange.ports;
    const seller = await connect({ account: 1, grpcPort, wsPort, httpPort });
    const buyer = await connect({ account: 2, grpcPort, wsPort, httpPort });
    await seller.orders.place({ symbol: 'BTC-USD', side: 'sell', quantity: '0.5', price: '60000.00' });
    await buyer.orders.place({ symbol: 'BTC-USD', side: 'buy', quantity: '0.2', price: '60000.00' });
    await buyer.orders.cancel({ symbol: 'BTC-USD', orderId: 999_999 }); // rejected: UNKNOWN_ORDER
    // The histogram exists only after the first garbage collection.
    for (let tries = 0; tries < 100; tries++) {
      scrape = parseScrape(await (await fetch(`http://127.0.0.1:${httpPort}/metrics`)).text());
      if (scrape.has('nodejs_gc_duration_seconds_sum') && scrape.get('openbell_refusals_total')?.has('name')) break;
      await sleep(50);
    }
    await seller.close();
    await buyer.close();
    catalogue = new MetricCatalogue(scrape, metricsElsewhere(), allRules());
  });

  after(async () => {
    await exchange?.end('SIGKILL');
    rmSync(data, { recursive: true, force: true });
  });

  it('the scrape is from an exchange that has accepted orders', () => {
    assert.ok(
      scrape.get('openbell_reports_total')?.get('kind')?.has('Fill'),
      [...(scrape.get('openbell_reports_total')?.get('kind') ?? [])].join(),
    );
    assert.ok(scrape.get('openbell_refusals_total')?.get('name')?.has('UNKNOWN_ORDER'));
    assert.ok(scrape.get('openbell_order_residence_seconds_bucket')?.get('le')?.has('0.001'));
  });

  it('each name and label in a rule is exposed by a target', () => {
    for (const { alert, record, expr } of allRules()) assert.deepEqual(catalogue.problems(expr), [], `${alert ?? record}: ${expr}`);
  });

  it('each series of the tests of the rules is one that the exchange can have', () => {
    const further = new Map<string, readonly string[] | undefined>([
      // Names of the configuration.
      ['openbell_certificate_expiry_seconds certificate', ['server']],
      ['openbell_reference_stale symbol', undefined],
      ['openbell_feed_connected feed', undefined],
      ['openbell_feed_faults_total feed', undefined],
      ['openbell_feed_instruments feed', undefined],
      ['openbell_refusals_total code', Object.values(Code).map(String)],
      ['openbell_refusals_total name', Object.keys(Code)],
      ['openbell_feed_reader_missed_total reader', [MIRROR_READER]],
    ]);
    for (const series of testedSeries()) assert.deepEqual(catalogue.seriesProblems(series, further), [], series);
    for (const wrong of ['openbell_feed_reader_missed_total{reader="references"}', 'openbell_ready{pod="a", x="1"}'])
      assert.notDeepEqual(catalogue.seriesProblems(wrong, further), [], wrong);
  });

  it('each name and label in a panel or variable is exposed by a target', () => {
    for (const [file, board] of dashboards()) {
      for (const { where, expr } of panelQueries(board)) assert.deepEqual(catalogue.problems(expr), [], `${file}: ${where}: ${expr}`);
    }
  });

  it('the list of other metrics has none that the exchange exposes, none that is unused, and a source for each', () => {
    const expressions = [...allRules(), ...[...dashboards().values()].flatMap(panelQueries)].map(({ expr }) => expr);
    const used = new Set(expressions.flatMap((expr) => promqlNames(expr).selectors.map(({ metric }) => metric)));
    for (const { name, source } of metricsElsewhere()) {
      assert.ok(!scrape.has(name), `${name} comes from the exchange`);
      assert.ok(used.has(name), `${name} is unused`);
      assert.ok(source.length > 10, name);
    }
  });

  it('each openbell metric is in a rule or a panel, or is omitted on purpose', () => {
    const leftOut = [
      'openbell_journal_batches_total',
      'openbell_history_commits_total',
      'openbell_drop_copy_reports_total',
      'openbell_disconnect_cancels_total',
      'openbell_market_bytes_total',
      'openbell_market_public_connections',
      'openbell_market_events_total',
      'openbell_symbol_indicative_price',
      'openbell_symbol_last_price',
      'openbell_symbols_interrupted',
      'openbell_symbols_omitted',
      'openbell_alert_firings_total',
      'openbell_alerts',
      'openbell_webhook_attempts_total',
      'openbell_webhook_dead_letters_total',
      'openbell_webhook_messages_pending',
      'openbell_webhooks',
      // Only an exchange with consolidated books has values of these.
      'openbell_feed_book_crossing',
      'openbell_feed_book_live_sources',
      // Few trades are in no candle; `GET /v1/feeds/NAME/candles` shows how many.
      'openbell_feed_candle_left_out_total',
      // The store of candles of feeds: a fault of it is a warning of the health check and in the log.
      'openbell_feed_candle_damaged_total',
      'openbell_feed_candle_lost_total',
      'openbell_feed_candle_refused_total',
      'openbell_feed_candle_removed_total',
      'openbell_feed_candle_store_bytes',
      'openbell_feed_candle_store_failing',
      'openbell_feed_candle_stored_total',
      // Only an exchange with `--simulate mirror` has values of these.
      'openbell_mirror_commands_total',
      'openbell_mirror_dropped_trades_total',
      'openbell_mirror_rejects_total',
      'openbell_mirror_source_connected',
      'openbell_mirror_symbols',
      'openbell_mirror_withdrawals_total',
      // Few, and in the log.
      'openbell_reference_rejects_total',
      'openbell_reference_retries_total',
      'openbell_reference_switches_total',
    ];
    const expressions = [...allRules(), ...[...dashboards().values()].flatMap(panelQueries)].map(({ expr }) => expr);
    const used = new Set(expressions.flatMap((expr) => promqlNames(expr).selectors.map(({ metric }) => metric)));
    const unused = [...scrape.keys()].filter(
      (name) => name.startsWith('openbell_') && !used.has(name) && !/_(sum|count|bucket)$/.test(name),
    );
    assert.deepEqual(unused.sort(), leftOut.sort());
  });

  it('finds a name, a label, a value and a grouping that do not exist', () => {
    const finds: [string, RegExp][] = [
      ['rate(openbell_order_total[5m])', /no target exposes openbell_order_total/],
      ['openbell_ring_depth{queue="command"}', /no label queue/],
      ['openbell_seq{stage="journaled"}', /no stage="journaled"/],
      ['openbell_market_slow_readers_total{outcome=~"cut|gone"}', /no outcome="gone"/],
      ['openbell_refusals_total{name="BUSI"}', /no name="BUSI"/],
      ['sum by (shard) (openbell_ready)', /has label shard/],
      ['istio_requests_total{destination_service="x"}', /no label destination_service/],
    ];
    for (const [expr, problem] of finds) assert.match(catalogue.problems(expr).join('; '), problem);
  });
});
