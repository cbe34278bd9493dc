"""Kong's Admin API, as far as plugins go. Rules and where they are written:

- PUT /plugins/{id} creates or replaces the whole plugin and answers 200 with it; GET answers 404 {"message": "Not found"}; DELETE 204.
  https://developer.konghq.com/api/gateway/admin-ee/ and kong/api/endpoints.lua (put_entity_endpoint, not_found)
- An id that is no UUID is a 400. kong/api/endpoints.lua (is_valid_uuid), kong/db/errors.lua (INVALID_PRIMARY_KEY)
- ip-restriction: config.allow, config.deny: addresses or CIDR ranges, at least one of them; an unknown field or a wrong entry is 400 with
  {"code": 2, "name": "schema violation", "message", "fields"}. https://developer.konghq.com/plugins/ip-restriction/reference/ and
  kong/plugins/ip-restriction/schema.lua (at_least_one_of, ip_or_cidr)
- An array may be empty for the schema, but deny that is empty refuses nobody. kong/plugins/ip-restriction/handler.lua (not isempty)
- A second plugin of a name for the same service, route and consumer is 409 {"code": 5, "name": "unique constraint violation"}.
  https://developer.konghq.com/gateway/entities/plugin/ and kong/db/schema/entities/plugins.lua (cache_key)
- Of several plugins of a name the nearest runs, and no other: route before service before all.
  https://developer.konghq.com/gateway/entities/plugin/#plugin-precedence
- `enabled: false` keeps a plugin and runs it not. https://developer.konghq.com/gateway/entities/plugin/#schema
- A body above nginx_admin_client_max_body_size (10m) is 413. https://developer.konghq.com/gateway/configuration/
"""
import re
from api import *

OURS_BY_NATURE = {"name", "tags", "enabled", "config", "instance_name", "protocols", "ordering", "service", "route", "consumer", "id", "created_at", "updated_at"}
plugins = recall({})


def violation(fields):
    return 400, {"code": 2, "name": "schema violation", "message": "schema violation (%s)" % fields, "fields": fields}


def checked(plugin):
    if not isinstance(plugin, dict) or "name" not in plugin:
        return violation({"name": "required field missing"})
    if set(plugin) - OURS_BY_NATURE:
        return violation({field: "unknown field" for field in set(plugin) - OURS_BY_NATURE})
    if plugin["name"] != "ip-restriction":
        return violation({"name": "plugin '%s' not enabled; add it to the 'plugins' configuration property" % plugin["name"]})
    config = plugin.get("config", {})
    if set(config) - {"allow", "deny", "status", "message"}:
        return violation({"config": "unknown field"})
    if config.get("allow") is None and config.get("deny") is None:
        return violation({"@entity": ["at least one of these fields must be non-empty: 'config.allow', 'config.deny'"]})
    for entry in (config.get("allow") or []) + (config.get("deny") or []):
        if not is_range(entry):
            return violation({"config": {"deny": ["invalid ip or cidr range: '%s'" % entry]}})
    return None


class Admin(Api):
    def id_of_path(self):
        found = re.fullmatch(r"/plugins/([^/]+)", self.path)
        if not found:
            self.answer(404, {"message": "Not found"})
        elif not re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", found[1]):
            self.answer(400, {"code": 1, "name": "invalid primary key", "message": "invalid primary key: '{id=\"expected a valid UUID\"}'"})
        else:
            return found[1]

    def do_GET(self):
        with lock:
            if one := self.id_of_path():
                self.answer(*((200, plugins[one]) if one in plugins else (404, {"message": "Not found"})))

    def do_DELETE(self):
        with lock:
            if one := self.id_of_path():
                plugins.pop(one, None)
                keep(plugins)
                self.answer(204)

    def do_PUT(self):
        sent = self.body()
        with lock:
            one = self.id_of_path()
            if not one:
                return
            if len(sent) > 10 * 1024 * 1024:
                return self.answer(413)
            plugin = json.loads(sent)
            if wrong := checked(plugin):
                return self.answer(*wrong)
            whole = {"id": one, "enabled": True, "tags": None, "service": None, "route": None, "consumer": None,
                     "protocols": ["http", "https", "tcp", "tls", "grpc", "grpcs"], **plugin}
            whole["config"] = {"allow": None, "deny": None, "status": None, "message": None, **plugin["config"]}
            scope = lambda of: (of["name"], *(json.dumps(of[part]) for part in ("service", "route", "consumer")))
            if any(scope(other) == scope(whole) for name, other in plugins.items() if name != one):
                return self.answer(409, {"code": 5, "name": "unique constraint violation", "message": "UNIQUE violation detected"})
            plugins[one] = whole
            keep(plugins)
            self.answer(200, whole)


def refuses(address):
    # Somebody had it refused by a directive of NGINX' own (nginx_proxy_deny), which goes before all plugins.
    if address == by_hand:
        return True
    running = [plugin for plugin in plugins.values() if plugin["enabled"]]
    allow, deny = ([entry for plugin in running for entry in plugin["config"][key] or []] for key in ("allow", "deny"))
    return within(address, deny) or bool(allow) and not within(address, allow)


serve(Admin, refuses)
