#!/usr/bin/env python3
"""Slimmed checkpoints and graphs of real TensorFlow, and safetensors files: outputs are bit-identical.

usage: slim_tensorflow_test.py LECTERN. Needs tensorflow and safetensors, which no Debian package has, e.g.
  python3 -m venv ~/.cache/lectern/tensorflow && ~/.cache/lectern/tensorflow/bin/pip install tensorflow-cpu safetensors
"""
import json
import os
import subprocess
import sys
import tempfile

os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="", TF_ENABLE_ONEDNN_OPTS="0")
VENV = os.path.expanduser("~/.cache/lectern/tensorflow")
if sys.prefix != VENV and os.path.exists(VENV + "/bin/python"):
    os.execv(VENV + "/bin/python", [VENV + "/bin/python", *sys.argv])
try:
    import numpy as np
    import tensorflow as tf
    from safetensors.numpy import load_file, save_file
except ImportError as missing:
    print("SKIPPED:", missing)
    sys.exit(77)

v1 = tf.compat.v1
LECTERN = sys.argv[1]


def slim(source, target, *options):
    done = subprocess.run([LECTERN, "model", "slim", source, "-o", target, "--json", *options], capture_output=True,
                          text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert set(report) == {"before_bytes", "after_bytes", "dropped"}, report
    return report


def network(picture, partitioner=None):
    """Convolution, normalisation, LSTM and a head, by the names of TensorFlow 1."""
    with v1.variable_scope("net", partitioner=partitioner):
        def weights(name, shape, trainable=True):
            return v1.get_variable(name, shape, initializer=v1.random_normal_initializer(0, 0.1, seed=len(name)),
                                   trainable=trainable, use_resource=False)
        x = tf.nn.conv2d(picture, weights("conv/kernel", [3, 3, 3, 64]), 1, "SAME") + weights("conv/bias", [64])
        x, _, _ = v1.nn.fused_batch_norm(x, weights("bn/gamma", [64]), weights("bn/beta", [64]),
                                         weights("bn/moving_mean", [64], False),
                                         tf.abs(weights("bn/moving_variance", [64], False)) + 1.0, is_training=False)
        x = tf.nn.relu(x)
        x = tf.nn.conv2d(x, weights("conv2/kernel", [3, 3, 64, 64]), 2, "SAME")
        x = tf.reduce_mean(x, [1, 2])
        x = v1.nn.dropout(x, keep_prob=v1.placeholder_with_default(1.0, [], "keep"))
        return tf.identity(tf.nn.softmax(x @ weights("logits/kernel", [64, 10]) + weights("logits/bias", [10])), "output")


def training(graph, session, picture, output):
    with graph.as_default():
        step = v1.train.get_or_create_global_step()
        rate = v1.train.exponential_decay(1e-3, step, 100, 0.9)
        loss = tf.reduce_mean(tf.square(output - 0.1), name="loss")
        v1.summary.scalar("loss", loss)
        optimizer = v1.train.AdamOptimizer(rate)
        apply = optimizer.minimize(loss, global_step=step)
        with tf.control_dependencies([apply]):
            train = v1.train.ExponentialMovingAverage(0.997, step).apply(v1.trainable_variables())
        averages = [v for v in v1.global_variables() if v.op.name.endswith("ExponentialMovingAverage")]
        session.run(v1.variables_initializer([v for v in v1.global_variables() if v.op.name not in {a.op.name for a in averages}]))
        session.run(v1.variables_initializer(averages))  # which begin with the values of the others
        for i in range(3):
            session.run(train, {picture: np.random.default_rng(i).normal(size=(2, 16, 16, 3))})
        return v1.train.Saver(sharded=False)


PICTURE = np.random.default_rng(7).normal(size=(2, 16, 16, 3)).astype(np.float32)


def restored(prefix, partitioner=None):
    """What a process answers that has nothing but the checkpoint and the code of the network."""
    with tf.Graph().as_default() as graph, v1.Session(graph=graph) as session:
        picture = v1.placeholder(tf.float32, [None, 16, 16, 3], "picture")
        output = network(picture, partitioner)
        v1.train.Saver().restore(session, prefix)
        return session.run(output, {picture: PICTURE})


def session_checkpoint(folder, partitioner=None, sharded=False):
    source, target = folder + "/model.ckpt", folder + "/small.ckpt"
    with tf.Graph().as_default() as graph, v1.Session(graph=graph) as session:
        picture = v1.placeholder(tf.float32, [None, 16, 16, 3], "picture")
        output = network(picture, partitioner)
        training(graph, session, picture, output)
        v1.train.Saver(sharded=sharded).save(session, source)
        told = session.run(output, {picture: PICTURE})
    report = slim(source, target)
    before, after = tf.train.load_checkpoint(source), tf.train.load_checkpoint(target)
    kept, all_names = after.get_variable_to_shape_map(), before.get_variable_to_shape_map()
    expected = {n for n in all_names if n.startswith("net/") and not n.endswith(
        ("/Adam", "/Adam_1", "/ExponentialMovingAverage"))}
    assert set(kept) == expected, (sorted(kept), sorted(expected))
    for name in kept:
        assert before.get_tensor(name).tobytes() == after.get_tensor(name).tobytes(), name
    assert report["after_bytes"] < 0.3 * report["before_bytes"], report
    assert restored(source, partitioner).tobytes() == told.tobytes()
    assert restored(target, partitioner).tobytes() == told.tobytes()


def checkpoint_of_slices(folder):
    session_checkpoint(folder, v1.fixed_size_partitioner(3))


def averages_in_place_of_weights(folder):
    source, target = folder + "/model.ckpt", folder + "/small.ckpt"
    with tf.Graph().as_default() as graph, v1.Session(graph=graph) as session:
        picture = v1.placeholder(tf.float32, [None, 16, 16, 3], "picture")
        training(graph, session, picture, network(picture)).save(session, source)
    slim(source, target, "--use-averages")
    before, after = tf.train.load_checkpoint(source), tf.train.load_checkpoint(target)
    for name in after.get_variable_to_shape_map():
        wanted = name + "/ExponentialMovingAverage"
        wanted = wanted if before.has_tensor(wanted) else name
        assert before.get_tensor(wanted).tobytes() == after.get_tensor(name).tobytes(), name


def keras(optimizer=None):
    tf.keras.utils.set_random_seed(3)
    model = tf.keras.Sequential([tf.keras.layers.Input((16, 16, 3)), tf.keras.layers.Conv2D(64, 3),
                                 tf.keras.layers.BatchNormalization(), tf.keras.layers.GlobalAveragePooling2D(),
                                 tf.keras.layers.Dense(10)])
    if optimizer:
        model.compile(optimizer, "mse")
        model.fit(PICTURE, np.zeros((2, 10)), verbose=0, epochs=2)
    return model


def object_checkpoint(folder):
    source, target = folder + "/objects", folder + "/small"
    model = keras("adam")
    prefix = tf.train.Checkpoint(model=model, optimizer=model.optimizer).save(source)
    report = slim(prefix, target)
    assert any("optimizer" in d["name"] for d in report["dropped"]), report
    again = keras()
    tf.train.Checkpoint(model=again).restore(target).expect_partial().assert_existing_objects_matched()
    assert model(PICTURE).numpy().tobytes() == again(PICTURE).numpy().tobytes()


def kinds_of_tensors(folder):
    source, target = folder + "/kinds", folder + "/small"
    values = {t: np.arange(15).reshape(3, 5).astype(t) for t in
              ("float32", "float64", "float16", "int64", "int32", "int16", "int8", "uint8", "bool", "complex64")}
    variables = {name: tf.Variable(value) for name, value in values.items()}
    variables |= {"bf16": tf.Variable(tf.ones([7], tf.bfloat16)), "scalar": tf.Variable(3.5),
                  "none": tf.Variable(tf.zeros([0, 4])), "words": tf.Variable([b"a", b"", b"\xff" * 300])}
    v1.train.Saver(variables, write_version=v1.train.SaverDef.V2).save(None, source)
    slim(source, target)
    before, after = tf.train.load_checkpoint(source), tf.train.load_checkpoint(target)
    assert before.get_variable_to_shape_map() == after.get_variable_to_shape_map()
    for name in variables:
        assert before.get_tensor(name).tobytes() == after.get_tensor(name).tobytes(), name
        assert np.array_equal(before.get_tensor(name), after.get_tensor(name)), name


def run_graph(file, inputs, fetch):
    definition = v1.GraphDef()
    with open(file, "rb") as data:
        definition.ParseFromString(data.read())
    with tf.Graph().as_default() as graph, v1.Session(graph=graph) as session:
        tf.import_graph_def(definition, name="")
        return session.run(fetch, inputs)


def frozen_graph(folder):
    source, target, named = folder + "/frozen.pb", folder + "/small.pb", folder + "/named.pb"
    with tf.Graph().as_default() as graph, v1.Session(graph=graph) as session:
        picture = v1.placeholder(tf.float32, [None, 16, 16, 3], "picture")
        output = network(picture)
        training(graph, session, picture, output)
        # As careless exports do: the loss and its summary are outputs too, the averages are constants.
        wanted = ["net/output", "loss"] + [n.name for n in graph.as_graph_def().node
                                         if n.name.endswith("ExponentialMovingAverage/read")]
        definition = v1.graph_util.convert_variables_to_constants(session, graph.as_graph_def(), wanted)
        v1.io.write_graph(definition, folder, "frozen.pb", as_text=False)
    told = run_graph(source, {"picture:0": PICTURE}, "net/output:0")
    report = slim(source, named, "--output", "net/output")
    assert report["after_bytes"] < 0.7 * report["before_bytes"], report
    assert {d["name"] for d in report["dropped"]} >= {"loss"}, report
    slim(source, target)
    for file in (target, named):
        assert run_graph(file, {"picture:0": PICTURE}, "net/output:0").tobytes() == told.tobytes(), file


def graph_with_functions(folder):
    """TensorFlow 2 keeps loops and branches as functions of the graph."""
    @tf.function(input_signature=[tf.TensorSpec([None, 4])])
    def model(x):
        for _ in tf.range(3):
            x = tf.cond(tf.reduce_sum(x) > 0, lambda x=x: x @ tf.constant(np.eye(4, dtype=np.float32) * 0.7), lambda x=x: x - 1)
        return tf.identity(x, "output")
    definition = model.get_concrete_function().graph.as_graph_def()
    source, target = folder + "/functions.pb", folder + "/small.pb"
    with open(source, "wb") as file:
        file.write(definition.SerializeToString())
    slim(source, target)
    x = np.random.default_rng(1).normal(size=(3, 4)).astype(np.float32)
    assert run_graph(source, {"x:0": x}, "output:0").tobytes() == run_graph(target, {"x:0": x}, "output:0").tobytes()


def safetensors(folder):
    source, target = folder + "/m.safetensors", folder + "/small.safetensors"
    draw = np.random.default_rng(2)
    model = {f"layer{i}.{part}": draw.normal(size=(64, 64)).astype(np.float32) for i in range(4) for part in ("weight", "bias")}
    save_file(model, source, {"format": "pt"})
    assert slim(source, target)["dropped"] == []
    after = load_file(target)
    assert set(after) == set(model) and all(after[n].tobytes() == model[n].tobytes() for n in model)
    save_file({**model, **{f"optimizer.state.{n}.exp_avg": v for n, v in model.items()}}, source)
    slim(source, target)
    after = load_file(target)
    assert set(after) == set(model) and all(after[n].tobytes() == model[n].tobytes() for n in model)


for test in (session_checkpoint, checkpoint_of_slices, averages_in_place_of_weights, object_checkpoint, kinds_of_tensors,
             frozen_graph, graph_with_functions, safetensors):
    with tempfile.TemporaryDirectory() as where:
        test(where)
    print("ok", test.__name__)
