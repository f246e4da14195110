#include "tests/differential/graph_generator.h"

#include <algorithm>
#include <array>

#include "absl/strings/str_cat.h"
#include "graph/function_builder.h"

namespace stator::tests {
namespace {

using graph::Input;

// Sizes by name, so that tensors of equal sizes can be found: a number, or one of the unknowns.
constexpr int kBatch = -1, kLength = -2;
using Dims = std::vector<int>;

struct Sized {
  Output output;
  Dims dims;
};

AttrValue Bool(bool value) { return graph::ToAttr(value); }

DType RuntimeType(DataType dtype) { return static_cast<DType>(dtype); }

class Generator {
 public:
  explicit Generator(uint64_t seed) : random_(seed), scope_(NewScope()) {}

  GeneratedGraph Generate() {
    const DataType dtypes[] = {DT_FLOAT, DT_FLOAT, DT_FLOAT, DT_DOUBLE, DT_INT32};
    dtype_ = dtypes[random_.Below(5)];
    const int feeds = 2 + Below(2);
    for (int i = 0; i < feeds; ++i) AddFeed();
    if (Below(3) == 0 && IsFloat()) AddVariable();
    with_gradients_ = IsFloat() && Below(3) == 0;
    const int nodes = 4 + Below(12);
    for (int i = 0; i < nodes; ++i) AddNode();
    GraphProgram program;
    for (const Sized& feed : feeds_) program.feeds.push_back(feed.output.name());
    if (trips_.valid()) program.feeds.push_back(trips_.name());
    // The newest values, so that most of the graph is needed; a feed cannot be fetched.
    const std::vector<Sized> made(values_.begin() + feeds, values_.end());
    if (made.empty()) program.fetches = {Op(scope_, "Neg", {feeds_[0].output}).name()};
    const size_t fetches = std::min<size_t>(made.size(), 1 + Below(3));
    for (size_t i = 0; i < fetches; ++i) {
      program.fetches.push_back(made[made.size() - 1 - i * 2 % made.size()].output.name());
    }
    if (with_gradients_) AddGradients(&program);
    if (update_.valid()) program.targets.push_back(update_.node().name());
    std::vector<RunInput> runs;
    for (auto [batch, length, trips] : {std::array{3, 5, 2}, {32, 17, 0}, {1, 2, 5}, {257, 1, 1}}) {
      runs.push_back(MakeRun(batch, length, trips));
    }
    GeneratedGraph result{scope_, MakeProgram(scope_, program, std::move(runs)),
                          TextOf(scope_.graph())};
    return result;
  }

 private:
  int Below(int n) { return static_cast<int>(random_.Below(n)); }
  bool IsFloat() const { return dtype_ != DT_INT32; }
  // Prefers what was made last: graphs grow deep rather than wide.
  const Sized& Recent() {
    const int count = std::min<int>(static_cast<int>(values_.size()), 4);
    return values_[values_.size() - 1 - Below(count)];
  }

  void Keep(const Output& output, Dims dims) {
    if (output.valid()) values_.push_back({output, std::move(dims)});
  }

  void AddFeed() {
    static const std::vector<Dims> kShapes = {{kBatch, 4},
                                              {kBatch, kLength},
                                              {kBatch},
                                              {kBatch, 3, 4},
                                              {4},
                                              {kLength, 4},
                                              {kBatch, kLength, 4},
                                              {6, 4},
                                              {}};
    const Dims dims = kShapes[Below(static_cast<int>(kShapes.size()))];
    std::vector<int64_t> sizes;
    for (int d : dims) sizes.push_back(d < 0 ? -1 : d);
    const Output feed = tests::Placeholder(scope_, dtype_, sizes);
    feeds_.push_back({feed, dims});
    values_.push_back({feed, dims});
  }

  void AddVariable() {
    const Output handle = tests::Variable(scope_, "v", dtype_, {4});
    const std::pair<std::string, AttrValue> dtype{"dtype", graph::ToAttr(dtype_)};
    const Output value = Op(scope_, "ReadVariableOp", {handle}, {dtype});
    Keep(value, {4});
    update_ = graph::NodeBuilder(scope_, Below(2) ? "AssignAddVariableOp" : "AssignSubVariableOp")
                  .Input(handle)
                  .Input(Op(scope_, "Tanh", {value}))
                  .Attr("dtype", dtype_)
                  .Finalize();
    const Scope after = scope_.WithControlDependencies({update_});
    Keep(Op(after, "ReadVariableOp", {handle}, {dtype}), {4});
    has_variable_ = true;
  }

  void AddNode() {
    switch (Below(12)) {
      case 0:
      case 1:
        return Unary();
      case 2:
      case 3:
      case 4:
        return Binary();
      case 10:
        return Branch();
      case 11:
        return Loop();
      case 5:
      case 6:
        return Move();
      case 7:
        return Reduce();
      case 8:
        return Contract();
      default:
        return Choose();
    }
  }

  const std::string& Pick(const std::vector<std::string>& ops) {
    return ops[static_cast<size_t>(Below(static_cast<int>(ops.size())))];
  }
  const std::string& UnaryOp() {
    static const std::vector<std::string> kFloat = {
        "Tanh", "Relu", "Sigmoid", "Neg",  "Square", "Abs",  "Erf",   "Floor", "Softplus",
        "Sin",  "Cos",  "Elu",     "Sign", "Rint",   "Atan", "Relu6", "Expm1"};
    static const std::vector<std::string> kInteger = {"Neg", "Abs", "Square", "Sign", "Relu"};
    return Pick(IsFloat() ? kFloat : kInteger);
  }
  const std::string& BinaryOp() {
    static const std::vector<std::string> kFloat = {
        "AddV2", "Sub", "Mul", "Maximum", "Minimum", "SquaredDifference", "RealDiv"};
    static const std::vector<std::string> kInteger = {"AddV2", "Sub", "Mul", "Maximum", "Minimum"};
    return Pick(IsFloat() ? kFloat : kInteger);
  }
  // The op on x, kept away from what would overflow soon.
  static Output SafeUnary(const Scope& scope, const std::string& op, const Output& x) {
    return Op(scope, op, {op == "Expm1" ? Op(scope, "Tanh", {x}) : x});
  }
  static Output SafeBinary(const Scope& scope, const std::string& op, const Input& x,
                           const Output& y) {
    if (op != "RealDiv") return Op(scope, op, {x, y});
    return Op(scope, op, {x, Op(scope, "AddV2", {Op(scope, "Abs", {y}), 0.5})});
  }

  void Unary() {
    const Sized x = Recent();
    Keep(SafeUnary(scope_, UnaryOp(), x.output), x.dims);
  }

  Output Same(const Sized& x) {
    std::vector<Output> same;
    for (const Sized& v : values_) {
      if (v.dims == x.dims) same.push_back(v.output);
    }
    return same[Below(static_cast<int>(same.size()))];
  }

  // Another value of the same size, one row of it, or a number.
  Input Partner(const Sized& x) {
    std::vector<Output> rows;
    for (const Sized& v : values_) {
      if (!x.dims.empty() && v.dims == Dims{x.dims.back()} && x.dims.back() > 0) {
        rows.push_back(v.output);
      }
    }
    const int choice = Below(4);
    if (choice == 0 && !rows.empty()) return rows[Below(static_cast<int>(rows.size()))];
    if (choice == 1) return IsFloat() ? Input(0.75) : Input(3);
    return Same(x);
  }

  void Binary() {
    const Sized x = Recent();
    const std::string op = BinaryOp();
    if (op == "RealDiv" || Below(2)) {
      return Keep(SafeBinary(scope_, op, Partner(x), x.output), x.dims);
    }
    Keep(Op(scope_, op, {x.output, Partner(x)}), x.dims);
  }

  // A number of iterations, fed: what branches and loops depend on.
  const Output& Trips() {
    if (!trips_.valid()) trips_ = tests::Placeholder(scope_, DT_INT32, {});
    return trips_;
  }

  // What goes along with x into a branch or loop. Loops that change sizes have no gradients, so it
  // is of x then: other unknowns could have another size.
  Output Companion(const Sized& x) {
    return with_gradients_ || Below(2) ? SafeUnary(scope_, UnaryOp(), x.output) : Same(x);
  }

  // A few ops of one size on both values.
  Output Body(const Scope& scope, const Output& a, const Output& b) {
    Output y = a;
    for (int i = Below(3); i >= 0; --i) {
      y = Below(2) ? SafeUnary(scope, UnaryOp(), y) : SafeBinary(scope, BinaryOp(), b, y);
    }
    return y;
  }

  NameAttrList BranchFunction(const std::string& name) {
    graph::FunctionBuilder function(scope_, name);
    const Output a = function.Arg("a", dtype_), b = function.Arg("b", dtype_);
    return function.Finish({Body(function.scope(), a, b), Below(3) ? a : b});
  }

  void Branch() {
    const Sized x = Recent();
    const Output y = Companion(x);
    const graph::Operation branch = graph::NodeBuilder(scope_, "StatelessIf")
                                        .Input(Op(scope_, "Less", {Trips(), 1 + Below(4)}))
                                        .InputList({x.output, y})
                                        .Attr("Tout", std::vector<DataType>{dtype_, dtype_})
                                        .Attr("then_branch", BranchFunction("then"))
                                        .Attr("else_branch", BranchFunction("else"))
                                        .Finalize();
    Keep(branch.output(1), x.dims);
    Keep(branch.output(0), x.dims);
  }

  // Count, limit and two values: as TensorFlow writes loops, all that they use is carried.
  std::array<Output, 4> LoopArgs(graph::FunctionBuilder& function) {
    return {function.Arg("i", DT_INT32), function.Arg("n", DT_INT32), function.Arg("a", dtype_),
            function.Arg("b", dtype_)};
  }

  void Loop() {
    const Sized x = Recent();
    const Output y = Companion(x);
    graph::FunctionBuilder cond(scope_, "cond"), body(scope_, "body");
    const std::array<Output, 4> c = LoopArgs(cond), v = LoopArgs(body);
    const Scope& s = body.scope();
    const Output count = Op(s, "AddV2", {v[0], 1});
    // Bounded, whatever the ops do.
    const Output next = Op(s, IsFloat() ? "Tanh" : "Sign", {Body(s, v[2], v[3])});
    const NameAttrList more = cond.Finish({Op(cond.scope(), "Less", {c[0], c[1]})});
    const NameAttrList once =
        Below(2) ? body.Finish({count, v[1], v[3], next}) : body.Finish({count, v[1], next, v[3]});
    const graph::Operation loop =
        graph::NodeBuilder(scope_, "StatelessWhile")
            .InputList({0, Trips(), x.output, y})
            .Attr("T", std::vector<DataType>{DT_INT32, DT_INT32, dtype_, dtype_})
            .Attr("cond", more)
            .Attr("body", once)
            .Finalize();
    Keep(loop.output(3), x.dims);
    Keep(loop.output(2), x.dims);
  }

  void Move() {
    const Sized x = Recent();
    const int rank = static_cast<int>(x.dims.size());
    switch (Below(6)) {
      case 0: {
        if (rank < 2) return;
        std::vector<int> order(rank);
        for (int i = 0; i < rank; ++i) order[i] = i;
        for (int i = rank - 1; i > 0; --i) std::swap(order[i], order[Below(i + 1)]);
        Dims dims;
        for (int axis : order) dims.push_back(x.dims[axis]);
        return Keep(Op(scope_, "Transpose", {x.output, order}), dims);
      }
      case 1: {
        if (rank == 0 || x.dims.back() < 2) return;
        const int from = Below(x.dims.back() - 1), size = 1 + Below(x.dims.back() - from);
        std::vector<int> begin(rank, 0), sizes(rank, -1);
        begin.back() = from;
        sizes.back() = size;
        Dims dims = x.dims;
        dims.back() = size;
        return Keep(Op(scope_, "Slice", {x.output, begin, sizes}), dims);
      }
      case 2: {
        if (rank == 0 || x.dims.back() < 1) return;
        Dims dims = x.dims;
        dims.back() *= 2;
        if (dims.back() > 64) return;
        const Output other = Same(x);
        return Keep(OpOfList(scope_, "ConcatV2", {x.output, other}, {rank - 1}), dims);
      }
      case 3: {
        const int axis = Below(rank + 1);
        Dims dims = x.dims;
        if (rank > 4) return;
        dims.insert(dims.begin() + axis, 1);
        return Keep(Op(scope_, "ExpandDims", {x.output, axis}), dims);
      }
      case 4: {
        // All but the last dimension become one; what the product is called is not known.
        if (rank < 2 || x.dims.back() < 1) return;
        for (int d : x.dims) {
          if (d < 1) return;
        }
        int product = 1;
        for (int i = 0; i + 1 < rank; ++i) product *= x.dims[i];
        return Keep(Op(scope_, "Reshape", {x.output, std::vector<int>{-1, x.dims.back()}}),
                    {product, x.dims.back()});
      }
      default: {
        if (rank == 0 || x.dims.back() < 1) return;
        const std::vector<int> picks = {0, x.dims.back() - 1, x.dims.back() / 2};
        Dims dims = x.dims;
        dims.back() = 3;
        return Keep(Op(scope_, "GatherV2", {x.output, picks, rank - 1}), dims);
      }
    }
  }

  void Reduce() {
    const Sized x = Recent();
    const int rank = static_cast<int>(x.dims.size());
    if (rank == 0) return;
    if (IsFloat() && Below(4) == 0 && rank == 2) {
      return Keep(Op(scope_, Below(2) ? "Softmax" : "LogSoftmax", {x.output}), x.dims);
    }
    static const std::vector<std::string> kFloat = {"Sum", "Mean", "Max", "Min"};
    static const std::vector<std::string> kInteger = {"Sum", "Max", "Min"};
    const bool keep = Below(2);
    std::vector<int> axes;
    Dims dims;
    const int chosen = Below(rank);
    for (int i = 0; i < rank; ++i) {
      if (i == chosen || Below(3) == 0) {
        axes.push_back(i);
        if (keep) dims.push_back(1);
      } else {
        dims.push_back(x.dims[i]);
      }
    }
    Keep(Op(scope_, Pick(IsFloat() ? kFloat : kInteger), {x.output, axes},
            {{"keep_dims", Bool(keep)}}),
         dims);
  }

  void Contract() {
    const Sized x = Recent();
    if (x.dims.size() != 2 || x.dims[1] < 1) return;
    const int width = 1 + Below(20);
    std::vector<float> weights;
    for (int i = 0; i < x.dims[1] * width; ++i) {
      weights.push_back(static_cast<float>(random_.Below(17) - 8) / 8);
    }
    const bool transposed = Below(2);
    Output matrix = Op(scope_, "Reshape",
                       {weights, transposed ? std::vector<int>{width, x.dims[1]}
                                            : std::vector<int>{x.dims[1], width}});
    if (dtype_ != DT_FLOAT)
      matrix = Op(scope_, "Cast", {matrix}, {{"DstT", graph::ToAttr(dtype_)}});
    Keep(Op(scope_, "MatMul", {x.output, matrix}, {{"transpose_b", Bool(transposed)}}),
         {x.dims[0], width});
  }

  void Choose() {
    const Sized x = Recent();
    const Output is_less = Op(scope_, Below(2) ? "Less" : "GreaterEqual", {x.output, Partner(x)});
    if (Below(2)) {
      return Keep(Op(scope_, "Cast", {is_less}, {{"DstT", graph::ToAttr(dtype_)}}), x.dims);
    }
    Keep(Op(scope_, "SelectV2", {is_less, x.output, Partner(x)}), x.dims);
  }

  void AddGradients(GraphProgram* program) {
    const Sized y = values_.back();
    std::vector<Output> xs;
    for (const Sized& feed : feeds_) xs.push_back(feed.output);
    for (const Output& gradient : tests::Gradients(scope_, y.output, xs)) {
      if (gradient.valid()) program->fetches.push_back(gradient.name());
    }
  }

  RunInput MakeRun(int batch, int length, int trips) {
    RunInput run;
    run.name = absl::StrCat("batch ", batch, ", length ", length, ", trips ", trips);
    for (const Sized& feed : feeds_) {
      Shape shape;
      for (int d : feed.dims) shape.push_back(d == kBatch ? batch : d == kLength ? length : d);
      run.feeds.push_back(MakeValues(RuntimeType(dtype_), shape, Fill::kModerate, random_));
    }
    if (trips_.valid()) run.feeds.push_back(MakeSplat(DType::kInt32, {}, trips));
    if (has_variable_) {
      run.variables["v"] = MakeValues(RuntimeType(dtype_), {4}, Fill::kModerate, random_);
    }
    return run;
  }

  Random random_;
  Scope scope_;
  DataType dtype_ = DT_FLOAT;
  std::vector<Sized> feeds_, values_;
  graph::Operation update_;
  Output trips_;  // valid once something depends on it
  bool has_variable_ = false, with_gradients_ = false;
};

}  // namespace

GeneratedGraph GenerateGraph(uint64_t seed) { return Generator(seed).Generate(); }

}  // namespace stator::tests
