"""What the servers beside this file share: an API that behaves as its documentation says, and a gateway that carries out what it holds.

Each is run with: its two ports, a file that outlives it (what the real one keeps in its database), and an address that somebody else had
refused before.
"""
import http.server, ipaddress, json, os, sys, threading

api_port, gateway_port, kept, by_hand = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]
lock = threading.RLock()


class Api(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def body(self):
        return self.rfile.read(int(self.headers.get("content-length", 0)))

    def answer(self, status, value=None):
        out = b"" if value is None else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(out)))
        self.end_headers()
        self.wfile.write(out)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64


def recall(nothing):
    return json.load(open(kept)) if os.path.exists(kept) else nothing


def keep(value):
    with open(kept + ".new", "w") as out:
        json.dump(value, out)
    os.replace(kept + ".new", kept)


def within(address, entries):
    """Whether one of these addresses and ranges is, or holds, the address."""
    address = ipaddress.ip_address(address)
    return any(address in ipaddress.ip_network(entry, strict=False) for entry in entries)


def is_range(entry):
    try:
        ipaddress.ip_network(entry, strict=False)
        return True
    except (ValueError, TypeError):
        return False


def serve(api, refuses):
    """The API, and a gateway that answers 403 to whom `refuses` says."""

    class Gateway(Api):
        def do_GET(self):
            with lock:
                refused = refuses(self.client_address[0])
            self.answer(403 if refused else 200)

    threading.Thread(target=Server(("127.0.0.1", api_port), api).serve_forever, daemon=True).start()
    Server(("127.0.0.1", gateway_port), Gateway).serve_forever()
