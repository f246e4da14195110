"""Usage: stator_runtime_test.py LIBRARY MODULE BUNDLE...: drives stator_runtime.py."""

import concurrent.futures
import gc
import importlib.util
import os
import sys
import tempfile
import threading
import unittest
import weakref

os.environ["STATOR_RUNTIME_LIBRARY"] = os.path.abspath(sys.argv[1])
spec = importlib.util.spec_from_file_location("stator_runtime", sys.argv[2])
stator_runtime = importlib.util.module_from_spec(spec)
spec.loader.exec_module(stator_runtime)
BUNDLES = {os.path.basename(p).split(".")[0]: p for p in sys.argv[3:]}

import numpy as np  # pylint: disable=wrong-import-position


class Run(unittest.TestCase):
    def test_any_batch(self):
        model = stator_runtime.Model(BUNDLES["chain"], threads=2)
        for n in (1, 3, 0, 1000):
            x = np.arange(n, dtype=np.float32)
            out = model.run({"x:0": x, "y": np.ones(n)})
            np.testing.assert_array_equal(out["out:0"], (x + 1) * 3)
            self.assertEqual(out["out:0"].dtype, np.float32)

    def test_strided_and_list_inputs(self):
        model = stator_runtime.Model(BUNDLES["chain"])
        x = np.arange(10, dtype=np.float32)[::2]
        out = model.run({"x": x, "y": [1, 2, 3, 4, 5]})["out:0"]
        np.testing.assert_array_equal(out, [3, 12, 21, 30, 39])

    def test_data_dependent_size(self):
        model = stator_runtime.Model(BUNDLES["positive"])
        out = model.run({"x": [1, -2, 3]})["out:0"]
        np.testing.assert_array_equal(out, [10, 30])
        self.assertEqual(model.run({"x": [-1]})["out:0"].shape, (0,))

    def test_errors(self):
        model = stator_runtime.Model(BUNDLES["chain"])
        with self.assertRaisesRegex(stator_runtime.StatorError, "batch of x must equal") as caught:
            model.run({"x": [1], "y": [1, 2]})
        self.assertEqual(caught.exception.code, "InvalidArgument")
        with self.assertRaisesRegex(KeyError, "y:0 is missing"):
            model.run({"x": [1]})
        with self.assertRaisesRegex(KeyError, "no such inputs: z"):
            model.run({"x": [1], "y": [1], "z": [1]})
        with self.assertRaisesRegex(TypeError, "expected float32, got complex"):
            model.run({"x": [1j], "y": [1]})
        with self.assertRaisesRegex(stator_runtime.StatorError, "NotFound"):
            stator_runtime.Model("/nowhere/at all")
        with self.assertRaisesRegex(stator_runtime.StatorError, "DataLoss"):
            stator_runtime.Model(b"no bundle")
        slow = stator_runtime.Model(BUNDLES["slow"])
        with self.assertRaisesRegex(stator_runtime.StatorError, "DeadlineExceeded"):
            slow.run(timeout=0.01)

    def test_threads_take_turns(self):
        model = stator_runtime.Model(BUNDLES["chain"], threads=1)
        wrong = []

        def work(value):
            for _ in range(50):
                out = model.run({"x": [value], "y": [0]})["out:0"]
                if out[0] != 3 * value:
                    wrong.append(out)

        threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(wrong, [])


class Values(unittest.TestCase):
    def test_types_change_only_where_values_do_not(self):
        def convert(values, dtype):
            return stator_runtime._convert("x", np.asarray(values), np.dtype(dtype))

        np.testing.assert_array_equal(convert([3, 0, 255], np.uint8), [3, 0, 255])
        with self.assertRaisesRegex(ValueError, "x: int32 holds -2147483648 to 2147483647, got 1 to"):
            convert([1, 2**40], np.int32)
        with self.assertRaisesRegex(ValueError, "uint8 holds 0 to 255"):
            convert([-1], np.uint8)
        with self.assertRaisesRegex(TypeError, "expected int32, got float64"):
            convert([1.5], np.int32)
        self.assertEqual(convert(np.zeros(0, np.int64), np.int8).shape, (0,))

    def test_numbers_are_no_texts(self):
        model = stator_runtime.Model(BUNDLES["words"], host_functions={"split": lambda *_: [[]]})
        with self.assertRaisesRegex(TypeError, "input x:0: expected str or bytes, got int"):
            model.run({"x": [5]})


class Introspection(unittest.TestCase):
    def test_ports_and_symbols(self):
        log = []
        with open(BUNDLES["chain"], "rb") as f:
            model = stator_runtime.Model(f.read(), verify=True, log=lambda _, m: log.append(m))
        entry = model.entry()
        port = stator_runtime.Port("x:0", np.dtype(np.float32), ("batch",), "float")
        self.assertEqual(entry.inputs[0], port)
        self.assertEqual(entry.outputs[0].name, "out:0")
        self.assertEqual(model.symbols[0], stator_runtime.Symbol("batch", 0, 4096, 1, True, "main"))
        self.assertEqual(model.producer, "test 1")
        self.assertEqual(model.target, "test")
        self.assertIn("made by test 1", log[0])
        plan = model.plan({"x": np.zeros(100), "y": np.zeros(100)})
        self.assertGreaterEqual(plan["planned_bytes"], 400)

    def test_equal_names_in_two_entry_points(self):
        model = stator_runtime.Model(BUNDLES["two_entries"])
        found = [(s.name, s.entry, s.max) for s in model.symbols]
        self.assertEqual(found, [("batch", "small", 8), ("batch", "large", 16)])
        with self.assertRaisesRegex(stator_runtime.StatorError, r"input x:0, dimension 0 \(batch\), must"):
            model.run({"x": np.zeros(9)}, entry="small")
        self.assertEqual(model.run({"x": np.zeros(9)}, entry="large")["y:0"].shape, (9,))

    def test_types_have_names(self):
        for code, name in ((1, "float"), (7, "string"), (14, "bfloat16"), (19, "half")):
            self.assertEqual(stator_runtime._code(name), code)
        info = stator_runtime._PortInfo(name=b"x:0", dtype=14, rank=0)
        port = stator_runtime._port(info)
        self.assertEqual((port.type, port.dtype.itemsize), ("bfloat16", 2))

    def test_statistics(self):
        model = stator_runtime.Model(BUNDLES["chain"], threads=1)
        self.assertEqual(model.stats()["peak_bytes"], 0)
        model.run({"x": np.zeros(100), "y": np.zeros(100)})
        stats = model.stats()
        self.assertEqual((stats["planned_bytes"], stats["peak_bytes"]), (448, 848))
        model.release_memory()
        self.assertEqual(model.stats(), stats)
        model.run({"x": [1], "y": [1]})


class Loading(unittest.TestCase):
    def test_inside_another_file(self):
        with open(BUNDLES["chain"], "rb") as f, tempfile.TemporaryFile() as outer:
            bundle = f.read()
            outer.write(b"x" * 70000 + bundle + b"after")
            outer.flush()
            for source in (outer, outer.fileno()):
                model = stator_runtime.Model(source, offset=70000, size=len(bundle))
                self.assertEqual(model.run({"x": [1], "y": [2]})["out:0"][0], 9)
            with self.assertRaisesRegex(stator_runtime.StatorError, "wrong magic"):
                stator_runtime.Model(outer, offset=4)
            self.assertEqual(stator_runtime.Model(f, threads=1).producer, "test 1")
        with self.assertRaisesRegex(TypeError, "go with a descriptor"):
            stator_runtime.Model(BUNDLES["chain"], offset=1)

    def test_external_weights(self):
        with open(BUNDLES["external"], "rb") as f:
            bundle = f.read()
        with self.assertRaisesRegex(stator_runtime.StatorError, "weights_path"):
            stator_runtime.Model(bundle)
        model = stator_runtime.Model(bundle, weights=BUNDLES["external_weights"])
        np.testing.assert_array_equal(model.state["w"], [0.5, 1.5, 2.5, 3.5])


class Cancelling(unittest.TestCase):
    def test_from_another_thread(self):
        slow = stator_runtime.Model(BUNDLES["slow"])
        cancellation = stator_runtime.Cancellation()
        timer = threading.Timer(0.05, cancellation.cancel)
        timer.start()
        for _ in range(2):  # it stays cancelled
            with self.assertRaises(stator_runtime.StatorError) as caught:
                slow.run(cancellation=cancellation, timeout=60)
            self.assertEqual(caught.exception.code, "Cancelled")
        timer.join()


class ParallelFor(unittest.TestCase):
    X = np.arange(4096, dtype=np.float32)

    def run_with(self, loop):
        model = stator_runtime.Model(BUNDLES["chain"], threads=4, parallel_for=loop)
        out = model.run({"x": self.X, "y": self.X})["out:0"]
        np.testing.assert_array_equal(out, self.X * 6)

    def test_of_an_executor(self):
        with concurrent.futures.ThreadPoolExecutor(3) as executor:
            self.run_with(lambda parts, part: list(executor.map(part, range(parts))))

    def test_each_part_runs_once_whatever_it_does(self):
        self.run_with(lambda parts, part: None)
        self.run_with(lambda parts, part: [part(i) for _ in range(2) for i in range(parts)])

    def test_what_it_raises_is_raised(self):
        calls = []

        def raising(parts, part):
            calls.append(parts)
            part(parts)

        def interrupted(_parts, _part):
            calls.append(0)
            raise KeyboardInterrupt

        for loop, problem in ((raising, IndexError), (interrupted, KeyboardInterrupt)):
            model = stator_runtime.Model(BUNDLES["chain"], threads=4, parallel_for=loop)
            with self.assertRaises(problem):
                model.run({"x": self.X, "y": self.X})
            self.assertGreater(calls.pop(), -1)
            calls.clear()


class State(unittest.TestCase):
    def test_train_read_write(self):
        model = stator_runtime.Model(BUNDLES["train"])
        self.assertEqual(list(model.state), ["w"])
        for step in range(1, 4):
            out = model.run({"g": [1, 2, 3, 4]}, entry="train")["w:0"]
            np.testing.assert_array_equal(out, np.array([1, 2, 3, 4]) * step)
        np.testing.assert_array_equal(model.state["w"], [3, 6, 9, 12])
        np.testing.assert_array_equal(model.run(entry="predict")["y:0"], [30, 60, 90, 120])
        saved = model.state.copy()
        model.state["w"] = [1, 1, 1, 1]
        np.testing.assert_array_equal(model.run(entry="predict")["y:0"], [10, 10, 10, 10])
        np.testing.assert_array_equal(saved["w"], [3, 6, 9, 12])
        other = model.context(state=saved, threads=1)
        np.testing.assert_array_equal(other.run(entry="predict")["y:0"], [30, 60, 90, 120])
        fresh = stator_runtime.State(model)
        np.testing.assert_array_equal(fresh["w"], [0, 0, 0, 0])
        with self.assertRaises(KeyError):
            model.state["v"] = 1
        with self.assertRaisesRegex(stator_runtime.StatorError, r"expected float\[4\]"):
            model.state["w"] = [1]
        with self.assertRaises(KeyError):
            model.run({}, entry="none")
        model.state.update([("w", [5, 6, 7, 8])])
        np.testing.assert_array_equal(model.state["w"], [5, 6, 7, 8])

    def test_variables_and_fixed_weights(self):
        model = stator_runtime.Model(BUNDLES["weights"])
        self.assertEqual(list(model.variables), ["w"])
        self.assertTrue(model.variables["w"].has_initial_value)
        self.assertEqual(model.fixed_weights["bias"].reason, "folded into a constant")
        with self.assertRaisesRegex(stator_runtime.StatorError, "folded into a constant"):
            model.state["bias"] = [1]


class HostFunctions(unittest.TestCase):
    def test_strings(self):
        def split(inputs, attributes):
            self.assertEqual(attributes, b",")
            if not all(inputs[0]):
                raise ValueError("empty text")
            return [[part for text in inputs[0] for part in text.split(attributes)]]

        model = stator_runtime.Model(BUNDLES["words"], host_functions={"split": split})
        out = model.run({"x": ["a,bc", b"def"]})["out:0"]
        self.assertEqual(list(out), [b"def", b"bc", b"a"])
        with self.assertRaisesRegex(stator_runtime.StatorError, "node split: ValueError: empty"):
            model.run({"x": [""]})
        with self.assertRaisesRegex(stator_runtime.StatorError, "split is not registered"):
            stator_runtime.Model(BUNDLES["words"])

    def test_interrupts_end_the_run_and_go_on(self):
        def interrupted(_inputs, _attributes):
            raise KeyboardInterrupt

        model = stator_runtime.Model(BUNDLES["words"], host_functions={"split": interrupted})
        for _ in range(2):
            with self.assertRaises(KeyboardInterrupt):
                model.run({"x": ["a"]})

    def test_coming_back_to_its_own_context_is_refused(self):
        def again(_inputs, _attributes):
            model.run({"x": ["a"]})

        model = stator_runtime.Model(BUNDLES["words"], host_functions={"split": again})
        with self.assertRaisesRegex(stator_runtime.StatorError, "FailedPrecondition"):
            model.run({"x": ["a"]})

    def test_no_results(self):
        model = stator_runtime.Model(BUNDLES["words"], host_functions={"split": lambda *_: [[]]})
        self.assertEqual(model.run({"x": []})["out:0"].shape, (0,))


class Memory(unittest.TestCase):
    def test_goes_with_the_last_reference(self):
        gc.disable()
        try:
            model = stator_runtime.Model(BUNDLES["train"])
            state, context = model.state, model.context(threads=1)
            seen = [weakref.ref(x) for x in (model, model._bundle, context, context._owner)]
            state["w"] = [1, 2, 3, 4]
            model.run(entry="predict")
            del model
            self.assertIsNone(seen[0]())
            context.run(entry="predict")  # it holds what it needs
            del context
            self.assertEqual([x() for x in seen], [None] * 4)
            np.testing.assert_array_equal(state["w"], [1, 2, 3, 4])
        finally:
            gc.enable()


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=1)
