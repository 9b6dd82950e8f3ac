#!/usr/bin/env python3
"""Renders the sample documents of this folder (Pillow and DejaVu fonts). Everything on them is invented.

usage: make_samples.py [FOLDER]
"""
import os
import random
import sys

from PIL import Image, ImageDraw, ImageFilter, ImageFont

FONTS = "/usr/share/fonts/truetype/dejavu/"


def font(size, face="DejaVuSansMono.ttf"):
    return ImageFont.truetype(FONTS + face, size)


def scanned(page, seed, angle=0.4):
    """Paper tone, a little skew, blur and sensor noise, as a phone or a flatbed gives them."""
    rng = random.Random(seed)
    page = page.rotate(angle, resample=Image.BICUBIC, fillcolor=250).filter(ImageFilter.GaussianBlur(0.6))
    noise = Image.effect_noise(page.size, 14)
    page = Image.blend(page, noise, 0.06)
    spots = ImageDraw.Draw(page)
    for _ in range(60):
        x, y = rng.randrange(page.width), rng.randrange(page.height)
        spots.point((x, y), fill=rng.randrange(90, 200))
    return page


def receipt():
    page = Image.new("L", (620, 1010), 250)
    d = ImageDraw.Draw(page)
    y = 40
    for text, size in (("HARBOUR STATIONERY LTD", 30), ("14 Quay Street, Port Lindon", 20), ("PL3 9QX", 20),
                       ("Tel: 01632 960 411", 20), ("VAT No: GB 123 4567 82", 20)):
        f = font(size, "DejaVuSansMono-Bold.ttf" if size == 30 else "DejaVuSansMono.ttf")
        d.text(((page.width - d.textlength(text, font=f)) / 2, y), text, font=f, fill=20)
        y += size + 12
    y += 16
    f = font(21)
    for left, right in (("Receipt No: 00418-27", ""), ("Date: 14/03/2026", "Time: 10:42"), ("Cashier: 07", "")):
        d.text((40, y), left, font=f, fill=25)
        d.text((580 - d.textlength(right, font=f), y), right, font=f, fill=25)
        y += 34
    d.line((40, y + 4, 580, y + 4), fill=60, width=2)
    y += 20
    items = (("2 x Notebook A5 ruled", "7.80"), ("1 x Fountain pen, black", "18.50"), ("3 x Ink cartridge box", "8.85"),
             ("1 x Desk lamp 6W", "24.95"), ("5 x Envelope C4", "2.25"))
    for left, right in items:
        d.text((40, y), left, font=f, fill=25)
        d.text((580 - d.textlength(right, font=f), y), right, font=f, fill=25)
        y += 36
    d.line((40, y + 4, 580, y + 4), fill=60, width=2)
    y += 22
    for left, right in (("Subtotal", "62.35"), ("VAT 20%", "12.47")):
        d.text((40, y), left, font=f, fill=25)
        d.text((580 - d.textlength(right, font=f), y), right, font=f, fill=25)
        y += 36
    b = font(27, "DejaVuSansMono-Bold.ttf")
    d.text((40, y), "TOTAL GBP", font=b, fill=15)
    d.text((580 - d.textlength("74.82", font=b), y), "74.82", font=b, fill=15)
    y += 48
    for left, right in (("Card", "74.82"), ("Change", "0.00")):
        d.text((40, y), left, font=f, fill=25)
        d.text((580 - d.textlength(right, font=f), y), right, font=f, fill=25)
        y += 36
    y += 24
    for text in ("Goods may be exchanged within", "28 days with this receipt.", "THANK YOU FOR YOUR VISIT"):
        d.text(((page.width - d.textlength(text, font=f)) / 2, y), text, font=f, fill=25)
        y += 34
    return scanned(page, 7)


def invoice():
    """An A4 invoice at 150 dpi with a ruled table of items."""
    page = Image.new("L", (1240, 1754), 255)
    d = ImageDraw.Draw(page)
    sans, bold = font(24, "DejaVuSans.ttf"), font(26, "DejaVuSans-Bold.ttf")
    d.text((110, 110), "Lindon Instruments GmbH", font=font(38, "DejaVuSans-Bold.ttf"), fill=0)
    d.text((110, 165), "Hafenweg 8 · 20457 Hamburg · Germany", font=sans, fill=0)
    d.text((110, 300), "Blue Mill Laboratories", font=sans, fill=0)
    d.text((110, 336), "27 Mill Lane", font=sans, fill=0)
    d.text((110, 372), "Cambridge CB2 1RW", font=sans, fill=0)
    for n, (key, value) in enumerate((("Invoice number:", "LI-2026-0187"), ("Invoice date:", "2 February 2026"),
                                      ("Due date:", "4 March 2026"), ("VAT ID:", "DE136695976"))):
        d.text((700, 300 + 40 * n), key, font=bold, fill=0)
        d.text((960, 300 + 40 * n), value, font=sans, fill=0)
    d.text((110, 520), "Invoice", font=font(46, "DejaVuSans-Bold.ttf"), fill=0)
    rows = [("Pos", "Description", "Qty", "Unit price", "Amount"), ("1", "Spectrometer lamp", "2", "185.00", "370.00"),
            ("2", "Calibration set, certified", "1", "249.50", "249.50"), ("3", "Fibre cable 2 m", "4", "38.25", "153.00"),
            ("4", "Shipping and handling", "1", "27.50", "27.50")]
    edges = [110, 190, 640, 750, 930, 1130]
    for r in range(len(rows) + 1):
        d.line((edges[0], 620 + 56 * r, edges[-1], 620 + 56 * r), fill=0, width=2)
    for x in edges:
        d.line((x, 620, x, 620 + 56 * len(rows)), fill=0, width=2)
    for r, row in enumerate(rows):
        for c, text in enumerate(row):
            f = bold if r == 0 else sans
            x = edges[c] + 12 if c < 2 else edges[c + 1] - 12 - d.textlength(text, font=f)
            d.text((x, 632 + 56 * r), text, font=f, fill=0)
    for n, (key, value) in enumerate((("Net amount", "800.00"), ("VAT 19%", "152.00"), ("Total EUR", "952.00"))):
        f = bold if n == 2 else sans
        d.text((750, 960 + 44 * n), key, font=f, fill=0)
        d.text((1118 - d.textlength(value, font=f), 960 + 44 * n), value, font=f, fill=0)
    d.text((110, 1180), "Please transfer the total to IBAN DE89 3704 0044 0532 0130 00.", font=sans, fill=0)
    d.text((110, 1230), "Thank you for your order.", font=sans, fill=0)
    return page


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))
    receipt().save(os.path.join(folder, "receipt.jpg"), quality=82, dpi=(150, 150))
    invoice().save(os.path.join(folder, "invoice.png"), optimize=True, dpi=(150, 150))


if __name__ == "__main__":
    main()
