"""Pages of reports as a browser shows them; what needs no browser is in `test_report.py`."""

import io

import numpy as np
import pytest
from headless_browser import BROWSER, browser
from PIL import Image
from test_report import hostile, page, pictures  # noqa: F401

pytestmark = pytest.mark.skipif(BROWSER is None, reason="there is no Chromium (Debian: apt-get install chromium)")


def test_a_page_is_quiet_fits_and_shows_its_pictures(page):  # noqa: F811
    address = page.as_uri()
    with browser() as window:
        for width in (400, 1400):
            for scheme in ("light", "dark"):
                window.open(address, width, scheme)
                assert window.said == []
                assert window.asked_for == [address]
                assert window.value("document.documentElement.scrollWidth <= innerWidth")
                assert window.value("[...document.images].every(each => each.naturalWidth > 0)")
                background = window.value("getComputedStyle(document.body).backgroundColor")
                assert (background == "rgb(255, 255, 255)") == (scheme == "light")
                box = window.value("JSON.stringify(document.querySelector('.picture').getBoundingClientRect())")
                shown = np.asarray(Image.open(io.BytesIO(window.picture(box))).convert("L"), dtype=float)
                assert np.ptp(shown) > 128
                assert shown.shape[1] <= width
