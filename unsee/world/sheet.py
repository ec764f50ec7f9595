"""A contact sheet: everyone the world knows, with their names."""

from __future__ import annotations

from PIL import Image, ImageDraw, ImageFont

from unsee.world.looks import SIZE
from unsee.world.people import KNOWN

COLUMNS, GAP, CAPTION = 8, 16, 22


def contact_sheet() -> Image.Image:
    """One picture of each known person above the name: RGB, 912 pixels wide."""
    rows = -(-len(KNOWN) // COLUMNS)
    cell_width, cell_height = SIZE + GAP, SIZE + CAPTION + GAP
    sheet = Image.new("RGB", (COLUMNS * cell_width + GAP, rows * cell_height + GAP), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(11)
    for number, person in enumerate(KNOWN):
        x = GAP + number % COLUMNS * cell_width
        y = GAP + number // COLUMNS * cell_height
        sheet.paste(person.picture(0), (x, y))
        draw.text((x + SIZE / 2, y + SIZE + 5), person.name, fill="#1f2430", font=font, anchor="ma")
    return sheet
