"""Makes documents for tests with nothing but the standard library: large scans, PDFs, damaged files."""
import os
import struct
import zlib

# 5 x 7 letters, one number a row; enough for words that a reader recognises.
GLYPHS = {"T": "1f04040404040404", "O": "0e11111111110e", "A": "0e11111f111111", "L": "1010101010101f",
          "E": "1f10101e10101f", "H": "1111111f111111", "N": "11191915131311", "I": "0e04040404040e"}


def glyph_row(letter, y):
    return int(GLYPHS[letter][2 * y:2 * y + 2], 16)


def text_mask(text, scale):
    """Rows of 0 and 1 of one line of text; each row is repeated `scale` times by the caller."""
    rows = []
    for y in range(7):
        row = bytearray()
        for letter in text:
            bits = 0 if letter == " " else glyph_row(letter, y)
            for x in range(5):
                row += bytes([(bits >> (4 - x)) & 1]) * scale
            row += b"\0" * scale
        rows.append(bytes(row))
    return rows


def write_png(path, width, height, lines=(), scale=20, colour=True):
    """A white page with black lines of text, written in pieces: never whole in memory."""
    channels = 3 if colour else 1
    white = b"\0" + b"\xff" * (width * channels)
    wanted = {}
    for n, text in enumerate(lines):
        for y, mask in enumerate(text_mask(text, scale)):
            row = bytearray(white)
            left = 1 + 10 * scale * channels
            pixels = mask.translate(bytes([255, 0]) + bytes(254))
            row[left:left + len(mask) * channels] = b"".join(bytes([p]) * channels for p in pixels)
            for repeat in range(scale):
                wanted[(10 + 20 * n + y) * scale + repeat] = bytes(row)
    packer = zlib.compressobj(1)
    with open(path, "wb") as out:
        def chunk(kind, data):
            out.write(struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)))
        out.write(b"\x89PNG\r\n\x1a\n")
        chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2 if colour else 0, 0, 0, 0))
        for y in range(height):
            data = packer.compress(wanted.get(y, white))
            if data:
                chunk(b"IDAT", data)
        chunk(b"IDAT", packer.flush())
        chunk(b"IEND", b"")


def write_pdf(path, pages, encrypted=False, shown=(0, 0, 612, 792)):
    """A PDF whose pages carry a few words as text and show a part of themselves. `encrypted` claims a password that
    nobody has."""
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", None, b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"]
    kids = []
    for n in range(1, pages + 1):
        content = b"BT /F1 24 Tf 72 700 Td (Page number %d) Tj 0 -40 Td (Total 12.50) Tj ET" % n
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content))
        objects.append(b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /CropBox [%d %d %d %d] /Contents %d 0 R "
                       b"/Resources << /Font << /F1 3 0 R >> >> >>" % (*shown, len(objects)))
        kids.append(b"%d 0 R" % len(objects))
    objects[1] = b"<< /Type /Pages /Kids [%s] /Count %d >>" % (b" ".join(kids), pages)
    trailer = b"/Root 1 0 R"
    if encrypted:
        objects.append(b"<< /Filter /Standard /V 2 /R 3 /Length 128 /P -44 /O <%s> /U <%s> >>" % (b"11" * 32, b"22" * 32))
        trailer += b" /Encrypt %d 0 R /ID [<%s> <%s>]" % (len(objects), b"33" * 16, b"33" * 16)
    write_objects(path, objects, trailer)


def write_objects(path, objects, trailer):
    out = bytearray(b"%PDF-1.4\n")
    offsets = []
    for n, text in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (n, text)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % at for at in offsets)
    out += b"trailer\n<< /Size %d %s >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, trailer, start)
    with open(path, "wb") as file:
        file.write(out)


def write_bad_files(folder, receipt):
    """The files that no reader can read, by name; `receipt` is a good JPEG."""
    def put(name, data):
        with open(os.path.join(folder, name), "wb") as out:
            out.write(data)
    with open(receipt, "rb") as file:
        good = file.read()
    put("empty.jpg", b"")
    put("text.jpg", b"This is a letter, not a picture.\n" * 20)
    put("cut.jpg", good[:len(good) // 2])
    put("cut-early.jpg", good[:300])
    write_pdf(os.path.join(folder, "locked.pdf"), 1, encrypted=True)
    write_pdf(os.path.join(folder, "nothing.pdf"), 0)
    put("broken.pdf", b"%PDF-1.4\nnot really\n")


def jpeg_size(data):
    at = 2
    while True:
        kind, length = data[at + 1], struct.unpack(">H", data[at + 2:at + 4])[0]
        if 0xC0 <= kind <= 0xC2:
            height, width = struct.unpack(">HH", data[at + 5:at + 9])
            return width, height, data[at + 9]
        at += 2 + length


def write_scan_pdf(path, jpeg):
    """A PDF of one page that is a picture, as scanners make them."""
    with open(jpeg, "rb") as file:
        data = file.read()
    width, height, channels = jpeg_size(data)
    w, h = width * 72 // 200, height * 72 // 200
    content = b"q %d 0 0 %d 0 0 cm /I Do Q" % (w, h)
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [5 0 R] /Count 1 >>",
               b"<< /Type /XObject /Subtype /Image /Width %d /Height %d /BitsPerComponent 8 /ColorSpace /%s /Filter /DCTDecode "
               b"/Length %d >>\nstream\n%s\nendstream" % (width, height, b"DeviceGray" if channels == 1 else b"DeviceRGB", len(data), data),
               b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
               b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %d %d] /Contents 4 0 R /Resources << /XObject << /I 3 0 R >> >> >>" % (w, h)]
    write_objects(path, objects, b"/Root 1 0 R")
