"""Draw the sample page that `flopbench run deepseek_ocr` reads by default.

The FLOPs depend only on its size (an A4 page at 150 dpi); the lines make it look like a page of
text. Run: python scripts/make_sample_page.py
"""

from pathlib import Path

from PIL import Image, ImageDraw

WIDTH, HEIGHT = 1240, 1754
MARGIN = 120
PAGE = Path("src/flopbench/inputs/sample_page.png")


def draw_line(draw: ImageDraw.ImageDraw, y: int, length: int) -> None:
    """Draw one line of word-like bars."""
    x, word = MARGIN, 0
    while x < MARGIN + length:
        width = 30 + (word * 37 + y * 13) % 90
        draw.rectangle((x, y, min(x + width, MARGIN + length), y + 12), fill=60)
        x, word = x + width + 12, word + 1


def main() -> None:
    """Draw a title, paragraphs and a table, and save the page."""
    page = Image.new("L", (WIDTH, HEIGHT), 255)
    draw = ImageDraw.Draw(page)
    draw.rectangle((MARGIN, 120, 820, 160), fill=20)
    full = WIDTH - 2 * MARGIN
    for paragraph in range(4):
        top = 220 + paragraph * 240
        for line in range(7):
            draw_line(draw, top + line * 28, full if line < 6 else full // 2)
    for row in range(9):
        y = 1220 + row * 50
        draw.line((MARGIN, y, WIDTH - MARGIN, y), fill=0, width=2)
        for column in range(4):
            if row < 8:
                draw_line_at = MARGIN + 20 + column * 250
                draw.rectangle((draw_line_at, y + 18, draw_line_at + 160, y + 32), fill=90)
    page.save(PAGE, optimize=True)


if __name__ == "__main__":
    main()
