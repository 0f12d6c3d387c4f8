"""openbell for Python programs: market data and orders as JSON over WebSockets, single requests over HTTP.

docs/MARKET-DATA.md, docs/JSON.md and docs/REST.md describe the messages. Prices and quantities are Decimal, because floats are not exact.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from decimal import Decimal

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage, InvalidStatus

ENDED = {"filled", "canceled", "expired", "rejected"}
# Every connection of market data has a message at least every 5 seconds.
SILENCE_S = 15
RETRY_S = 0.5
# Close codes after which another attempt would end the same way: bad request, not permitted, reports gone, not authenticated.
FINAL_CODES = {4003, 4007, 4011, 4016}


class Refused(Exception):
    """The exchange did not do what was asked. `name` is in docs/CODES.md."""

    def __init__(self, answer: dict):
        super().__init__(f"{answer['name']}: {answer.get('text') or answer.get('detail')}")
        self.name: str = answer["name"]
        self.limit: dict | None = answer.get("limit")


@dataclass(frozen=True)
class Venue:
    """Where the exchange is, and who calls."""

    account: int
    http: str = "http://localhost:7403"
    ws: str = "ws://localhost:7402"
    token: str | None = None

    @property
    def headers(self) -> dict[str, str]:
        return {} if self.token is None else {"authorization": f"Bearer {self.token}"}


async def get(venue: Venue, path: str, **query: object) -> dict | list:
    """One query over HTTP. Raises Refused, and httpx.HTTPError if there was no answer."""
    async with httpx.AsyncClient(base_url=venue.http, headers=venue.headers, timeout=10) as client:
        answer = await client.get(path, params=query)
    if answer.is_error:
        raise Refused(answer.json())
    return answer.json()


# Market data


@dataclass
class Book:
    """The best levels of a symbol."""

    bids: dict[Decimal, Decimal] = field(default_factory=dict)
    asks: dict[Decimal, Decimal] = field(default_factory=dict)
    # Number of the last update; None: updates are missing, and a snapshot is on its way.
    no: int | None = None

    def apply(self, message: dict) -> bool:
        """Takes a snapshot or a delta. False: updates are missing before it."""
        first, levels = message["firstNo"], message["levels"]
        if message["kind"] == "snapshot":
            self.bids, self.asks, self.no = {}, {}, first
        elif self.no is None or first + len(levels) - 1 <= self.no:
            return True
        elif first > self.no + 1:
            self.no = None
            return False
        else:
            self.no = first + len(levels) - 1
        for level in levels:
            side = self.bids if level["side"] == "buy" else self.asks
            price, quantity = Decimal(level["price"]), Decimal(level["quantity"])
            if quantity == 0:
                side.pop(price, None)
            else:
                side[price] = quantity
        return True

    @property
    def best(self) -> tuple[Decimal, Decimal] | None:
        """Best bid and offer. None: a side is empty, or the book may be out of date."""
        if self.no is None or not self.bids or not self.asks:
            return None
        return max(self.bids), min(self.asks)


async def books(venue: Venue, symbol: str, depth: int = 5) -> AsyncIterator[Book]:
    """The book after each change, over reconnects. While a connection is lost, nothing comes."""
    name = {"channel": "book", "symbol": symbol, "depth": depth}
    while True:
        book = Book()
        try:
            async with connect(f"{venue.ws}/v1/market", subprotocols=["json"], additional_headers=venue.headers) as socket:
                await socket.send(json.dumps({"op": "subscribe", **name}))
                while True:
                    async with asyncio.timeout(SILENCE_S):
                        message = json.loads(await socket.recv())
                    if message["kind"] == "refused":
                        raise Refused(message)
                    if message["kind"] not in ("snapshot", "delta"):
                        continue
                    if book.apply(message):
                        yield book
                    else:
                        await socket.send(json.dumps({"op": "resnapshot", **name}))
        except InvalidHandshake as error:
            if not _is_passing(error):
                raise
            print(f"market data lost: {error}", flush=True)
        except (OSError, ConnectionClosed, TimeoutError) as error:
            print(f"market data lost: {error}", flush=True)
        await asyncio.sleep(RETRY_S)


def _is_passing(error: InvalidHandshake) -> bool:
    """The connection ended before the answer, or the exchange is starting, or has too many connections: another attempt may succeed."""
    if isinstance(error, InvalidStatus):
        return error.response.status_code >= 500 or error.response.status_code == 429
    return isinstance(error, InvalidMessage)


# Orders


@dataclass
class Order:
    """An order and what its reports have said so far."""

    request: dict
    status: str | None = None
    filled: Decimal = Decimal(0)
    code: str | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)


class Session:
    """Orders of an account, and its reports.

    After a lost connection it connects again, gets the reports that it missed, and sends the requests without an answer again: with the same
    client order id, the exchange places an order once. Use it as `async with`; all of it runs on one event loop.
    """

    def __init__(self, venue: Venue, on_fill=lambda report: None):
        self._venue = venue
        self._on_fill = on_fill
        self._orders: dict[str, Order] = {}
        self._unanswered: dict[int, dict] = {}
        self._answers: dict[int, asyncio.Future] = {}
        self._socket: ClientConnection | None = None
        self._last_report: int | None = None
        self._last_id = 0
        self._tag = 0
        self._begun = asyncio.Event()
        self._task: asyncio.Task | None = None

    async def __aenter__(self) -> "Session":
        self._task = asyncio.create_task(self._run())
        await self._or_end(self._begun.wait())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def place(self, symbol: str, side: str, quantity: Decimal, price: Decimal | None = None, **terms: object) -> Order:
        """Places an order, and waits until it rests or has ended. Raises Refused. `terms`: keys of `place`, such as timeInForce."""
        self._last_id = max(self._last_id + 1, time.time_ns() // 1000)
        request = {"op": "place", "clOrdId": str(self._last_id), "symbol": symbol, "side": side, "orderQty": str(quantity), **terms}
        if price is not None:
            request["price"] = str(price)
        order = self._orders[request["clOrdId"]] = Order(request)
        try:
            await self._ask(request)
            # What trades at once ends at once, with further reports.
            while request.get("timeInForce") in ("ioc", "fok", "market") and order.status not in ENDED:
                order.changed.clear()
                await self._or_end(order.changed.wait())
        finally:
            if order.status is None or order.status in ENDED:
                self._orders.pop(request["clOrdId"], None)
        return order

    async def cancel_all(self, symbol: str) -> int:
        """Cancels all open orders of the account in the symbol. Returns their number."""
        report = await self._ask({"op": "cancel-all", "symbol": symbol})
        return report["totalAffectedOrders"]

    async def _ask(self, request: dict) -> dict:
        self._tag += 1
        tag = self._tag
        self._unanswered[tag] = {**request, "tag": tag}
        answer = self._answers[tag] = asyncio.get_running_loop().create_future()
        try:
            if self._socket is not None:
                try:
                    await self._socket.send(json.dumps(self._unanswered[tag]))
                except ConnectionClosed:
                    pass  # It is sent again with the next connection.
            return await self._or_end(answer)
        finally:
            self._unanswered.pop(tag, None)
            self._answers.pop(tag, None)

    async def _or_end(self, awaitable):
        """Waits, but not longer than the session lasts: an error that ends it is raised here."""
        waiting = asyncio.ensure_future(awaitable)
        await asyncio.wait({waiting, self._task}, return_when=asyncio.FIRST_COMPLETED)
        if waiting.done():
            return waiting.result()
        waiting.cancel()
        self._task.result()
        raise ConnectionError("the session has ended")

    async def _run(self) -> None:
        while True:
            resume = "" if self._last_report is None else f"&last-report={self._last_report}"
            url = f"{self._venue.ws}/v1/orders?account={self._venue.account}{resume}"
            try:
                async with connect(url, subprotocols=["json"], additional_headers=self._venue.headers) as socket:
                    await self._serve(socket)
            except InvalidHandshake as error:
                if not _is_passing(error):
                    raise
                print(f"no session: {error}", flush=True)
            except ConnectionClosed as error:
                if error.rcvd is not None and error.rcvd.code in FINAL_CODES:
                    raise
                print(f"session lost after report {self._last_report}: {error}", flush=True)
            except (OSError, TimeoutError) as error:
                print(f"no session: {error}", flush=True)
            self._socket = None
            await asyncio.sleep(RETRY_S)

    async def _serve(self, socket: ClientConnection) -> None:
        while True:
            message = json.loads(await socket.recv())
            match message["kind"]:
                case "session":
                    if self._last_report is None:
                        self._last_report = message["lastReportNo"]
                    self._socket = socket
                    self._begun.set()
                    for request in list(self._unanswered.values()):
                        await socket.send(json.dumps(request))
                case "reports":
                    for report in message["reports"]:
                        self._apply(report)
                    self._last_report = message["lastReportNo"]
                case "refused":
                    self._answer(message, Refused(message))

    def _apply(self, report: dict) -> None:
        order = self._orders.get(report.get("clOrdId", ""))
        if order is not None and "ordStatus" in report:
            order.status, order.filled = report["ordStatus"], Decimal(report["cumQty"])
            order.code = report.get("name", order.code)
            order.changed.set()
        if report["execType"] == "trade":
            self._on_fill(report)
        rejected = report["execType"].endswith("rejected") or (report["execType"] == "mass-canceled" and "code" in report)
        self._answer(report, Refused(report) if rejected else None)

    def _answer(self, message: dict, error: Exception | None) -> None:
        answer = self._answers.get(message.get("tag", 0))
        if answer is None or answer.done():
            return
        if error is None:
            answer.set_result(message)
        else:
            answer.set_exception(error)
