import { Code } from '../../../engine/codes.ts';
import type { Directory } from '../../../engine/threads/directory.ts';
import { CommandKind } from '../../../engine/wire/layout.ts';
import { assetsByName, readAsset } from '../../config/config-asset.ts';
import { readAccount } from '../../config/config-file.ts';
import type { Place } from '../../config/config-place.ts';
import { PARAM_KEYS, readParams, readSymbol } from '../../config/config-symbol.ts';
import type { History } from '../../taps/history/history.ts';
import type { AdminCommands } from '../../venue/admin-commands.ts';
import {
  cancelOrders,
  defineAsset,
  makeAccount,
  makeSymbol,
  type OrderSelection,
  setParameters,
  uncross,
} from '../../venue/venue-commands.ts';
import { moneyText, priceText, quantityText } from '../json/amounts.ts';
import { ACCOUNT_MADE, MONEY_MOVED } from '../json/schemas/accounts.ts';
import { ASSET, CANCELLED, SNAPSHOT, SYMBOL, UNCROSSED } from '../json/schemas/venue.ts';
import { symbolNamed } from '../json/symbol-named.ts';
import { BODIES } from './action-bodies.ts';
import { actionMaker } from './action-route.ts';
import { accountOf } from './admin-queries.ts';
import { accountView, symbolView } from './admin-views.ts';
import { rejected, runUntilDone } from './command-runner.ts';
import { controlRoutes } from './control-actions.ts';
import { HttpError } from './http-error.ts';
import { KeyedRequests, keyFields, readIdempotencyKey, withDepositKeys } from './idempotency.ts';
import { readJsonBody } from './json-body.ts';
import { LoggedRequests, withTags } from './logged-requests.ts';
import { withMoneyLimits } from './money-limits.ts';
import { phaseRoutes } from './phase-actions.ts';
import type { Request, Route } from './route.ts';

export interface ActionTargets {
  readonly directory: Directory;
  readonly history: Pick<History, 'accountReports' | 'stats'>;
  readonly commands: AdminCommands;
  readonly snapshot: () => Promise<{ readonly seq: number; readonly path: string }>;
  /** The exchange is stopping. */
  readonly draining: () => boolean;
}

const MAX_AMOUNT = Number.MAX_SAFE_INTEGER;

/**
 * The administrative actions. Each is one or more commands through the
 * sequencer; an answer 200 means that the engine applied them all, in mode
 * `durable` also that they are on the disk.
 */
export function actionRoutes(targets: ActionTargets): Route[] {
  const { directory, history, commands } = targets;
  const post = actionMaker(commands);
  const account = (params: Request['params']) => accountOf(directory, params.id);
  const keyed = new KeyedRequests();
  const logged = new LoggedRequests(history, directory);

  return [
    post(
      { path: '/v1/assets', summary: 'Defines an asset.', action: 'venue:manage', body: BODIES.asset, answer: ASSET, status: 201 },
      async ({ body }, run) => {
        const asset = readJsonBody(body, readAsset);
        await run(defineAsset(asset));
        return { status: 201, json: directory.asset(asset.id) };
      },
    ),
    post(
      { path: '/v1/symbols', summary: 'Defines a symbol.', action: 'venue:manage', body: BODIES.symbol, answer: SYMBOL, status: 201 },
      async ({ body }, run) => {
        const symbol = readJsonBody(body, (place) => readSymbol(place, assetsByName(directory.assets())));
        if (directory.symbolByName(symbol.name) !== undefined) throw taken(`the name ${symbol.name}`);
        for (const command of makeSymbol(symbol)) await run(command);
        return { status: 201, json: symbolView(symbolNamed(directory, symbol.name)) };
      },
    ),
    post(
      {
        path: '/v1/symbols/:name/parameters',
        summary: 'Changes limits, fees and other parameters of a symbol.',
        action: 'venue:manage',
        body: BODIES.parameters,
        answer: SYMBOL,
      },
      async ({ params, body }, run) => {
        const symbol = symbolNamed(directory, params.name);
        const tick = { mantissa: symbol.tickMantissa, decimals: symbol.tickDecimals };
        const lot = { mantissa: symbol.lotMantissa, decimals: symbol.lotDecimals };
        const values = readJsonBody(body, (place) => {
          const fields = place.fields(PARAM_KEYS);
          return fields && readParams(fields, tick, lot, symbol.quoteAsset, symbol.params);
        });
        for (const command of setParameters(symbol.id, values, symbol.params)) await run(command);
        return { json: symbolView(symbolNamed(directory, symbol.name)) };
      },
    ),
    post(
      {
        path: '/v1/symbols/:name/uncross',
        summary: 'Ends the auction of a symbol with its trades.',
        action: 'venue:manage',
        answer: UNCROSSED,
      },
      async ({ params }, run) => {
        const symbol = symbolNamed(directory, params.name);
        const { seq, price, quantity } = await run(uncross(symbol.id));
        return {
          json: {
            symbol: symbol.name,
            price: priceText(symbol, price),
            quantity: quantityText(symbol, quantity),
            priceTicks: price,
            quantityLots: quantity,
            seq,
          },
        };
      },
    ),
    post(
      {
        path: '/v1/accounts',
        summary: 'Defines an account, with deposits.',
        action: 'account:define',
        body: BODIES.account,
        answer: ACCOUNT_MADE,
        status: 201,
        keyed: 'text',
      },
      async ({ body, header, demand, seqs, caller }, run) => {
        const key = readIdempotencyKey(header('idempotency-key'));
        const wanted = readJsonBody(body, (place) => readAccount(place, assetsByName(directory.assets()), new Map()));
        demand('account:manage', wanted.id);
        if (wanted.deposits.length > 0) demand('account:money', wanted.id);
        const made = makeAccount(wanted);
        let repeated = false;
        const limited = withMoneyLimits(run, directory);
        if (key === undefined) for (const command of made) await limited(command);
        else {
          const request = JSON.stringify(made);
          const commands = withTags(withDepositKeys(made, key), key, request);
          const recall = () => logged.applied(commands, seqs.at(-1) ?? 0, caller);
          repeated = await keyed.run(wanted.id, key, request, commands, limited, recall);
        }
        return { status: 201, json: { ...accountView(accountOf(directory, String(wanted.id)), directory), ...(repeated && { repeated }) } };
      },
    ),
    ...(['deposit', 'withdraw'] as const).map((action) =>
      post(
        {
          path: `/v1/accounts/:id/${action}`,
          summary: action === 'deposit' ? 'Deposits money.' : 'Withdraws money.',
          action: 'account:money',
          body: BODIES.money,
          answer: MONEY_MOVED,
          keyed: 'text',
        },
        async ({ params, body, header }, run) => {
          const { id } = account(params);
          const key = keyFields(readIdempotencyKey(header('idempotency-key')));
          const { asset, units } = readJsonBody(body, (place) => readMoney(place, directory));
          const kind = action === 'deposit' ? CommandKind.Deposit : CommandKind.Withdraw;
          const { seq, repeated } = await withMoneyLimits(run, directory)({ kind, account: id, symbol: asset.id, quantity: units, ...key });
          return { json: { account: id, asset: asset.name, amount: moneyText(asset, units), units, seq, ...(repeated && { repeated }) } };
        },
      ),
    ),
    ...phaseRoutes(directory, post),
    ...controlRoutes(directory, post),
    post(
      {
        path: '/v1/accounts/:id/cancel-orders',
        summary: 'Cancels orders of an account: all, of a symbol, or one.',
        action: 'account:manage',
        body: BODIES.ordersOfAccount,
        answer: CANCELLED,
      },
      async ({ params, body }, run) => {
        const { id } = account(params);
        const { symbol: name, ...order } = readJsonBody(body, readOrders);
        const symbol = name === undefined ? undefined : symbolNamed(directory, name);
        const result = await runUntilDone(run, cancelOrders({ account: id, ...(symbol && { symbol: symbol.id }), ...order }));
        return { json: { account: id, ...(symbol && { symbol: symbol.name }), ...order, ...result } };
      },
    ),
    post(
      {
        path: '/v1/symbols/:name/cancel-orders',
        summary: 'Cancels orders of a symbol: all, or one.',
        action: 'venue:manage',
        body: BODIES.ordersOfSymbol,
        answer: CANCELLED,
      },
      async ({ params, body }, run) => {
        const symbol = symbolNamed(directory, params.name);
        const { orderId } = readJsonBody(body, readOrders);
        const order = orderId === undefined ? {} : { orderId };
        return { json: { symbol: symbol.name, ...order, ...(await runUntilDone(run, cancelOrders({ symbol: symbol.id, ...order }))) } };
      },
    ),
    post(
      { path: '/v1/snapshot', summary: 'Takes a snapshot while trading continues.', action: 'snapshot:take', answer: SNAPSHOT },
      async () => {
        if (targets.draining()) throw rejected(Code.DRAINING);
        const { seq, path } = await targets.snapshot();
        return { json: { seq, path } };
      },
    ),
  ];
}

function taken(what: string): HttpError {
  return new HttpError(409, Code.ALREADY_DEFINED, 'ALREADY_DEFINED', `${what} is taken: choose another`);
}

interface NamedOrders extends Pick<OrderSelection, 'orderId' | 'clientOrderId'> {
  /** Name of the symbol. */
  readonly symbol?: string;
}

function readOrders(place: Place): NamedOrders | undefined {
  const fields = place.fields(['symbol', 'order-id', 'client-order-id']);
  if (fields === undefined) return undefined;
  const symbol = fields.symbol?.text();
  const orderId = fields['order-id']?.whole(1, Number.MAX_SAFE_INTEGER);
  const clientOrderId = fields['client-order-id']?.whole(1, Number.MAX_SAFE_INTEGER);
  if (orderId !== undefined && clientOrderId !== undefined) return place.fail('give orderId or clientOrderId, not both');
  return {
    ...(symbol !== undefined && { symbol }),
    ...(orderId !== undefined && { orderId }),
    ...(clientOrderId !== undefined && { clientOrderId }),
  };
}

function readMoney(place: Place, directory: Directory) {
  const fields = place.fields(['asset', 'amount', 'units']);
  if (fields === undefined) return undefined;
  if (fields.asset === undefined) return place.missing('asset');
  const name = fields.asset.text();
  if (name === undefined) return undefined;
  const asset = directory.assetByName(name);
  if (asset === undefined) {
    throw new HttpError(404, Code.UNKNOWN_ASSET, 'UNKNOWN_ASSET', `there is no asset ${name.slice(0, 32)}; GET /v1/assets lists them`);
  }
  if ((fields.amount === undefined) === (fields.units === undefined))
    return place.fail('give either amount ("10.00") or units (smallest units)');
  const units = fields.amount?.units(1, asset.decimals) ?? fields.units?.whole(1, MAX_AMOUNT);
  if (units === 0) return fields.amount?.fail('must be above 0');
  return units === undefined ? undefined : { asset, units };
}
