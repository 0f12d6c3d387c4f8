import { Code, codeName } from '../codes.ts';
import { checkList } from '../wire/check-list.ts';
import type { LinkKind, Side } from '../wire/layout.ts';
import { linkWord } from '../wire/list-link.ts';
import { LINK_NAMES } from '../wire/names.ts';
import type { CommandRunner } from './command-runner.ts';
import { badName, badRange } from './embed-error.ts';
import type { EmbeddedNames } from './embedded-names.ts';
import { checkPlaceList } from './known-names.ts';
import { OrderAnswer, Sent } from './order-answer.ts';
import { type ListResult, OrderResult } from './order-result.ts';
import { type OrderWriter, sideOf } from './order-writer.ts';
import type { ListedOrder, PlaceList } from './orders.ts';
import type { Quantity } from './symbol-units.ts';

const NAMES = LINK_NAMES.slice(1);

/** Sends the orders of a list one after another: the exchange accepts all of them, or none. @throws EmbedError */
export function sendList(runner: CommandRunner, writer: OrderWriter, names: EmbeddedNames, list: PlaceList): ListResult {
  checkPlaceList(list);
  const units = names.symbol(list.symbol);
  const account = names.account(list.account);
  const kind = LINK_NAMES.indexOf(list.link) as LinkKind;
  if (kind < 1) badName('link', list.link, NAMES);
  const legs = list.link === 'bracket' ? 3 : 2;
  if (list.orders.length !== legs) badRange(`${list.link} links ${legs} orders, not ${list.orders.length}`);
  runner.begin();
  let code: Code = Code.OK;
  const sent = list.orders.map((order, index) => {
    const result = new OrderResult();
    // An extension is before each command.
    const slot = 2 * index + 1;
    const clientOrderId = writer.clientOrderIdOf(order.clientOrderId, index);
    const own = writer.writeNew(
      order,
      sideIn(list, order, index),
      units.lots(quantityIn(list, order)),
      units,
      account,
      clientOrderId,
      slot,
      linkWord(kind, index + 1, legs),
    );
    const answer = new OrderAnswer(names, result);
    answer.expect(Sent.New, account, 0, clientOrderId);
    result.named(names, units.id);
    result.code = own;
    result.clientOrderId = clientOrderId;
    if (code === Code.OK) code = own;
    return { result, answer };
  });
  const orders = sent.map(({ result }) => result);
  if (code === Code.OK) code = checkList(runner.u8, runner.words);
  if (code !== Code.OK) {
    for (const result of orders) if (result.code === Code.OK) result.code = code === Code.BAD_LIST ? code : Code.LIST_REJECTED;
    return { accepted: false, code, reason: codeName(code), orders };
  }
  const take = (words: Int32Array, at: number): void => {
    for (const { answer } of sent) answer.take(words, at);
  };
  runner.run({ take }, 0, 2 * legs - 1);
  const failed = orders.find((order) => !order.accepted && order.code !== Code.LIST_REJECTED) ?? orders.find(({ accepted }) => !accepted);
  code = failed?.code ?? Code.OK;
  return { accepted: failed === undefined, code, reason: codeName(code), orders };
}

function sideIn({ link, side }: PlaceList, order: ListedOrder, index: number): Side {
  const named = order.side ?? side;
  if (named === undefined) badRange('name the side of the list, or of each order');
  const number = sideOf(named);
  const isOther = link === 'bracket' && index > 0 && order.side === undefined;
  return isOther ? ((number ^ 1) as Side) : number;
}

function quantityIn({ quantity }: PlaceList, order: ListedOrder): Quantity {
  return order.quantity ?? quantity ?? badRange('name the quantity of the list, or of each order');
}
