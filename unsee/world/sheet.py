"""A contact sheet: everyone or everything that a world knows, with the names."""

from __future__ import annotations

from PIL import Image, ImageDraw, ImageFont

from unsee.world.looks import SIZE
from unsee.world.worlds import PEOPLE, World

COLUMNS, GAP, CAPTION = 8, 16, 22


def contact_sheet(world: World = PEOPLE) -> Image.Image:
    """One picture of each above the name: RGB, 912 pixels wide."""
    rows = -(-len(world.known) // COLUMNS)
    cell_width, cell_height = SIZE + GAP, SIZE + CAPTION + GAP
    sheet = Image.new("RGB", (COLUMNS * cell_width + GAP, rows * cell_height + GAP), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(11)
    for number, concept in enumerate(world.known):
        x = GAP + number % COLUMNS * cell_width
        y = GAP + number // COLUMNS * cell_height
        sheet.paste(concept.picture(0), (x, y))
        draw.text((x + SIZE / 2, y + SIZE + 5), concept.name, fill="#1f2430", font=font, anchor="ma")
    return sheet
