"""Targets of a crop: which anchors are text, where the line's top and bottom are, where its ends are.

A line is (x0, y0, x1, y1, ignore); ignore marks a line that the crop's edge cuts: it gives no positives, and every anchor that touches it
counts for nothing, since half a word is neither a text line nor background.
"""
import numpy as np

from nets import ANCHOR_HEIGHTS, COLUMN, K

POSITIVE, NEGATIVE = 0.65, 0.45
HEIGHTS = np.array(ANCHOR_HEIGHTS, np.float32)


def vertical_iou(rows, stride, y0, y1):
    """IoU of every anchor with the interval [y0, y1]: (K, rows)."""
    centre = (np.arange(rows, dtype=np.float32) + 0.5) * stride
    top = centre[None, :] - HEIGHTS[:, None] / 2
    bottom = centre[None, :] + HEIGHTS[:, None] / 2
    shared = np.clip(np.minimum(bottom, y1) - np.maximum(top, y0), 0, None)
    return shared / (np.maximum(bottom, y1) - np.minimum(top, y0))


def columns_of(x0, x1, columns):
    """(full columns, half-covered columns) of a line."""
    first, last = int(x0 // COLUMN), int(np.ceil(x1 / COLUMN))
    c = np.arange(max(first, 0), min(last, columns))
    if c.size == 0:
        return c, c
    cover = (np.minimum((c + 1) * COLUMN, x1) - np.maximum(c * COLUMN, x0)) / COLUMN
    full = c[cover >= 0.5]
    if full.size == 0:
        full = c[[int(np.argmax(cover))]]
    return full, c[(cover >= 0.2) & ~np.isin(c, full)]


def make_targets(lines, height, width, stride):
    rows, columns = height // stride, width // COLUMN
    label = np.zeros((K, rows, columns), np.float32)
    best = np.zeros((K, rows, columns), np.float32)
    vertical = np.zeros((2, K, rows, columns), np.float32)
    vertical_on = np.zeros((K, rows, columns), np.float32)
    side = np.zeros((K, rows, columns), np.float32)
    side_on = np.zeros((K, rows, columns), np.float32)
    centre = (np.arange(rows, dtype=np.float32) + 0.5) * stride
    ignored = []
    for x0, y0, x1, y1, ignore in lines:
        iou = vertical_iou(rows, stride, y0, y1)
        full, half = columns_of(x0, x1, columns)
        if ignore:
            touched = np.concatenate([full, half])
            ignored.append((iou > 0.1, touched))
            continue
        if full.size == 0:
            continue
        ignored.append((iou > 0.2, half))
        positive = iou >= POSITIVE
        k, r = np.unravel_index(np.argmax(iou), iou.shape)
        if iou[k, r] > 0.25:
            positive[k, r] = True
        between = (iou >= NEGATIVE) & ~positive
        regress = (iou >= 0.5) | positive
        v_c = ((y0 + y1) / 2 - centre[None, :]) / HEIGHTS[:, None]
        v_h = np.log((y1 - y0) / HEIGHTS)[:, None].repeat(rows, 1)
        for c in full:
            wins = iou > best[:, :, c]
            best[:, :, c] = np.where(wins, iou, best[:, :, c])
            column = label[:, :, c]
            column[between & (column == 0)] = -1
            column[positive] = 1
            m = regress & wins
            vertical[0, :, :, c][m] = v_c[m]
            vertical[1, :, :, c][m] = v_h[m]
            vertical_on[:, :, c][m] = 1
            middle = (c + 0.5) * COLUMN
            for end in (x0, x1):
                if abs(end - middle) <= 2.0 * COLUMN and (end == x0) == (abs(x0 - middle) <= abs(x1 - middle)):
                    side[:, :, c][m] = (end - middle) / COLUMN
                    side_on[:, :, c][m] = 1
    for mask, cols in ignored:
        for c in cols:
            column = label[:, :, c]
            column[mask & (column == 0)] = -1
    return label, vertical.reshape(2 * K, rows, columns), vertical_on, side, side_on
