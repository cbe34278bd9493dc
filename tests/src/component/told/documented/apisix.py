"""APISIX' Admin API, as far as global rules go. Rules and where they are written:

- X-API-KEY is wanted, 401 without. https://apisix.apache.org/docs/apisix/admin-api/#using-api
- PUT /apisix/admin/global_rules/{id} creates (201) or replaces (200) the whole rule and answers {"key", "value"}; GET answers that, with
  createdIndex and modifiedIndex, or 404 {"message": "Key not found"}; DELETE answers 200 or 404.
  https://apisix.apache.org/docs/apisix/admin-api/#global-rules and apisix/admin/resource.lua
- A body above 1.5 MiB is refused with 400. apisix/admin/init.lua (MAX_REQ_BODY)
- ip-restriction: exactly one of whitelist and blacklist, at least one entry in it, addresses or CIDR ranges; message of 1 to 1024
  characters; response_code 403 or 404. 400 {"error_msg"} otherwise. https://apisix.apache.org/docs/apisix/plugins/ip-restriction/ and
  apisix/plugins/ip-restriction (minItems, oneOf)
- A plugin stands in one global rule only; a second one is 400. https://github.com/apache/apisix/pull/12800
- Global rules run before the plugins of a route, and beside them. https://apisix.apache.org/docs/apisix/terminology/global-rule/
"""
import re
from api import *

KEY = "edd1c9f034335f136f87ad84b625c8f1"
rules = recall({})
# Somebody's route refuses an address by a plugin of its own.
route = {"plugins": {"ip-restriction": {"blacklist": [by_hand]}}}


def wrong_with(plugins):
    for name, config in plugins.items():
        if name != "ip-restriction":
            return "unknown plugin [%s]" % name
        lists = [key for key in ("whitelist", "blacklist") if key in config]
        if len(lists) != 1:
            return "failed to check the configuration of plugin ip-restriction err: value should match only one schema, but matches none"
        if not config[lists[0]]:
            return 'failed to check the configuration of plugin ip-restriction err: property "%s" validation failed: expect array to have at least 1 items' % lists[0]
        for entry in config[lists[0]]:
            if not is_range(entry):
                return "invalid ip address: %s" % entry
        if not 1 <= len(config.get("message", "x")) <= 1024 or config.get("response_code", 403) not in (403, 404):
            return "failed to check the configuration of plugin ip-restriction"


class Admin(Api):
    def id_of_path(self):
        if self.headers.get("x-api-key") != KEY:
            self.answer(401, {"description": "wrong apikey", "error_msg": "failed to check token"})
        elif not (found := re.fullmatch(r"/apisix/admin/global_rules/([a-zA-Z0-9_.-]{1,64})", self.path)):
            self.answer(404, {"error_msg": "not found"})
        else:
            return found[1]

    def do_GET(self):
        with lock:
            if one := self.id_of_path():
                self.answer(*((200, rules[one]) if one in rules else (404, {"message": "Key not found"})))

    def do_DELETE(self):
        with lock:
            if one := self.id_of_path():
                gone = rules.pop(one, None)
                keep(rules)
                self.answer(*((200, {"deleted": "1", "key": "/apisix/global_rules/" + one}) if gone else (404, {"message": "Key not found"})))

    def do_PUT(self):
        sent = self.body()
        with lock:
            one = self.id_of_path()
            if not one:
                return
            if len(sent) > 1.5 * 1024 * 1024:
                return self.answer(400, {"error_msg": "invalid request body: request size %d is greater than the maximum size 1572864 allowed" % len(sent)})
            rule = json.loads(sent)
            if "plugins" not in rule:
                return self.answer(400, {"error_msg": 'invalid configuration: property "plugins" is required'})
            if wrong := wrong_with(rule["plugins"]):
                return self.answer(400, {"error_msg": wrong})
            for name, other in rules.items():
                if name != one and set(other["value"]["plugins"]) & set(rule["plugins"]):
                    return self.answer(400, {"error_msg": "plugin is configured in global rule %s already" % name})
            status = 200 if one in rules else 201
            index = 1 + max((other["modifiedIndex"] for other in rules.values()), default=0)
            created = rules[one]["createdIndex"] if one in rules else index
            rules[one] = {"key": "/apisix/global_rules/" + one, "value": {"id": one, **rule}, "createdIndex": created, "modifiedIndex": index}
            keep(rules)
            self.answer(status, {"key": rules[one]["key"], "value": rules[one]["value"]})


def refuses(address):
    running = [rule["value"] for rule in rules.values()] + [route]
    plugins = [rule["plugins"]["ip-restriction"] for rule in running if "ip-restriction" in rule["plugins"]]
    return any(
        within(address, plugin["blacklist"]) if "blacklist" in plugin else not within(address, plugin["whitelist"])
        for plugin in plugins
    )


serve(Admin, refuses)
