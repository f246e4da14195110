"""Runs Stator bundles (.stb) from Python: this one file, libstator_runtime.so and NumPy.

    model = stator_runtime.Model("digits.stb")
    y = model.run({"x:0": images})["y:0"]      # any batch size that the bundle allows
    model.state["dense/kernel"] = weights      # takes effect with the next run

The library is the one that the variable STATOR_RUNTIME_LIBRARY names, else the one beside this file or
two folders above it (PREFIX/lib, see tools/install.sh), else the system's. Types that NumPy lacks (bfloat16,
8-bit floats) come as ml_dtypes' if that package is installed, else as unsigned integers with the same bits:
`Port.type` tells which they are. Strings are arrays of `bytes` objects.

A bundle is a program: load only what you would execute.
"""

import ctypes
import ctypes.util
import operator
import os
import threading
from collections import namedtuple
from collections.abc import MutableMapping

import numpy as np

__all__ = ["Cancellation", "Context", "Entry", "Model", "Port", "State", "StatorError", "Symbol"]

MAX_RANK = 16
_STRING = 7

try:
    import ml_dtypes as _ml
except ImportError:
    _ml = None


def _wide(name, plain):
    return np.dtype(getattr(_ml, name)) if _ml is not None else np.dtype(plain)


_DTYPES = {
    1: np.dtype(np.float32),
    2: np.dtype(np.float64),
    3: np.dtype(np.int32),
    4: np.dtype(np.uint8),
    5: np.dtype(np.int16),
    6: np.dtype(np.int8),
    7: np.dtype(object),
    8: np.dtype(np.complex64),
    9: np.dtype(np.int64),
    10: np.dtype(np.bool_),
    11: np.dtype(np.int8),
    12: np.dtype(np.uint8),
    13: np.dtype(np.int32),
    14: _wide("bfloat16", np.uint16),
    15: np.dtype(np.int16),
    16: np.dtype(np.uint16),
    17: np.dtype(np.uint16),
    18: np.dtype(np.complex128),
    19: np.dtype(np.float16),
    22: np.dtype(np.uint32),
    23: np.dtype(np.uint64),
    24: _wide("float8_e5m2", np.uint8),
    25: _wide("float8_e4m3fn", np.uint8),
}
# Types whose bits may be given as integers.
_WIDE = {_DTYPES[code] for code in (14, 24, 25)}


class StatorError(RuntimeError):
    """What the runtime refused or failed at. `code` is its name: "InvalidArgument", ..."""

    def __init__(self, code, message):
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


# ---- The structs of stator_runtime.h ----


class _Struct(ctypes.Structure):
    def __init__(self, **fields):
        super().__init__(struct_size=ctypes.sizeof(type(self)), **fields)


def _struct(name, *fields):
    return type(name, (_Struct,), {"_fields_": [("struct_size", ctypes.c_size_t), *fields]})


_int32, _int64, _size = ctypes.c_int32, ctypes.c_int64, ctypes.c_size_t
_text, _pointer = ctypes.c_char_p, ctypes.c_void_p
_dims = [("dims", ctypes.POINTER(_int64)), ("dim_texts", ctypes.POINTER(_text))]

_Error = _struct("_Error", ("code", _int32), ("message", ctypes.c_char * 1024))
_Tensor = _struct(
    "_Tensor",
    ("dtype", _int32),
    ("rank", _int32),
    ("dims", _int64 * MAX_RANK),
    ("data", _pointer),
    ("bytes", _size),
    ("capacity", _size),
)
_HOST = ctypes.CFUNCTYPE(_int32, _pointer, _pointer, ctypes.POINTER(_Error))
_LOG = ctypes.CFUNCTYPE(None, _pointer, _int32, _text)
_HostEntry = _struct("_HostEntry", ("name", _text), ("function", _HOST), ("user", _pointer))
_LoadOptions = _struct(
    "_LoadOptions",
    ("verify", _int32),
    ("num_host_functions", _int32),
    ("host_functions", ctypes.POINTER(_HostEntry)),
    ("log", _LOG),
    ("log_user", _pointer),
    ("weights_path", _text),
)
_ModelInfo = _struct(
    "_ModelInfo",
    ("producer", _text),
    ("target", _text),
    ("arch", _text),
    ("features", _text),
    ("num_entries", _int32),
    ("num_symbols", _int32),
    ("num_variables", _int32),
    ("num_fixed_weights", _int32),
    ("constant_bytes", _int64),
    ("code_bytes", _int64),
)
_EntryInfo = _struct(
    "_EntryInfo",
    ("name", _text),
    ("num_inputs", _int32),
    ("num_outputs", _int32),
    ("num_variables", _int32),
)
_PortInfo = _struct("_PortInfo", ("name", _text), ("dtype", _int32), ("rank", _int32), *_dims)
_VariableInfo = _struct(
    "_VariableInfo",
    ("name", _text),
    ("dtype", _int32),
    ("rank", _int32),
    *_dims,
    ("is_read", _int32),
    ("is_written", _int32),
    ("has_initial_value", _int32),
)
_FixedWeightInfo = _struct("_FixedWeightInfo", ("name", _text), ("reason", _text))
_SymbolInfo = _struct(
    "_SymbolInfo",
    ("name", _text),
    ("min", _int64),
    ("max", _int64),
    ("divisor", _int64),
    ("known_before", _int32),
    ("entry", _int32),
)
_PART = ctypes.CFUNCTYPE(None, _pointer, _int32)
_PARALLEL_FOR = ctypes.CFUNCTYPE(None, _pointer, _int32, _PART, _pointer)
_ContextOptions = _struct(
    "_ContextOptions",
    ("threads", _int32),
    ("parallel_for", _PARALLEL_FOR),
    ("parallel_for_user", _pointer),
    ("memory_budget", _int64),
    ("allocate", _pointer),
    ("allocate_user", _pointer),
)
_RunOptions = _struct(
    "_RunOptions", ("timeout_ns", _int64), ("cancellation", _pointer), ("max_threads", _int32)
)
_MemoryPlan = _struct(
    "_MemoryPlan",
    ("planned_bytes", _int64),
    ("lower_bound", _int64),
    ("scratch_bytes", _int64),
    ("persistent_bytes", _int64),
)
_RunStats = _struct(
    "_RunStats",
    ("planned_bytes", _int64),
    ("lower_bound", _int64),
    ("scratch_bytes", _int64),
    ("peak_bytes", _int64),
)


class _String(ctypes.Structure):
    _fields_ = [("data", _pointer), ("size", _size)]


def _load_library():
    here = os.path.dirname(os.path.abspath(__file__))
    names = [os.environ.get("STATOR_RUNTIME_LIBRARY")]
    folders = [here, os.path.join(here, "..", "..")]
    names += [os.path.join(f, n) for f in folders for n in ("libstator_runtime.so.0", "libstator_runtime.so")]
    names = [n for n in names if n and os.path.exists(n)]
    names += [n for n in (ctypes.util.find_library("stator_runtime"), "libstator_runtime.so.0") if n]
    lib = ctypes.CDLL(names[0])
    for name in ("stator_code_name", "stator_dtype_name", "stator_state_variable_name"):
        getattr(lib, name).restype = _text
    for name in ("stator_context_state", "stator_cancellation_create"):
        getattr(lib, name).restype = _pointer
    lib.stator_call_attributes.restype = _String
    for name in ("model", "state", "context", "cancellation"):
        function = getattr(lib, f"stator_{name}_destroy")
        function.restype, function.argtypes = None, [_pointer]
    lib.stator_cancellation_cancel.argtypes = [_pointer]
    return lib


_lib = None
_lib_lock = threading.Lock()
# What a callback raised on this thread: not every exception is an error of the run.
_raised = threading.local()


def _library():
    global _lib
    with _lib_lock:
        if _lib is None:
            _lib = _load_library()
    return _lib


def _call(name, *arguments):
    """Calls a function that takes a stator_error last; raises StatorError."""
    lib = _library()
    error = _Error()
    code = getattr(lib, name)(*arguments, ctypes.byref(error))
    problem, _raised.problem = getattr(_raised, "problem", None), None
    if problem is not None:
        raise problem
    if code != 0:
        text = error.message.decode("utf-8", "replace")
        raise StatorError(lib.stator_code_name(code).decode(), text)


def _size_of(tensor):
    n = 1
    for i in range(tensor.rank):
        n *= tensor.dims[i]
    return n


def _to_array(tensor):
    """A copy of what a stator_tensor holds."""
    shape = tuple(tensor.dims[: tensor.rank])
    if tensor.dtype == _STRING:
        out = np.empty(_size_of(tensor), dtype=object)
        strings = ctypes.cast(tensor.data, ctypes.POINTER(_String))
        for i in range(out.size):
            s = strings[i]
            out[i] = ctypes.string_at(s.data, s.size) if s.size else b""
        return out.reshape(shape)
    out = np.empty(shape, dtype=_DTYPES[tensor.dtype])
    if out.nbytes:
        ctypes.memmove(out.ctypes.data, tensor.data, out.nbytes)
    return out


def _as_bytes(what, value):
    if not isinstance(value, (str, bytes)):
        raise TypeError(f"{what}: expected str or bytes, got {type(value).__name__}")
    return value.encode() if isinstance(value, str) else value


def _convert(what, array, wanted):
    """The array with elements of another type; raises rather than change what they say."""
    if array.dtype == wanted:
        return array
    if array.dtype in (np.uint8, np.uint16) and wanted in _WIDE and array.itemsize == wanted.itemsize:
        return np.ascontiguousarray(array).view(wanted)  # their bits
    if array.dtype.kind in "iu" and wanted.kind in "iu":
        limits = np.iinfo(wanted)
        if array.size and (array.min() < limits.min or array.max() > limits.max):
            raise ValueError(f"{what}: {wanted} holds {limits.min} to {limits.max}, "
                             f"got {array.min()} to {array.max()}")  # fmt: skip
    elif not np.can_cast(array.dtype, wanted, "same_kind"):
        raise TypeError(f"{what}: expected {wanted}, got {array.dtype}")
    return array.astype(wanted)


def _to_tensor(what, value, dtype):
    """A stator_tensor over `value`, and what must stay alive with it."""
    tensor = _Tensor(dtype=dtype)
    wanted = _DTYPES[dtype]
    if dtype == _STRING:
        array = np.asarray(value, dtype=object)
        texts = [_as_bytes(what, v) for v in array.ravel()]
        keep = (_String * max(len(texts), 1))()
        for i, text in enumerate(texts):
            keep[i] = _String(ctypes.cast(ctypes.c_char_p(text), _pointer), len(text))
        tensor.data = ctypes.addressof(keep)
        keep = (keep, texts)
    else:
        array = _convert(what, np.asarray(value), wanted)
        array = np.ascontiguousarray(array).reshape(array.shape)
        tensor.data = array.ctypes.data
        keep = array
    if array.ndim > MAX_RANK:
        raise ValueError(f"{what}: {array.ndim} dimensions, at most {MAX_RANK} are possible")
    tensor.rank = array.ndim
    for i, n in enumerate(array.shape):
        tensor.dims[i] = n
    return tensor, keep


# ---- What a bundle says of itself ----

Port = namedtuple("Port", "name dtype dims type")
Port.__doc__ = """An input or output. dims are numbers, or texts such as 'batch' or '(batch * 4)'. dtype is
NumPy's, `type` the name of what the elements mean: "float", "bfloat16", "string", ..."""
Symbol = namedtuple("Symbol", "name min max divisor known_before entry")
Symbol.__doc__ = """A size that is no constant. `known_before`: the inputs' sizes give it. `entry`: name of the
entry point that it belongs to; None: to several."""
Entry = namedtuple("Entry", "index name inputs outputs")
Variable = namedtuple("Variable", "name dtype dims type is_read is_written has_initial_value")
FixedWeight = namedtuple("FixedWeight", "name reason")
FixedWeight.__doc__ = "A weight that is compiled in, so that no state holds it."


def _port(info):
    dims = tuple(
        info.dims[i] if info.dims[i] >= 0 else info.dim_texts[i].decode() for i in range(info.rank)
    )
    type_name = _library().stator_dtype_name(info.dtype).decode()
    return Port(info.name.decode(), _DTYPES[info.dtype], dims, type_name)


def _code(type_name):
    """The library's number of a type."""
    lib = _library()
    return next(c for c in _DTYPES if lib.stator_dtype_name(c).decode() == type_name)


class _Handle:
    """Owns a handle of the library."""

    def __init__(self, kind):
        self._kind = kind
        self._handle = _pointer()

    def __del__(self):
        if getattr(self, "_handle", None) and _lib is not None:
            getattr(_lib, f"stator_{self._kind}_destroy")(self._handle)


def _host_function(name, function):
    """`function(inputs, attributes)` as the library calls it: arrays and bytes in, arrays out."""

    def read(call, index):
        tensor = _Tensor()
        _call("stator_call_input", call, _int32(index), ctypes.byref(tensor))
        if tensor.dtype != _STRING:
            return _to_array(tensor)
        out = np.empty(_size_of(tensor), dtype=object)
        for i in range(out.size):
            s = _String()
            _call("stator_call_input_string", call, _int32(index), _int64(i), ctypes.byref(s))
            out[i] = ctypes.string_at(s.data, s.size) if s.size else b""
        return out.reshape(tuple(tensor.dims[: tensor.rank]))

    def write(call, index, value):
        out = _Tensor()
        _call("stator_call_output", call, _int32(index), ctypes.byref(out))
        tensor, keep = _to_tensor(f"{name}: output {index}", value, out.dtype)
        dims = (_int64 * MAX_RANK)(*tensor.dims)
        if out.rank < 0:
            _call("stator_call_allocate_output", call, _int32(index), tensor.rank, dims,
                  ctypes.byref(out))  # fmt: skip
        if list(out.dims[: out.rank]) != list(tensor.dims[: tensor.rank]):
            raise ValueError(f"output {index}: expected shape {list(out.dims[: out.rank])}")
        if out.dtype != _STRING:
            ctypes.memmove(out.data, tensor.data, keep.nbytes)
            return
        for i, text in enumerate(keep[1]):
            _call("stator_call_set_output_string",
                  call, _int32(index), _int64(i), text, _size(len(text)))  # fmt: skip

    def run(_, call, error):
        try:
            call = _pointer(call)
            lib = _library()
            attributes = lib.stator_call_attributes(call)
            inputs = [read(call, i) for i in range(lib.stator_call_num_inputs(call))]
            text = ctypes.string_at(attributes.data, attributes.size) if attributes.size else b""
            outputs = function(inputs, text)
            for i in range(lib.stator_call_num_outputs(call)):
                write(call, i, outputs[i])
            return 0
        except BaseException as problem:  # pylint: disable=broad-except
            # Nothing may be raised through the library; what is no error (KeyboardInterrupt,
            # SystemExit) ends the run and goes on where the run was started.
            error[0].message = f"{type(problem).__name__}: {problem}".encode()[:1023]
            if isinstance(problem, Exception):
                return 2  # STATOR_UNKNOWN
            _raised.problem = problem
            return 1  # STATOR_CANCELLED

    return _HOST(run)


def _parallel_for(function):
    """`function(parts, part)` as the library calls it. Whatever it does, each part runs once."""

    def run(_, parts, part, context):
        changed = threading.Condition()
        begun, finished = set(), set()

        def once(i):
            i = operator.index(i)
            if not 0 <= i < parts:
                raise IndexError(f"part {i} of {parts}")
            with changed:
                if i in begun:
                    return
                begun.add(i)
            try:
                part(context, i)
            finally:
                with changed:
                    finished.add(i)
                    changed.notify_all()

        try:
            function(parts, once)
        except BaseException as problem:  # pylint: disable=broad-except
            _raised.problem = problem  # for the caller of the run, which ends first
        for i in range(parts):
            once(i)
        with changed:
            changed.wait_for(lambda: len(finished) == parts)

    return _PARALLEL_FOR(run)


class _Bundle(_Handle):
    """A loaded model and what it says of itself."""

    def __init__(self, source, verify, host_functions, log, offset, size, weights):
        super().__init__("model")
        named = [(n, _host_function(n, f)) for n, f in (host_functions or {}).items()]
        self._callbacks = [f for _, f in named]
        entries = (_HostEntry * max(len(named), 1))()
        for entry, (name, function) in zip(entries, named):
            entry.__init__(name=name.encode(), function=function)
        options = _LoadOptions(verify=int(verify), num_host_functions=len(named))
        options.host_functions = entries
        if weights is not None:
            options.weights_path = os.fsencode(weights)
        if log is not None:
            options.log = _LOG(lambda _, level, text: log(level, text.decode("utf-8", "replace")))
            self._callbacks.append(options.log)
        out = ctypes.byref(self._handle)
        if hasattr(source, "fileno"):
            source = source.fileno()
        if not isinstance(source, int) and (offset != 0 or size != 0):
            raise TypeError("offset and size go with a descriptor or an open file")
        if isinstance(source, (bytes, bytearray, memoryview)):
            data = bytes(source)
            _call("stator_model_load_memory", data, _size(len(data)), ctypes.byref(options), out)
        elif isinstance(source, int):
            where = (ctypes.c_int(source), ctypes.c_uint64(offset), ctypes.c_uint64(size))
            _call("stator_model_load_fd", *where, ctypes.byref(options), out)
        else:
            path = os.fsencode(source)
            _call("stator_model_load_file", path, ctypes.byref(options), out)
        self._describe()

    def _describe(self):
        info = _ModelInfo()
        _call("stator_model_get_info", self._handle, ctypes.byref(info))
        self.producer = info.producer.decode()
        self.target = info.target.decode()
        self.arch, self.features = info.arch.decode(), info.features.decode().split()
        self.constant_bytes, self.code_bytes = info.constant_bytes, info.code_bytes
        self.variables, self.fixed_weights = {}, {}
        for i in range(info.num_variables):
            v = _VariableInfo()
            _call("stator_model_get_variable", self._handle, -1, i, ctypes.byref(v))
            flags = (bool(f) for f in (v.is_read, v.is_written, v.has_initial_value))
            self.variables[v.name.decode()] = Variable(*_port(v), *flags)
        for i in range(info.num_fixed_weights):
            w = _FixedWeightInfo()
            _call("stator_model_get_fixed_weight", self._handle, i, ctypes.byref(w))
            self.fixed_weights[w.name.decode()] = FixedWeight(w.name.decode(), w.reason.decode())
        self.entries = {}
        for i in range(info.num_entries):
            e = _EntryInfo()
            _call("stator_model_get_entry", self._handle, i, ctypes.byref(e))
            ports = {"input": [], "output": []}
            for kind, count in (("input", e.num_inputs), ("output", e.num_outputs)):
                for k in range(count):
                    p = _PortInfo()
                    _call(f"stator_model_get_{kind}", self._handle, i, k, ctypes.byref(p))
                    ports[kind].append(_port(p))
            entry = Entry(i, e.name.decode(), ports["input"], ports["output"])
            self.entries[entry.name] = entry
        names = list(self.entries)
        self.symbols = []
        for i in range(info.num_symbols):
            s = _SymbolInfo()
            _call("stator_model_get_symbol", self._handle, i, ctypes.byref(s))
            entry = names[s.entry] if s.entry >= 0 else None
            self.symbols.append(
                Symbol(s.name.decode(), s.min, s.max, s.divisor, bool(s.known_before), entry))  # fmt: skip

    def entry(self, name):
        if name is None:
            name = next(iter(self.entries)) if len(self.entries) == 1 else "main"
        if name not in self.entries:
            raise KeyError(f"no entry point {name!r}; there are {', '.join(self.entries)}")
        return self.entries[name]


class Model:
    """A loaded bundle with a context to run it in. Threads may share it; they take turns, unless each
    makes a context of its own.

    source: a path, the bytes of a bundle, or an open file (or its descriptor) that holds one, `size` bytes
      (0: to its end) from `offset` on.
    weights: path of a bundle's external weights, where it is not SOURCE.weights.
    threads: that compute; 0: as many as the process may use.
    verify: check the hashes of all constants too.
    host_functions: name -> function(inputs, attributes) -> outputs, for bundles that ask for them.
    log: function(level, message).
    parallel_for: see Context.
    """

    # Contexts and states hold the bundle, not the model: no object holds one that holds it, so all
    # memory goes with the last reference.

    def __init__(self, source, *, threads=0, memory_budget=0, verify=False, host_functions=None,
                 log=None, parallel_for=None, offset=0, size=0, weights=None):  # fmt: skip
        self._bundle = _Bundle(source, verify, host_functions, log, offset, size, weights)
        for name in ("producer", "target", "arch", "features", "constant_bytes", "code_bytes", "symbols",
                     "entries", "variables", "fixed_weights"):  # fmt: skip
            setattr(self, name, getattr(self._bundle, name))
        self._context = Context(
            self, threads=threads, memory_budget=memory_budget, parallel_for=parallel_for)  # fmt: skip

    def entry(self, name=None):
        """The entry point of this name; None: the only one, or "main"."""
        return self._bundle.entry(name)

    @property
    def state(self):
        """The variables, by name: reads give copies, writes take effect with the next run."""
        return self._context.state

    def run(self, inputs=None, entry=None, timeout=None, cancellation=None):
        """See Context.run."""
        return self._context.run(inputs, entry, timeout, cancellation)

    def plan(self, inputs=None, entry=None):
        """See Context.plan."""
        return self._context.plan(inputs, entry)

    def stats(self, entry=None):
        """See Context.stats."""
        return self._context.stats(entry)

    def release_memory(self):
        """See Context.release_memory."""
        self._context.release_memory()

    def context(self, **options):
        """Another context: Context(self, **options)."""
        return Context(self, **options)


class Cancellation(_Handle):
    """Stops the runs that were given it, from any thread. Once cancelled it stays so."""

    def __init__(self):
        super().__init__("cancellation")
        self._handle = _pointer(_library().stator_cancellation_create())
        if not self._handle:
            raise MemoryError

    def cancel(self):
        _library().stator_cancellation_cancel(self._handle)


class Context:
    """Runs a model with memory and threads of its own. `state`: a State to share; None: a new one.

    parallel_for: function(parts, part) that calls part(i) for each i in range(parts), on any threads, and
    returns when all have returned; in place of threads of its own, of which there are `threads` at most. Such as
    `lambda parts, part: list(executor.map(part, range(parts)))`.
    """

    def __init__(self, model, *, state=None, threads=0, memory_budget=0, parallel_for=None):
        self._bundle = model._bundle
        self._owner = _Handle("context")
        self._handle = self._owner._handle
        # A host function may come back to its own context, which then refuses.
        self._lock = threading.RLock()
        options = _ContextOptions(threads=threads, memory_budget=memory_budget)
        if parallel_for is not None:
            # The handle's, so that it lives as long.
            self._owner.callback = options.parallel_for = _parallel_for(parallel_for)
        _call("stator_context_create", self._bundle._handle, None if state is None else state._handle,
              ctypes.byref(options), ctypes.byref(self._handle))  # fmt: skip
        if state is None:
            handle = _pointer(_library().stator_context_state(self._handle))
            state = State(handle, self._owner, (self._bundle.variables, self._bundle.fixed_weights))
        self.state = state

    def _bind(self, entry, inputs):
        given = {} if inputs is None else dict(inputs)
        tensors = (_Tensor * max(len(entry.inputs), 1))()
        keep = []
        for i, port in enumerate(entry.inputs):
            name = port.name
            if name not in given and name.endswith(":0"):
                name = name[:-2]
            if name not in given:
                raise KeyError(f"input {port.name} is missing")
            tensor, kept = _to_tensor(f"input {port.name}", given.pop(name), _code(port.type))
            tensors[i] = tensor
            keep.append(kept)
        if given:
            raise KeyError(f"no such inputs: {', '.join(map(str, given))}")
        return tensors, keep

    def run(self, inputs=None, entry=None, timeout=None, cancellation=None):
        """Runs an entry point. inputs: name -> array ("x" is short for "x:0"). Gives name -> array.
        timeout: seconds, after which it fails. cancellation: a Cancellation, for other threads to stop it."""
        entry = self._bundle.entry(entry)
        tensors, keep = self._bind(entry, inputs)
        outputs = (_Tensor * max(len(entry.outputs), 1))()
        for output in outputs:
            output.__init__()
        options = _RunOptions(timeout_ns=0 if timeout is None else max(int(timeout * 1e9), 1))
        if cancellation is not None:
            options.cancellation = cancellation._handle
        with self._lock:
            _call("stator_context_run", self._handle, entry.index, tensors, len(entry.inputs),
                  outputs, len(entry.outputs), ctypes.byref(options))  # fmt: skip
            results = [_to_array(o) for o in outputs[: len(entry.outputs)]]
        del keep
        return {p.name: r for p, r in zip(entry.outputs, results)}

    def plan(self, inputs=None, entry=None):
        """The memory that a run with such inputs needs, in bytes, by purpose."""
        entry = self._bundle.entry(entry)
        tensors, keep = self._bind(entry, inputs)
        plan = _MemoryPlan()
        with self._lock:
            _call("stator_context_plan", self._handle, entry.index, tensors, len(entry.inputs),
                  None, 0, ctypes.byref(plan))  # fmt: skip
        del keep
        return {name: getattr(plan, name) for name, _ in _MemoryPlan._fields_[1:]}

    def stats(self, entry=None):
        """What the last run of the entry point needed, in bytes, by purpose; zeros before the first."""
        stats = _RunStats()
        with self._lock:
            _call("stator_context_get_stats", self._handle, self._bundle.entry(entry).index,
                  ctypes.byref(stats))  # fmt: skip
        return {name: getattr(stats, name) for name, _ in _RunStats._fields_[1:]}

    def release_memory(self):
        """Gives back what is kept from run to run; the next run makes it anew."""
        with self._lock:
            _call("stator_context_release_memory", self._handle)


class State(MutableMapping):
    """Variables by name, as a dict: made from a model, or the one of a context."""

    def __init__(self, source, owner=None, known=None):
        if isinstance(source, Model):
            owner, known = _Handle("state"), (source.variables, source.fixed_weights)
            _call("stator_state_create", source._bundle._handle, ctypes.byref(owner._handle))
            source = owner._handle
        self._handle = source
        self._owner = owner  # keeps the handle alive
        self._known = known  # not the bundle, whose memory a state does not need

    def copy(self):
        """An independent state with the same values; memory is shared until one changes."""
        owner = _Handle("state")
        _call("stator_state_copy", self._handle, ctypes.byref(owner._handle))
        return State(owner._handle, owner, self._known)

    def __iter__(self):
        lib = _library()
        for i in range(len(self)):
            yield lib.stator_state_variable_name(self._handle, i).decode()

    def __len__(self):
        return _library().stator_state_num_variables(self._handle)

    def __contains__(self, name):
        return name in list(self)

    def __getitem__(self, name):
        if name not in self:
            raise KeyError(name)
        tensor = _Tensor()
        _call("stator_state_read", self._handle, name.encode(), ctypes.byref(tensor))
        out = np.empty(tuple(tensor.dims[: tensor.rank]), dtype=_DTYPES[tensor.dtype])
        if out.nbytes:
            tensor.data, tensor.capacity = out.ctypes.data, out.nbytes
            _call("stator_state_read", self._handle, name.encode(), ctypes.byref(tensor))
        return out

    def __setitem__(self, name, value):
        self.update({name: value})

    def update(self, *values, **more):
        """Sets several at once: no run sees a part of them."""
        values = dict(*values, **more)
        variables, fixed_weights = self._known
        for name in values:
            if name not in self and name not in fixed_weights:
                raise KeyError(name)
        tensors = (_Tensor * max(len(values), 1))()
        names = (_text * max(len(values), 1))()
        keep = []
        for i, (name, value) in enumerate(values.items()):
            names[i] = name.encode()
            # Uninitialized ones have a type too; of fixed weights the library says why not.
            dtype = _code(variables[name].type) if name in variables else 1
            tensors[i], kept = _to_tensor(f"variable {name}", value, dtype)
            keep.append(kept)
        _call("stator_state_write_all", self._handle, len(values), names, tensors)

    def __delitem__(self, name):
        raise TypeError("variables of a bundle cannot be removed")
