"""Makes the picture in docs: `python -m tests.localcloud.page.screenshot FILE`."""

import sys
import tempfile
from pathlib import Path

from tests.conftest import LocalCloud
from tests.localcloud.page import demo
from tests.localcloud.page.browser import chromium, drawn

MODEL = f"web/projects/{demo.PROJECT}/datasets/flights/models/late"


def main(file: Path) -> None:
    """Write the upper part of a model's page, of a local cloud that is started for it."""
    with tempfile.TemporaryDirectory(prefix="local-cloud-") as folder:
        cloud = LocalCloud(Path(folder) / "state")
        cloud.start()
        try:
            demo.make(cloud.url)
            with chromium(width=1000, height=1180) as browser:
                browser.get(f"{cloud.url}/{MODEL}")
                drawn(browser)
                browser.save_screenshot(str(file))
        finally:
            cloud.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
