// @ts-check
/** A ladder, the last trades, an order form, the own open orders and the position, with plain DOM. */
import { connect, OpenbellError } from 'openbell-client/browser';

/** @typedef {import('openbell-client/browser').PageClient} PageClient */

const DEPTH = 10;
const LAST_TRADES = 20;
const LAST_REPORTS = 20;
/** Until a connection that could not be made is tried again. One that was made is renewed by the client itself. */
const AGAIN_MS = 3000;

/** The connection in use. @type {PageClient | undefined} */
let exchange;

/** @param {string} id @returns {HTMLElement} */
const element = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/**
 * A row of a table. Texts of others are never markup here.
 * @param {string} side class of the row @param {readonly (string | Node)[]} cells
 */
function row(side, cells) {
  const tr = document.createElement('tr');
  tr.className = side;
  for (const cell of cells) tr.insertCell().append(cell);
  return tr;
}

/** @param {string} text */
function say(text) {
  const item = document.createElement('li');
  item.textContent = text;
  element('reports').prepend(item);
  while (element('reports').childElementCount > LAST_REPORTS) element('reports').lastElementChild?.remove();
}

/** @param {unknown} error */
function explain(error) {
  if (!(error instanceof Error)) return String(error);
  if (!(error instanceof OpenbellError) || error.message.startsWith(error.code)) return error.message;
  return `${error.code}: ${error.message}`;
}

/** @param {string} state @param {boolean} [isConnected] */
function show(state, isConnected = false) {
  element('state').textContent = state;
  element('main').classList.toggle('stale', !isConnected);
  /** @type {HTMLFieldSetElement} */ (element('fields')).disabled = !isConnected;
  for (const cancel of element('orders').querySelectorAll('button')) cancel.disabled = !isConnected;
}

/** The work is done before the next picture of the screen, however often it is asked for. A page in the background has none. @param {() => void} work */
function oncePerFrame(work) {
  let isDue = false;
  return () => {
    if (isDue) return;
    isDue = true;
    requestAnimationFrame(() => {
      isDue = false;
      work();
    });
  };
}

/** The book and the trades of a symbol. @param {PageClient} exchange @param {string} symbol */
async function showMarket(exchange, symbol) {
  const units = await exchange.symbols.find(symbol);
  const book = await exchange.market.book(symbol);
  const drawBook = oncePerFrame(() =>
    element('ladder').replaceChildren(
      ...book.asks
        .slice(0, DEPTH)
        .reverse()
        .map(({ price, quantity }) => row('sell', ['', units.price(price), units.quantity(quantity)])),
      ...book.bids.slice(0, DEPTH).map(({ price, quantity }) => row('buy', [units.quantity(quantity), units.price(price), ''])),
    ),
  );
  book.on('change', drawBook);
  drawBook();

  /** Newest first. @type {import('openbell-client/browser').TradeView[]} */
  let last = [];
  const drawTrades = oncePerFrame(() =>
    element('trades').replaceChildren(
      ...last.map(({ price, quantity, timeUs }) =>
        row('', [new Date(timeUs / 1000).toLocaleTimeString(), units.price(price), units.quantity(quantity)]),
      ),
    ),
  );
  await exchange.market.trades(symbol, {
    last: LAST_TRADES,
    onItem: (trade) => {
      last = [trade, ...last].slice(0, LAST_TRADES);
      drawTrades();
    },
  });
}

/** Reports and open orders. @param {PageClient} exchange @param {string} symbol @returns {Promise<unknown>} resolves when the session has ended */
function showOrders({ orders, queries }, symbol) {
  /** Rows of the open orders, by order id. @type {Map<number, HTMLTableRowElement>} */
  const open = new Map();
  /** Orders that ended while the list of the open ones was read. @type {Set<number>} */
  const ended = new Set();
  element('orders').replaceChildren();

  /** @param {number} orderId @param {'buy' | 'sell'} side @param {string} price @param {string} leaves */
  function add(orderId, side, price, leaves) {
    const cancel = document.createElement('button');
    cancel.textContent = 'Cancel';
    cancel.onclick = () => orders.cancel({ symbol, orderId }).catch((error) => say(explain(error)));
    const tr = row(side, [side, price, leaves, cancel]);
    open.set(orderId, tr);
    element('orders').append(tr);
  }

  orders.on('report', (report) => {
    const { kind, side, price, priceTicks, quantity, leaves, leavesLots, orderId, code } = report;
    const at = priceTicks === 0 ? 'at market' : `at ${price}`;
    say(`${kind} ${side} ${quantity} ${at}${code === 'OK' ? '' : `: ${code}`}`);
    if (report.symbol !== symbol || orderId === 0) return;
    if (leavesLots === 0 || kind === 'cancelled') {
      ended.add(orderId);
      open.get(orderId)?.remove();
      open.delete(orderId);
      return;
    }
    const tr = open.get(orderId);
    if (tr === undefined && kind === 'accepted') add(orderId, side, price, leaves);
    else if (tr !== undefined) {
      tr.cells[2].textContent = leaves;
      if (kind === 'amended') tr.cells[1].textContent = price;
    }
  });
  // Those of earlier sessions have no report here.
  const listOpen = async () => {
    const { orders: listed } = await queries.orders({ symbol, limit: 1000 });
    for (const { orderId, side, price = 'market', leavesQty } of listed) {
      const id = Number(orderId);
      if (!open.has(id) && !ended.has(id)) add(id, side, price, leavesQty);
    }
  };
  orders.on('open', () => {
    show('connected', true);
    listOpen().catch((error) => say(explain(error)));
  });
  orders.on('lost', (error) => show(`connecting again: ${explain(error)}`));
  return new Promise((_, reject) => {
    orders.on('closed', (error) => reject(error ?? new Error('the session was closed')));
  });
}

/** The position, as long as the connection is in use. @param {PageClient} client @param {string} symbol */
async function showPosition(client, symbol) {
  while (exchange === client) {
    try {
      for await (const { positions } of client.followPortfolio({ mark: 'mid' })) {
        const own = positions.filter((position) => position.symbol === symbol);
        element('position').replaceChildren(
          ...own.map(({ position, averagePrice = '', profit = '' }) => row('', [position, averagePrice, profit])),
        );
      }
    } catch (error) {
      // Such as a token that has expired: the next one may be newer.
      element('position').replaceChildren(row('', [explain(error)]));
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  }
}

const { account, symbol: first, wsPort, httpPort } = await (await fetch('settings.json')).json();
const symbol = new URLSearchParams(location.search).get('symbol') ?? first;
const choice = /** @type {HTMLSelectElement} */ (element('symbol'));
choice.add(new Option(symbol));
choice.onchange = () => location.assign(`?${new URLSearchParams({ symbol: choice.value })}`);

const form = /** @type {HTMLFormElement} */ (element('order'));
form.onsubmit = async (event) => {
  event.preventDefault();
  const { submitter } = /** @type {SubmitEvent} */ (event);
  const fields = new FormData(form, submitter);
  const [quantity, price] = ['quantity', 'price'].map((name) => String(fields.get(name)).trim());
  const side = fields.get('side') === 'sell' ? 'sell' : 'buy';
  try {
    await exchange?.orders.place({ symbol, side, quantity, ...(price !== '' && { price }) });
  } catch (error) {
    say(explain(error));
  }
};

for (;;) {
  try {
    exchange = await connect({
      wsPort,
      httpPort,
      account,
      tokenProvider: async () => {
        const response = await fetch('token');
        if (!response.ok) throw new Error('the server of the page has none');
        return await response.text();
      },
      // The orders of a page that is closed are cancelled.
      cancelOnDisconnect: 2,
    });
    const names = exchange.symbols.all().map(({ name }) => name);
    choice.replaceChildren(...names.map((name) => new Option(name, name, name === symbol, name === symbol)));
    const ended = showOrders(exchange, symbol);
    void showPosition(exchange, symbol);
    await Promise.all([showMarket(exchange, symbol), ended]);
  } catch (error) {
    show(`trying again: ${explain(error)}`);
  }
  await exchange?.close();
  exchange = undefined;
  await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
}
