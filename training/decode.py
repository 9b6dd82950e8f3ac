"""From network output to text lines, the reference for the C++ decoder (src/reader/detect/ctpn_decode.cpp)."""
import numpy as np


def proposals(output, form, score_min):
    """output (4K, H, W) -> arrays column, top, bottom, score, side; at most one proposal survives where several overlap."""
    heights, n = np.array(form.heights, np.float32), len(form.heights)
    score = 1 / (1 + np.exp(-output[:n]))
    k, r, c = np.nonzero(score > score_min)
    s = score[k, r, c]
    height = heights[k] * np.exp(np.clip(output[2 * n + k, r, c], -2, 2))
    centre = (r + 0.5) * form.row_stride + output[n + k, r, c] * heights[k]
    side = output[3 * n + k, r, c]
    top, bottom = centre - height / 2, centre + height / 2
    keep, kept, column = [], [], -1
    for i in np.lexsort((-s, c)):
        if c[i] != column:
            column, kept = c[i], []
        for t, b in kept:
            shared = min(bottom[i], b) - max(top[i], t)
            if shared > 0 and shared > 0.3 * (max(bottom[i], b) - min(top[i], t)):
                break
        else:
            kept.append((top[i], bottom[i]))
            keep.append(i)
    keep = np.array(keep, int)
    return c[keep], top[keep], bottom[keep], s[keep], side[keep]


def text_lines(output, form, score_min=0.7, gap=0.2, overlap=0.6, single_min=0.9):
    """Lines [x0, y0, x1, y1, score] in network pixels. A neighbour is the best one within `gap` line heights, both ways."""
    width = form.column
    column, top, bottom, score, side = proposals(output, form, score_min)
    n = len(column)
    by_column = {}
    for i in range(n):
        by_column.setdefault(int(column[i]), []).append(i)

    def neighbour(i, step):
        height = bottom[i] - top[i]
        reach = int(round(gap * height / width)) + 1
        for d in range(1, reach + 1):
            best, best_score = -1, 0
            for j in by_column.get(int(column[i]) + step * d, ()):
                other = bottom[j] - top[j]
                shared = min(bottom[i], bottom[j]) - max(top[i], top[j])
                if shared / min(height, other) >= overlap and min(height, other) / max(height, other) >= 0.6 and score[j] > best_score:
                    best, best_score = j, score[j]
            if best >= 0:
                return best
        return -1

    right = [neighbour(i, 1) for i in range(n)]
    left = [neighbour(i, -1) for i in range(n)]
    lines = []
    for i in range(n):
        if left[i] >= 0 and right[left[i]] == i:
            continue
        chain = [i]
        while right[chain[-1]] >= 0 and left[right[chain[-1]]] == chain[-1]:
            chain.append(right[chain[-1]])
        if len(chain) == 1 and score[i] < single_min:
            continue
        a, b = chain[0], chain[-1]
        x0 = (column[a] + 0.5 + np.clip(side[a], -1, 1)) * width if side[a] < 0.25 else column[a] * width
        x1 = (column[b] + 0.5 + np.clip(side[b], -1, 1)) * width if side[b] > -0.25 else (column[b] + 1) * width
        if len(chain) == 1:
            x0, x1 = column[a] * width, (column[a] + 1) * width
        lines.append([float(x0), float(np.mean(top[chain])), float(x1), float(np.mean(bottom[chain])), float(np.mean(score[chain]))])
    lines.sort(key=lambda l: -l[4])
    kept = []
    for l in lines:
        if all(iou(l, m) <= 0.3 for m in kept):
            kept.append(l)
    return kept


def iou(a, b):
    w, h = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if w <= 0 or h <= 0:
        return 0.0
    return w * h / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - w * h)


def match_counts(found, truth, at=0.5):
    """One-to-one matches at IoU >= at, greedily best first: (matches, found, truth)."""
    pairs = sorted(((iou(f, t), i, j) for i, f in enumerate(found) for j, t in enumerate(truth)), reverse=True)
    used_f, used_t = set(), set()
    for value, i, j in pairs:
        if value < at:
            break
        if i not in used_f and j not in used_t:
            used_f.add(i)
            used_t.add(j)
    return len(used_f), len(found), len(truth)
