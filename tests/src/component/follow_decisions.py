"""Follows decisions with PyPI's pycrowdsec: prints, again and again, what it holds in force as one line of JSON."""

import json
import sys
import time

from pycrowdsec.client import QueryClient, StreamClient

url, key, asked = sys.argv[1:]
stream = StreamClient(api_key=key, lapi_url=url, interval=1)
query = QueryClient(api_key=key, lapi_url=url)
stream.run()
while stream.is_running():
    found = query.get_decisions_for(asked)
    print(json.dumps({
        "held": stream.get_current_decisions(),
        "action": stream.get_action_for(asked),
        "asked": query.get_action_for(asked) if found else None,
    }), flush=True)
    time.sleep(0.2)
