#!/usr/bin/env python3
"""Trains the judge of white space: does a gap in a row part two lines? Boosted trees over the features of row_gaps.cpp, written as ONNX.

usage: gap_judge.py GAPS.jsonl TRUTH.jsonl OUT.onnx [--folds 10]

GAPS.jsonl is what `detect_bench ctpn-small,gaps=1 IMAGES` prints for the pages of TRUTH.jsonl (SROIE training part). Every tenth page is held
back, as everywhere here; errors are counted there and over folds of pages. Needs scikit-learn and onnx.
"""
import argparse
import json
import os

import numpy as np
import onnx
from onnx import TensorProto, helper
from sklearn.ensemble import GradientBoostingClassifier

TREES = {"n_estimators": 150, "max_depth": 3, "learning_rate": 0.08, "subsample": 0.7, "min_samples_leaf": 10, "random_state": 1}


def label_of(box, lines):
    """1: the gap parts two of the truth's lines, 0: it lies in one, None: the truth has no text on one of its sides."""
    x0, y0, x1, y1 = box
    y, reach = (y0 + y1) / 2, 0.35 * (y1 - y0)

    def line_at(x):
        at = [i for i, l in enumerate(lines) if l[0] - 2 <= x <= l[2] + 2 and l[1] <= y <= l[3]]
        return min(at, key=lambda i: abs((lines[i][1] + lines[i][3]) / 2 - y)) if at else None

    left, right = line_at(x0 - reach), line_at(x1 + reach)
    return None if left is None or right is None else int(left != right)


def load(gaps_file, truth_file):
    truth = {}
    for n, line in enumerate(open(truth_file, encoding="utf-8")):
        record = json.loads(line)
        truth[os.path.basename(record["image"])] = (n, [l["box"] for l in record["lines"]])
    features, labels, pages = [], [], []
    for line in open(gaps_file, encoding="utf-8"):
        record = json.loads(line)
        n, lines = truth[record["image"]]
        for gap in record["gaps"]:
            label = label_of(gap["box"], lines)
            if label is not None:
                features.append(gap["features"])
                labels.append(label)
                pages.append(n)
    return np.array(features, np.float32), np.array(labels), np.array(pages)


def write(model, path):
    """The classifier's trees as one ONNX operator: (gaps, features) -> probability that a gap parts."""
    nodes = {k: [] for k in ("treeids", "nodeids", "featureids", "values", "modes", "truenodeids", "falsenodeids")}
    targets = {"treeids": [], "nodeids": [], "ids": [], "weights": []}
    for t, (tree,) in enumerate(model.estimators_):
        tree = tree.tree_
        for n in range(tree.node_count):
            leaf = tree.children_left[n] < 0
            for key, value in zip(nodes, (t, n, max(0, int(tree.feature[n])), float(tree.threshold[n]) if not leaf else 0.0,
                                          "LEAF" if leaf else "BRANCH_LEQ", 0 if leaf else int(tree.children_left[n]),
                                          0 if leaf else int(tree.children_right[n]))):
                nodes[key].append(value)
            if leaf:
                for key, value in zip(targets, (t, n, 0, float(tree.value[n][0][0]) * model.learning_rate)):
                    targets[key].append(value)
    base = float(model._raw_predict_init(np.zeros((1, model.n_features_in_)))[0, 0])
    attributes = {"nodes_" + k: v for k, v in nodes.items()}
    attributes.update({"target_" + k: v for k, v in targets.items()})
    trees = helper.make_node("TreeEnsembleRegressor", ["gaps"], ["odds"], domain="ai.onnx.ml", n_targets=1, base_values=[base], **attributes)
    graph = helper.make_graph([trees, helper.make_node("Sigmoid", ["odds"], ["parts"])], "gap judge",
                              [helper.make_tensor_value_info("gaps", TensorProto.FLOAT, ["n", model.n_features_in_])],
                              [helper.make_tensor_value_info("parts", TensorProto.FLOAT, ["n", 1])])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13), helper.make_opsetid("ai.onnx.ml", 1)])
    made.ir_version = 7
    onnx.checker.check_model(made)
    onnx.save(made, path)


def errors(model, features, labels):
    return int(((model.predict_proba(features)[:, 1] > 0.5) != labels).sum())


def main():
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument("gaps")
    p.add_argument("truth")
    p.add_argument("out")
    p.add_argument("--folds", type=int, default=10)
    a = p.parse_args()
    features, labels, pages = load(a.gaps, a.truth)
    held = pages % 10 == 9
    wrong = sum(errors(GradientBoostingClassifier(**TREES).fit(features[pages % a.folds != f], labels[pages % a.folds != f]),
                       features[pages % a.folds == f], labels[pages % a.folds == f]) for f in range(a.folds))
    print("%d gaps, %.2f of them part lines; over folds of pages %d errors" % (len(labels), labels.mean(), wrong))
    model = GradientBoostingClassifier(**TREES).fit(features[~held], labels[~held])
    by_width = {t: int(((features[held, 0] > t) != labels[held]).sum()) for t in (0.7, 0.9, 1.1, 1.3)}
    print("held back: %d gaps, %d errors; by width alone %s" % (held.sum(), errors(model, features[held], labels[held]), by_width))
    write(model, a.out)


if __name__ == "__main__":
    main()
