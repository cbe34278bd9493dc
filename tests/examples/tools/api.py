"""The small shop that the tools attack: what an API behind a gateway does, with Python's standard library alone.

usage: api.py PORT
"""

import base64
import binascii
import http.server
import json
import re
import sqlite3
import sys
import urllib.parse

PRODUCTS = 200
PAGE = 20
ORDERS = 400
# A body longer than this is refused unread.
BODY_MAX = 65536
PASSWORDS = {"alice": "correct horse battery staple", "bob": "Tr0ub4dor&3", "carol": "hunter2 hunter3"}


def database():
    """A catalogue. Queries carry their values as parameters: there is nothing here to inject into."""
    base = sqlite3.connect(":memory:", check_same_thread=False)
    base.execute("create table product (id integer primary key, name text, price integer)")
    colours, things = ("red", "green", "blue", "black", "white"), ("mug", "shirt", "lamp", "chair", "bag", "clock", "O'Brien stout glass")
    rows = ((i, f"{colours[i % len(colours)]} {things[i % len(things)]}", 500 + 37 * i) for i in range(1, PRODUCTS + 1))
    base.executemany("insert into product values (?, ?, ?)", rows)
    return base


BASE = database()


def products(where, values):
    found = BASE.execute(f"select id, name, price from product where {where} order by id limit {PAGE}", values)
    return [dict(zip(("id", "name", "price"), row)) for row in found]


class Shop(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, value, headers=()):
        self.send(status, "application/json", json.dumps(value).encode(), headers)

    def send(self, status, kind, body, headers=()):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        for name, text in headers:
            self.send_header(name, text)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def account(self):
        """Signed in with each request, as HTTP itself knows how to."""
        try:
            given = base64.b64decode(self.headers.get("Authorization", "").removeprefix("Basic ")).decode()
        except (binascii.Error, UnicodeDecodeError):
            given = ""
        user, _, password = given.partition(":")
        if PASSWORDS.get(user) != password or not user:
            return self.answer(401, {"error": "sign in first"}, [("WWW-Authenticate", 'Basic realm="shop"')])
        return self.answer(200, {"user": user})

    def sign_in_page(self, form):
        """A web form that shows itself again when something is wrong: the status says nothing."""
        if form and PASSWORDS.get(form.get("user")) == form.get("password"):
            return self.send(302, "text/html", b"", [("Location", "/")])
        said = "<p>Wrong user name or password.</p>" if form else ""
        page = f'<!doctype html><title>Sign in</title>{said}<form method="post"><input name="user"><input name="password" type="password"></form>'
        return self.send(200, "text/html", page.encode())

    def user(self):
        token = self.headers.get("Authorization", "").removeprefix("Bearer token-of-")
        return token if token in PASSWORDS else None

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        if url.path == "/api/health":
            return self.answer(200, {"status": "up"})
        if url.path == "/api/account":
            return self.account()
        if url.path == "/login":
            return self.sign_in_page({})
        if url.path == "/api/products":
            page = query.get("page", "1")
            if not page.isdecimal() or len(page) > 6:
                return self.answer(400, {"error": "page has to be a number"})
            return self.answer(200, products("id > ?", [(int(page) - 1) * PAGE]))
        if url.path == "/api/search":
            return self.answer(200, products("instr(lower(name), lower(?)) > 0", [query.get("q", "")]))
        if found := re.fullmatch(r"/api/products/(\d{1,6})", url.path):
            rows = products("id = ?", [int(found[1])])
            return self.answer(200, rows[0]) if rows else self.answer(404, {"error": "no such product"})
        if found := re.fullmatch(r"/api/orders/(\d{1,6})", url.path):
            return self.order(int(found[1]))
        return self.answer(404, {"error": "there is nothing here"})

    do_HEAD = do_GET

    def order(self, number):
        user = self.user()
        if user is None:
            return self.answer(401, {"error": "sign in first"})
        if number > ORDERS:
            return self.answer(404, {"error": "no such order"})
        if list(PASSWORDS)[number % len(PASSWORDS)] != user:
            return self.answer(403, {"error": "this is somebody else's order"})
        return self.answer(200, {"id": number, "user": user, "products": [1 + number % PRODUCTS]})

    def do_POST(self):
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > BODY_MAX:
            self.close_connection = True
            return self.answer(413, {"error": "the body is too long, or its length is not said"})
        body = self.rfile.read(int(length)).decode("utf-8", "replace")
        path, form = urllib.parse.urlsplit(self.path).path, dict(urllib.parse.parse_qsl(body))
        if path == "/login":
            return self.sign_in_page(form)
        if path != "/api/login":
            return self.answer(404, {"error": "there is nothing here"})
        if PASSWORDS.get(form.get("user")) != form.get("password") or not form.get("user"):
            return self.answer(401, {"error": "Wrong user name or password"})
        return self.answer(200, {"token": "token-of-" + form["user"]})


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512


Server(("127.0.0.1", int(sys.argv[1])), Shop).serve_forever()
