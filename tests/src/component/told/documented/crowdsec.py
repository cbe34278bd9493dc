"""CrowdSec's local API since 1.6.6, as far as allowlists go: the tests' real one is older. Rules and where they are written:

- POST /v1/allowlists/check {"targets"} answers {"results": [{"target", "allowlists"}]} for the targets that one names, or that lie in
  what one names. pkg/models/localapi_swagger.yaml (BulkCheckAllowlistResponse), pkg/apiserver/controllers/v1/allowlist.go
- Decisions that an alert carries are taken as they are, whoever stands on an allowlist. pkg/apiserver/controllers/v1/alerts.go
- What the real 1.4.6 answers to all else: see crowdsec.rs beside this folder, which runs it.

An allowlist is a file beside the kept one, an address or range on a line, as a person changes it with cscli.
"""
import re, time
from api import *

MACHINE = {"machine_id": "portcullis", "password": "0123456789abcdefghij"}
decisions = recall([{"id": 1, "origin": "cscli", "scenario": "manual", "type": "ban", "scope": "Ip", "value": by_hand, "until": time.time() + 1e6}])
allowlist = os.path.join(os.path.dirname(kept), "allowlist")


def seconds(duration):
    return float(re.fullmatch(r"(\d+)ms", duration)[1]) / 1000


def active():
    return [one for one in decisions if one["until"] > time.time()]


class Lapi(Api):
    def handle_one(self, method):
        global decisions
        sent = json.loads(self.body() or b"null")
        path, _, query = self.path.partition("?")
        asked = dict(part.split("=", 1) for part in query.split("&") if part)
        with lock:
            if path == "/v1/watchers/login":
                is_right = all(sent[key] == value for key, value in MACHINE.items())
                return self.answer(*((200, {"code": 200, "token": "a.b.c"}) if is_right else (401, {"message": "incorrect Username or Password"})))
            if self.headers.get("authorization") != "Bearer a.b.c":
                return self.answer(401, {"message": "cookie token is empty"})
            if path == "/v1/allowlists/check":
                names = open(allowlist).read().split() if os.path.exists(allowlist) else []
                lies = lambda target: any(ipaddress.ip_network(target).subnet_of(ipaddress.ip_network(name)) for name in names)
                return self.answer(200, {"results": [{"target": one, "allowlists": ["office"]} for one in sent["targets"] if lies(one)]})
            if path == "/v1/alerts" and method == "GET":
                fits = [one for one in active() if all(one[key] == asked[key] for key in ("origin", "scenario"))]
                shown = [{**one, "duration": "%fs" % (one["until"] - time.time())} for one in fits]
                return self.answer(200, [{"id": 1, "decisions": shown}] if shown else None)
            if path == "/v1/alerts":
                for alert in sent:
                    for one in alert["decisions"]:
                        number = 1 + max(known["id"] for known in decisions)
                        decisions.append({**one, "id": number, "until": time.time() + seconds(one["duration"])})
                keep(decisions)
                return self.answer(201, ["1"])
            if method == "DELETE" and path.startswith("/v1/decisions"):
                number = path.removeprefix("/v1/decisions").strip("/")
                goes = lambda one: str(one["id"]) == number if number else all(one[key] == value for key, value in asked.items())
                gone = [one for one in active() if goes(one)]
                decisions = [one for one in decisions if one not in gone]
                keep(decisions)
                return self.answer(200, {"nbDeleted": str(len(gone))})
        self.answer(404, {"message": "not found"})

    do_GET = lambda self: self.handle_one("GET")
    do_POST = lambda self: self.handle_one("POST")
    do_DELETE = lambda self: self.handle_one("DELETE")


serve(Lapi, lambda address: any(one["type"] == "ban" and within(address, [one["value"]]) for one in active()))
