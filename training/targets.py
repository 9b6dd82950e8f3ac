"""Targets of a crop: which anchors are text, where the line's top and bottom are, where its ends are.

A line is (x0, y0, x1, y1, ignore); ignore marks a line that the crop's upper or lower edge cuts: it gives no positives, and every anchor that touches it
counts for nothing, since half a word is neither a text line nor background.
"""
import numpy as np

POSITIVE, NEGATIVE = 0.65, 0.45
ENDS_WITHIN = 2.0  # columns: anchors further from a line's end learn nothing of it
NEIGHBOURS_WITHIN = 3.0  # columns between two lines of one row whose gap gets a column of its own
BLANK_WEIGHT = 3.0  # of white columns, inside a line and between two: they decide where a row is cut, and are few
BLANK_CONTRAST = 0.35  # of the line's own contrast: below it a column is white


def vertical_iou(form, rows, y0, y1):
    """IoU of every anchor with the interval [y0, y1]: (K, rows)."""
    heights = np.array(form.heights, np.float32)[:, None]
    centre = ((np.arange(rows, dtype=np.float32) + 0.5) * form.row_stride)[None, :]
    shared = np.clip(np.minimum(centre + heights / 2, y1) - np.maximum(centre - heights / 2, y0), 0, None)
    return shared / (np.maximum(centre + heights / 2, y1) - np.minimum(centre - heights / 2, y0))


def columns_of(x0, x1, width, columns, gaps=()):
    """(full columns, half-covered columns) of a line; `gaps` are columns that belong to the space beside it."""
    first, last = int(x0 // width), int(np.ceil(x1 / width))
    c = np.arange(max(first, 0), min(last, columns))
    c = c[~np.isin(c, gaps)] if len(gaps) else c
    if c.size == 0:
        return c, c
    cover = (np.minimum((c + 1) * width, x1) - np.maximum(c * width, x0)) / width
    full = c[cover >= 0.5]
    if full.size == 0:
        full = c[[int(np.argmax(cover))]]
    return full, c[(cover >= 0.2) & ~np.isin(c, full)]


def gap_columns(lines, width):
    """For each line the columns in the middle of the gaps to its neighbours in its row: where they are narrower than a column,
    nothing else would tell the network to part the lines."""
    gaps = [[] for _ in lines]
    for i, a in enumerate(lines):
        for j, b in enumerate(lines):
            if i == j or b[0] < a[0] or b[0] - a[2] > NEIGHBOURS_WITHIN * width or b[0] < a[2] - 0.5 * width:
                continue
            if min(a[3], b[3]) - max(a[1], b[1]) > 0.5 * min(a[3] - a[1], b[3] - b[1]):
                column = int((a[2] + b[0]) / 2 // width)
                gaps[i].append(column)
                gaps[j].append(column)
    return gaps


def blank_columns(image, line, columns_at, width):
    """Those of a line's columns that show no ink."""
    x0, y0, x1, y1 = line
    band = image[max(0, int(y0 + 0.15 * (y1 - y0))):max(1, int(np.ceil(y1 - 0.15 * (y1 - y0)))), :]
    inside = band[:, max(0, int(x0)):max(1, int(x1))]
    if inside.size == 0 or band.shape[0] == 0:
        return columns_at[:0]
    contrast = float(inside.max() - inside.min())
    blank = [c for c in columns_at if np.ptp(band[:, c * width:(c + 1) * width]) < BLANK_CONTRAST * contrast]
    return np.array(blank, int)


def make_targets(image, lines, form):
    """label, vertical, vertical_on, side, side_on, weight of a crop, each (planes, rows, columns)."""
    height, width = image.shape
    rows, columns, k = height // form.row_stride, width // form.column, len(form.heights)
    heights = np.array(form.heights, np.float32)
    label = np.zeros((k, rows, columns), np.float32)
    best = np.zeros((k, rows, columns), np.float32)
    vertical = np.zeros((2, k, rows, columns), np.float32)
    vertical_on = np.zeros((k, rows, columns), np.float32)
    side = np.zeros((k, rows, columns), np.float32)
    side_on = np.zeros((k, rows, columns), np.float32)
    weight = np.ones((k, rows, columns), np.float32)
    centre = (np.arange(rows, dtype=np.float32) + 0.5) * form.row_stride
    ignored = []
    for (x0, y0, x1, y1, ignore), gaps in zip(lines, gap_columns(lines, form.column)):
        iou = vertical_iou(form, rows, y0, y1)
        if ignore:
            full, half = columns_of(x0, x1, form.column, columns)
            ignored.append((iou > 0.1, np.concatenate([full, half])))
            continue
        full, half = columns_of(x0, x1, form.column, columns, gaps)
        if full.size == 0:
            continue
        ignored.append((iou > 0.2, half))
        positive = iou >= POSITIVE
        a, r = np.unravel_index(np.argmax(iou), iou.shape)
        if iou[a, r] > 0.25:
            positive[a, r] = True
        between = (iou >= NEGATIVE) & ~positive
        blank = np.concatenate([blank_columns(image, (x0, y0, x1, y1), full, form.column),
                                [g for g in gaps if 0 <= g < columns]]).astype(int)
        weight[:, :, blank] = np.where((iou >= NEGATIVE)[:, :, None], BLANK_WEIGHT, weight[:, :, blank])
        regress = (iou >= 0.5) | positive
        v_c = ((y0 + y1) / 2 - centre[None, :]) / heights[:, None]
        v_h = np.log((y1 - y0) / heights)[:, None].repeat(rows, 1)
        wins = iou[:, :, None] > best[:, :, full]
        best[:, :, full] = np.where(wins, iou[:, :, None], best[:, :, full])
        part = label[:, :, full]
        part[between[:, :, None] & (part == 0)] = -1
        part[positive] = 1
        label[:, :, full] = part
        mine = regress[:, :, None] & wins
        vertical[0][:, :, full] = np.where(mine, v_c[:, :, None], vertical[0][:, :, full])
        vertical[1][:, :, full] = np.where(mine, v_h[:, :, None], vertical[1][:, :, full])
        vertical_on[:, :, full] = np.where(mine, 1, vertical_on[:, :, full])
        middle = (full + 0.5) * form.column
        end = np.where(np.abs(x0 - middle) <= np.abs(x1 - middle), x0, x1)
        near = np.abs(end - middle) <= ENDS_WITHIN * form.column
        offset = ((end - middle) / form.column)[None, None, :]
        side[:, :, full] = np.where(mine & near, offset, side[:, :, full])
        side_on[:, :, full] = np.where(mine, near, side_on[:, :, full])
    for mask, cols in ignored:
        part = label[:, :, cols]
        part[mask[:, :, None] & (part == 0)] = -1
        label[:, :, cols] = part
    return label, vertical.reshape(2 * k, rows, columns), vertical_on, side, side_on, weight
