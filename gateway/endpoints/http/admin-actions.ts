import { Code, codeName } from '../../../engine/codes.ts';
import type { CommandFields } from '../../../engine/machine/command.ts';
import { AccountParam, type SymbolParamName } from '../../../engine/params.ts';
import type { Directory } from '../../../engine/threads/directory.ts';
import { CommandKind } from '../../../engine/wire/layout.ts';
import { readAsset } from '../../config/config-asset.ts';
import { readAccount } from '../../config/config-file.ts';
import type { Place } from '../../config/config-place.ts';
import { PARAM_KEYS, PHASES, readParams, readSymbol } from '../../config/config-symbol.ts';
import type { Action } from '../../identity/permissions.ts';
import { type AdminAnswer, type AdminCommands, adminAdvice } from '../../venue/admin-commands.ts';
import { defineSymbol, PARAM_ORDER, setPhase, setSymbol } from '../../venue/genesis.ts';
import { BODIES } from './action-bodies.ts';
import type { Reply, Request, Route } from './admin-http.ts';
import { accountOf, symbolNamed } from './admin-queries.ts';
import { accountView, moneyText, priceText, quantityText, symbolView } from './admin-views.ts';
import { HttpError } from './http-error.ts';
import { readJsonBody } from './json-body.ts';
import { statusOf } from './reject-status.ts';

export interface ActionTargets {
  readonly directory: Directory;
  readonly commands: AdminCommands;
  readonly snapshot: () => Promise<{ readonly seq: number; readonly path: string }>;
  /** The exchange is stopping. */
  readonly draining: () => boolean;
}

const MAX_AMOUNT = Number.MAX_SAFE_INTEGER;

/**
 * What the operator can do. Each action is one or more commands through the
 * sequencer; an answer 200 means that the engine applied them all, in mode
 * `durable` also that they are on the disk.
 */
export function actionRoutes(targets: ActionTargets): Route[] {
  const { directory, commands } = targets;
  const post = (path: string, action: Action, handle: (request: Request, run: Run) => Promise<Reply>): Route => {
    const run = (request: Request) => async (fields: CommandFields) => {
      const answer = await commands.submit(fields);
      if (answer.seq !== 0) request.seqs.push(answer.seq);
      return accepted(answer);
    };
    return { method: 'POST', path, guarded: true, action, handle: (request) => handle(request, run(request)) };
  };
  const account = (params: Request['params']) => accountOf(directory, params.id);

  return [
    post('/v1/assets', 'venue:manage', async ({ body }, run) => {
      const asset = readJsonBody(body, BODIES.asset, readAsset);
      await run({ kind: CommandKind.DefineAsset, symbol: asset.id, tag: asset.decimals, name: asset.name });
      return { status: 201, json: directory.asset(asset.id) };
    }),
    post('/v1/symbols', 'venue:manage', async ({ body }, run) => {
      const symbol = readJsonBody(body, BODIES.symbol, (place) => readSymbol(place, directory.assets()));
      if (directory.symbolByName(symbol.name) !== undefined) throw taken(`the name ${symbol.name}`);
      await run(defineSymbol(symbol));
      await setParams(run, symbol.id, symbol.params);
      await run(setPhase(symbol.id, symbol.phase));
      return { status: 201, json: symbolView(symbolNamed(directory, symbol.name)) };
    }),
    post('/v1/symbols/:name/parameters', 'venue:manage', async ({ params, body }, run) => {
      const symbol = symbolNamed(directory, params.name);
      const tick = { mantissa: symbol.tickMantissa, decimals: symbol.tickDecimals };
      const lot = { mantissa: symbol.lotMantissa, decimals: symbol.lotDecimals };
      const values = readJsonBody(body, BODIES.parameters, (place) => {
        const fields = place.fields(PARAM_KEYS);
        return fields && readParams(fields, tick, lot, symbol.quoteAsset, symbol.params);
      });
      await setParams(run, symbol.id, values);
      return { json: symbolView(symbolNamed(directory, symbol.name)) };
    }),
    post('/v1/symbols/:name/phase', 'venue:manage', async ({ params, body }, run) => {
      const symbol = symbolNamed(directory, params.name);
      const phase = readJsonBody(body, BODIES.phase, (place) =>
        required(place, 'phase', 'phase', (field) => field.oneOf(Object.keys(PHASES) as (keyof typeof PHASES)[])),
      );
      const { seq } = await run(setPhase(symbol.id, PHASES[phase]));
      return { json: { symbol: symbol.name, phase, seq } };
    }),
    post('/v1/symbols/:name/uncross', 'venue:manage', async ({ params }, run) => {
      const symbol = symbolNamed(directory, params.name);
      const { seq, price, quantity } = await run({ kind: CommandKind.Uncross, symbol: symbol.id });
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
    }),
    post('/v1/accounts', 'account:define', async ({ body, demand }, run) => {
      const wanted = readJsonBody(body, BODIES.account, (place) => readAccount(place, directory.assets(), new Map()));
      demand('account:manage', wanted.id);
      if (wanted.deposits.length > 0) demand('account:money', wanted.id);
      await run({ kind: CommandKind.DefineAccount, account: wanted.id, name: wanted.name });
      await run({
        kind: CommandKind.SetAccount,
        account: wanted.id,
        parameter: AccountParam.MaxOpenOrders,
        quantity: wanted.maxOpenOrders,
      });
      if (wanted.suspended) await run({ kind: CommandKind.SetAccount, account: wanted.id, parameter: AccountParam.Suspended, quantity: 1 });
      for (const { asset, amount } of wanted.deposits) {
        await run({ kind: CommandKind.Deposit, account: wanted.id, symbol: asset.id, quantity: amount });
      }
      return { status: 201, json: accountView(accountOf(directory, String(wanted.id))) };
    }),
    ...(['deposit', 'withdraw'] as const).map((action) =>
      post(`/v1/accounts/:id/${action}`, 'account:money', async ({ params, body }, run) => {
        const { id } = account(params);
        const { asset, units } = readJsonBody(body, BODIES.money, (place) => readMoney(place, directory));
        const kind = action === 'deposit' ? CommandKind.Deposit : CommandKind.Withdraw;
        const { seq } = await run({ kind, account: id, symbol: asset.id, quantity: units });
        return { json: { account: id, asset: asset.name, amount: moneyText(asset, units), units, seq } };
      }),
    ),
    ...(['suspend', 'resume'] as const).map((action) =>
      post(`/v1/accounts/:id/${action}`, 'account:manage', async ({ params }, run) => {
        const { id } = account(params);
        await run({ kind: CommandKind.SetAccount, account: id, parameter: AccountParam.Suspended, quantity: action === 'suspend' ? 1 : 0 });
        return { json: accountView(account(params)) };
      }),
    ),
    post('/v1/accounts/:id/limits', 'account:manage', async ({ params, body }, run) => {
      const { id } = account(params);
      const limit = readJsonBody(body, BODIES.limits, (place) =>
        required(place, 'max-open-orders', 'maxOpenOrders', (field) => field.whole(0, 2 ** 32 - 1)),
      );
      await run({ kind: CommandKind.SetAccount, account: id, parameter: AccountParam.MaxOpenOrders, quantity: limit });
      return { json: accountView(account(params)) };
    }),
    post('/v1/snapshot', 'snapshot:take', async () => {
      if (targets.draining()) throw refusal(Code.DRAINING);
      const { seq, path } = await targets.snapshot();
      return { json: { seq, path } };
    }),
  ];
}

/** Sends a command and waits for its answer. @throws HttpError when it is refused */
type Run = (fields: CommandFields) => Promise<AdminAnswer>;

async function setParams(run: Run, symbol: number, params: Readonly<Partial<Record<SymbolParamName, number>>>): Promise<void> {
  for (const name of PARAM_ORDER) {
    const value = params[name];
    if (value !== undefined) await run(setSymbol(symbol, name, value));
  }
}

/** @throws HttpError for every code but OK */
function accepted(answer: AdminAnswer): AdminAnswer {
  if (answer.code === Code.OK) return answer;
  throw refusal(answer.code);
}

function refusal(code: Code): HttpError {
  return new HttpError(statusOf({ code }), code, codeName(code), adminAdvice(code));
}

function taken(what: string): HttpError {
  return new HttpError(409, Code.ALREADY_DEFINED, 'ALREADY_DEFINED', `${what} is taken: choose another`);
}

/** The one key of a body. @param shown what to call it when it is missing */
function required<T>(place: Place, key: string, shown: string, read: (field: Place) => T | undefined): T | undefined {
  const fields = place.fields([key]);
  const field = fields?.[key];
  if (fields !== undefined && field === undefined) return place.fail(`${shown} is missing`);
  return field && read(field);
}

function readMoney(place: Place, directory: Directory) {
  const fields = place.fields(['asset', 'amount', 'units']);
  if (fields === undefined) return undefined;
  if (fields.asset === undefined) return place.fail('asset is missing');
  const name = fields.asset.text();
  if (name === undefined) return undefined;
  const asset = directory.assetByName(name);
  if (asset === undefined) {
    throw new HttpError(404, Code.UNKNOWN_ASSET, 'UNKNOWN_ASSET', `there is no asset ${name}; GET /v1/assets lists them`);
  }
  if ((fields.amount === undefined) === (fields.units === undefined))
    return place.fail('give either amount ("10.00") or units (smallest units)');
  const units = fields.amount?.units(1, asset.decimals) ?? fields.units?.whole(1, MAX_AMOUNT);
  if (units === 0) return place.fail('the amount must be above 0');
  return units === undefined ? undefined : { asset, units };
}
