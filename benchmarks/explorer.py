"""How long the explorer takes from a move of a slider to the repainted page: a median.

Chromium draws without waiting for the screen, so that the time is that of the work alone.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import flopbench
from flopbench.exports.targets import files

CHROMIUM = Path("/usr/bin/chromium")
MODELS = ("deepseek_ocr", "hf/llama", "hf/mixtral")
MOST_MS = 16.0
"""One frame of a screen that shows 60 a second."""

MOVE = """async () => {
  const slider = [...document.querySelectorAll('input[type=range]')][%d];
  const painted = () => new Promise((done) => requestAnimationFrame(() => {
    const channel = new MessageChannel();
    channel.port1.onmessage = done;
    channel.port2.postMessage(0);
  }));
  const times = [];
  for (let i = 0; i < 120; i++) {
    slider.value = 100 + ((i * 37) %% 800);
    const start = performance.now();
    slider.dispatchEvent(new Event('input'));
    await painted();
    times.push(performance.now() - start);
  }
  return times;
}"""


def main() -> int:
    """Print the median of each slider; return 1 if one is above a frame."""
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as running:
        path = _page(Path(folder))
        options = ["--no-sandbox", "--disable-frame-rate-limit", "--disable-gpu-vsync"]
        browser = running.chromium.launch(executable_path=str(CHROMIUM), args=options)
        page = browser.new_page()
        page.goto(path.as_uri())
        page.wait_for_selector(".chart svg")
        medians = {name: _median(page, index) for index, name in enumerate(("B", "S", "K"))}
        browser.close()
    for name, median in medians.items():
        print(
            f"slider {name} to repaint, {len(MODELS)} models: {median:.1f} ms (at most {MOST_MS})"
        )
    return int(max(medians.values()) > MOST_MS)


def _page(folder: Path) -> Path:
    if len(sys.argv) > 1:
        return Path(sys.argv[1]).resolve()
    laws = [flopbench.export(model, analytic_only=True) for model in MODELS]
    path = folder / "explorer.html"
    path.write_text(str(files("html", laws)["explorer.html"]), encoding="ascii")
    return path


def _median(page: Any, slider: int) -> float:
    return statistics.median(page.evaluate(MOVE % slider))


if __name__ == "__main__":
    sys.exit(main())
