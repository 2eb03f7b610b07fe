"""Ask the service of this container whether it is ready: python -m service.web.health. Slim images have no curl."""

import os
import sys
from urllib.error import URLError
from urllib.request import urlopen


def main() -> None:
    """Exit with 0 if the service is ready, else say why not and exit with 1."""
    # Not from Settings, whose imports cost half a second of CPU at every check.
    port = os.environ.get("FANIN_PORT", "")
    url = f"http://127.0.0.1:{port if port.isdecimal() else 8000}/readyz"  # Kubernetes may have put a link there
    try:
        with urlopen(url, timeout=2):  # the scheme is fixed above
            pass
    except URLError as error:
        sys.exit(f"{url}: {error}")


if __name__ == "__main__":
    main()
