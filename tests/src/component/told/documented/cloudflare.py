"""Cloudflare's Lists API. Rules and where they are written:

- Authorization: Bearer; every answer is {"result", "success", "errors": [{"code", "message"}], "messages"}.
  https://developers.cloudflare.com/fundamentals/api/how-to/make-api-calls/
- GET and POST accounts/{account}/rules/lists; a list has a name of [a-z0-9_]+, 50 characters at most, and a kind.
  https://developers.cloudflare.com/waf/tools/lists/lists-api/json-object/
- GET .../items gives pages with result_info.cursors.after; at most 500 on a page.
  https://developers.cloudflare.com/api/resources/rules/subresources/lists/subresources/items/methods/list/
- POST appends, PUT replaces all, DELETE {"items": [{"id"}]} takes away. Each answers {"operation_id"} at once and is done later;
  bulk_operations/{id} says pending, running, completed or failed, with an error.
  https://developers.cloudflare.com/waf/tools/lists/lists-api/endpoints/
- One pending operation in an account: a further one is 429. https://developers.cloudflare.com/waf/tools/lists/lists-api/
- An operation without items is refused. https://developers.cloudflare.com/api/resources/rules/subresources/lists/subresources/items/
- 10,000 items in an account's lists. https://developers.cloudflare.com/waf/tools/lists/#availability
- IPv4 addresses and ranges from /8 to /32, IPv6 addresses and ranges from /4 to /64.
  https://developers.cloudflare.com/waf/tools/lists/custom-lists/#lists-with-ip-addresses-ip-lists
- Adding what is there replaces its comment. (Same page as above: an item is known by its address.)
"""
import re, time, uuid
from api import *

ACCOUNT, TOKEN = "023e105f4ecef8ad9ca31a8372d0c353", "Sn3lZJTBX6kkg7OdcBUAxOO963GEIyGQqnFTOFYY"
ITEMS_MAX, TAKES_SECS = 10_000, 0.05
name = lambda: uuid.uuid4().hex
nothing = {"lists": {"0" * 32: {"id": "0" * 32, "name": "by_hand", "kind": "ip", "items": {"1" * 32: {"id": "1" * 32, "ip": by_hand, "comment": "an office"}}}}}
state = recall(nothing)
lists, operations = state["lists"], {}


def shown(one):
    return {"id": one["id"], "name": one["name"], "kind": one["kind"], "num_items": len(one["items"])}


def is_address(text):
    if not is_range(text):
        return False
    found = ipaddress.ip_network(text)
    least, most = (8, 32) if found.version == 4 else (4, 64)
    return "/" not in text or least <= found.prefixlen <= most


def work():
    """Does what was asked for, a while after it was."""
    while True:
        time.sleep(TAKES_SECS)
        with lock:
            for operation in operations.values():
                if operation["status"] == "pending":
                    do(operation)
                    keep(state)


def do(operation):
    target, items = lists[operation["list"]], operation["items"]
    if operation["method"] == "DELETE":
        gone = {item["id"] for item in items}
        target["items"] = {key: item for key, item in target["items"].items() if key not in gone}
    else:
        known = {item["ip"]: item for item in target["items"].values()} if operation["method"] == "POST" else {}
        for item in items:
            known[item["ip"]] = {"id": known.get(item["ip"], {}).get("id") or name(), "comment": "", **item}
        others = sum(len(one["items"]) for one in lists.values() if one is not target)
        if len(known) + others > ITEMS_MAX:
            return operation.update(status="failed", error="the account's maximum number of list items is %d" % ITEMS_MAX)
        target["items"] = {item["id"]: item for item in known.values()}
    operation.update(status="completed", completed=time.time())


class Lists(Api):
    def result(self, result, **more):
        self.answer(200, {"result": result, "success": True, "errors": [], "messages": [], **more})

    def error(self, status, message):
        self.answer(status, {"result": None, "success": False, "errors": [{"code": 10000 + status, "message": message}], "messages": []})

    def handle_one(self, method):
        sent = self.body()
        with lock:
            if self.headers.get("authorization") != "Bearer " + TOKEN:
                return self.error(403, "Authentication error")
            path, _, query = self.path.partition("?")
            below = re.fullmatch(r"/accounts/%s/rules/lists(?:/([^/]+))?(?:/([^/]+))?" % ACCOUNT, path)
            if not below:
                return self.error(404, "could not route to " + path)
            one, inside = below[1], below[2]
            if one is None:
                return self.all_lists(method, sent)
            if one == "bulk_operations":
                found = operations.get(inside)
                return self.result({"id": inside, **found}) if found else self.error(404, "operation not found")
            if one not in lists or inside != "items":
                return self.error(404, "list not found")
            self.items(method, lists[one], sent, query)

    def all_lists(self, method, sent):
        if method == "GET":
            return self.result([shown(one) for one in lists.values()])
        made = json.loads(sent)
        if not re.fullmatch(r"[a-z0-9_]{1,50}", made["name"]) or any(one["name"] == made["name"] for one in lists.values()):
            return self.error(400, "name is not valid or taken")
        made = {"id": name(), "name": made["name"], "kind": made["kind"], "items": {}}
        lists[made["id"]] = made
        keep(state)
        self.result(shown(made))

    def items(self, method, one, sent, query):
        if method == "GET":
            found = re.search(r"cursor=(\d+)", query)
            size = re.search(r"per_page=(\d+)", query)
            at, size = int(found[1]) if found else 0, int(size[1]) if size else 25
            if size > 500:
                return self.error(400, "per_page must be at most 500")
            items = list(one["items"].values())
            cursors = {"after": str(at + size)} if at + size < len(items) else {}
            return self.result(items[at:at + size], result_info={"cursors": cursors})
        if any(operation["status"] in ("pending", "running") for operation in operations.values()):
            return self.error(429, "another operation is in progress")
        items = json.loads(sent)["items"] if method == "DELETE" else json.loads(sent)
        if not items:
            return self.error(400, "items must not be empty")
        if method != "DELETE" and not all(is_address(item["ip"]) for item in items):
            return self.error(400, "an item is no valid IP address")
        operation = name()
        operations[operation] = {"status": "pending", "list": one["id"], "method": method, "items": items}
        self.result({"operation_id": operation})

    do_GET = lambda self: self.handle_one("GET")
    do_POST = lambda self: self.handle_one("POST")
    do_PUT = lambda self: self.handle_one("PUT")
    do_DELETE = lambda self: self.handle_one("DELETE")


threading.Thread(target=work, daemon=True).start()
serve(Lists, lambda address: any(within(address, [item["ip"] for item in one["items"].values()]) for one in lists.values()))
