# A browser that stays open from page to page, as a person's does: what it asks for, fetches once and remembers is its own
# affair. Sourced by a client's command; then `visit URL` opens a page in it. Told what to do through its port for developers.

readonly DEVELOPERS=127.0.0.1:9222

# Children of the command's shell: they end with it.
$CHROMIUM --remote-debugging-address=127.0.0.1 --remote-debugging-port=9222 about:blank &
trap 'kill %1; wait' EXIT
for _ in $(seq 150); do
  curl -s -o /dev/null "http://$DEVELOPERS/json/version" && break
  sleep 0.2
done

visit() {
  curl -s -S --fail -X PUT "http://$DEVELOPERS/json/new?$1"
}
