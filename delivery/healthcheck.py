"""Exit 0 if the mock of this container accepts requests; for HEALTHCHECK, since a slim image has no curl."""

import os
import sys
import urllib.request

url = f"http://127.0.0.1:{os.environ.get('ADJOURN_PORT', '3031')}/_adjourn/health"
try:
    # No proxy: the variables of the environment are meant for other hosts.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    sys.exit(0 if opener.open(url, timeout=1.5).status == 200 else 1)
except OSError as error:
    sys.exit(str(error))
