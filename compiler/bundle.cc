#include "compiler/bundle.h"

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "compiler/dialect/constant_bytes.h"
#include "compiler/dialect/dtype.h"
#include "compiler/entry_nodes.h"
#include "compiler/import/importer.h"
#include "compiler/import/unsupported_ops.h"
#include "compiler/passes/externalize_weights/externalize_weights.h"
#include "compiler/pipeline.h"
#include "executable/append_image.h"
#include "executable/image_builder.h"
#include "graph/status_macros.h"

namespace stator::compiler {
namespace {

using executable::ImageModel;
using executable::StoredTensor;

// Variable initializers and random seeds must not differ from one compile to the next.
constexpr uint64_t kSeed = 1;

absl::Status InEntry(const std::string& entry, const absl::Status& status) {
  if (status.ok()) return status;
  return absl::Status(status.code(), absl::StrCat("entry '", entry, "': ", status.message()));
}

absl::Status FromExecutable(const executable::Status& status) {
  if (status.ok()) return absl::OkStatus();
  return absl::Status(static_cast<absl::StatusCode>(status.code()), status.message());
}

// A variable's value, `bytes` row by row, as the variable lies in memory.
StoredTensor Store(const std::string& name, executable::DType dtype, std::vector<int64_t> dims,
                   const std::string& bytes, ImageModel* model) {
  executable::Layout layout = executable::Layout::kRowMajor;
  for (const executable::Variable& variable : model->entry_points[0].variables) {
    if (variable.name == name) layout = variable.layout;
  }
  const auto size = static_cast<int64_t>(bytes.size());
  if (layout == executable::Layout::kRowMajor) {
    return {name, dtype, std::move(dims), executable::AddConstant(model, bytes.data(), size), size};
  }
  std::string packed(bytes.size(), '\0');
  executable::ToLayout(layout, dims, executable::DTypeSize(dtype), bytes.data(), packed.data());
  return {name, dtype, std::move(dims), executable::AddConstant(model, packed.data(), size), size};
}

// Where the plan knows the variable's shape, the value has it.
absl::Status CheckFits(const executable::Variable& variable, const graph::DenseTensor& value, const ImageModel& model) {
  const auto dtype = static_cast<executable::DType>(value.dtype);
  bool fits = dtype == variable.dtype && !executable::IsObjectDType(dtype) && !value.is_splat;
  if (variable.read_buffer != executable::kNone) {
    fits = fits && variable.read_dims.size() == value.shape.size();
    for (size_t i = 0; fits && i < value.shape.size(); ++i) {
      const executable::Expr& dim = model.expressions[variable.read_dims[i]];
      fits = dim.kind != executable::ExprKind::kConst || dim.value == value.shape[i];
    }
  }
  if (fits) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("the value of variable '", variable.name, "' is of type ",
                                                 executable::DTypeName(dtype), " and rank ", value.shape.size(),
                                                 " or of another shape than the graph says"));
}

// Gives the variables of a model with one entry point what they start with.
absl::Status AddInitialValues(const std::vector<Weight>& weights,
                              const std::map<std::string, graph::DenseTensor>& values, ImageModel* model) {
  for (const Weight& weight : weights) {
    std::optional<std::string> bytes = core::ConstantBytes(weight.value);
    if (!bytes) return absl::InternalError(absl::StrCat("weight '", weight.name, "' has no bytes"));
    const mlir::ShapedType type = weight.value.getShapedType();
    model->initial_values.push_back(
        Store(weight.name, core::DTypeOf(type.getElementType()), type.getShape().vec(), *bytes, model));
  }
  for (const executable::Variable& variable : model->entry_points[0].variables) {
    const auto value = values.find(variable.name);
    if (value == values.end()) continue;
    STATOR_RETURN_IF_ERROR(CheckFits(variable, value->second, *model));
    model->initial_values.push_back(
        Store(variable.name, variable.dtype, value->second.shape, value->second.bytes, model));
  }
  return absl::OkStatus();
}

// The same choice as ExternalizeWeights makes.
bool IsWeight(const graph::Node& node) {
  if (node.op() != "Const" || !executable::IsFloatDType(static_cast<executable::DType>(node.output_types()[0]))) {
    return false;
  }
  const AttrValue* value = node.FindAttr("value");
  if (value == nullptr) return false;
  const auto& dims = value->tensor().tensor_shape().dim();
  return !dims.empty() && std::none_of(dims.begin(), dims.end(), [](const auto& dim) { return dim.size() == 0; });
}

// Constants that look like weights and did not become variables.
absl::StatusOr<std::vector<executable::FixedWeight>> FixedWeights(const graph::Graph& graph,
                                                                  const executable::CompileRequest& request,
                                                                  const Weights& weights, bool replaceable) {
  std::set<std::string> names;
  for (const Weight& weight : weights.replaceable) names.insert(weight.name);
  std::vector<executable::FixedWeight> fixed;
  STATOR_ASSIGN_OR_RETURN(const std::vector<int> nodes, NeededNodes(graph, request));
  for (const int id : nodes) {
    const graph::Node& node = graph.node(id);
    if (!IsWeight(node) || names.count(node.name()) > 0) continue;
    const auto kept = weights.kept.find(node.name());
    std::string reason = kept != weights.kept.end() ? kept->second : "folded into other values";
    fixed.push_back({node.name(), replaceable ? std::move(reason) : "compiled as a constant"});
  }
  return fixed;
}

absl::Status Rename(const char* what, const std::vector<std::string>& names, std::vector<executable::Port>* ports) {
  if (names.empty()) return absl::OkStatus();
  if (names.size() != ports->size()) {
    return absl::InvalidArgumentError(absl::StrCat(names.size(), " names for ", ports->size(), " ", what));
  }
  for (size_t i = 0; i < names.size(); ++i) (*ports)[i].name = names[i];
  return absl::OkStatus();
}

// Ports and variables keep their names: they are how callers speak to the program.
void Strip(ImageModel* model) {
  for (executable::Buffer& buffer : model->buffers) buffer.name.clear();
  for (executable::Kernel& kernel : model->kernels) kernel.name.clear();
  for (executable::Block& block : model->blocks) {
    for (executable::Wave& wave : block.waves) {
      for (executable::Step& step : wave.steps) {
        step.source_node = executable::kNone;
        if (auto* launch = std::get_if<executable::LaunchKernel>(&step.body)) {
          launch->report.source_nodes.clear();
          launch->report.why.clear();
        }
      }
    }
  }
  for (executable::EntryPoint& entry : model->entry_points) {
    for (executable::Port& port : entry.feeds) port.source_node = executable::kNone;
    for (executable::Port& port : entry.fetches) port.source_node = executable::kNone;
    for (executable::Variable& variable : entry.variables) variable.source_node = executable::kNone;
    for (executable::Guard& guard : entry.guards) guard.source_node = executable::kNone;
  }
  for (executable::CheckInfo& check : model->checks) check.source_node = executable::kNone;
  // Sizes of inputs are known by their names; those that a run finds are called after nodes.
  for (size_t i = 0; i < model->symbols.size(); ++i) {
    executable::Symbol& symbol = model->symbols[i];
    if (symbol.life != executable::SymbolLife::kInput) symbol.name = absl::StrCat("size_", i);
  }
  model->fixed_weights.clear();
  model->nodes.clear();
}

class BundleCompiler {
 public:
  BundleCompiler(const graph::Graph& graph, const OpSet& ops, const BundleOptions& options)
      : graph_(graph), ops_(ops), options_(options) {}

  // What the entry point computes. All are prepared before the first is compiled: how the variables lie in memory
  // depends on every program that uses them.
  absl::Status Prepare(const BundleEntry& entry) {
    STATOR_ASSIGN_OR_RETURN(const std::vector<int> nodes, NeededNodes(graph_, entry.request));
    for (const NodeProblem& unfed : UnfedPlaceholders(graph_, nodes)) return unfed.status;
    Program& program = programs_[entry.name];
    STATOR_ASSIGN_OR_RETURN(program.module, ImportGraph(graph_, ops_, entry.request, kSeed, program.context.get()));
    if (options_.replaceable_weights) program.weights = ExternalizeWeights(*program.module);
    STATOR_ASSIGN_OR_RETURN(program.fixed,
                            FixedWeights(graph_, entry.request, program.weights, options_.replaceable_weights));
    STATOR_RETURN_IF_ERROR(RunStages(*program.module, ProgramStages()));
    panels_.Add(*program.module);
    return absl::OkStatus();
  }

  // One model per target, with this entry point alone. Once per entry point.
  absl::StatusOr<std::vector<ImageModel>> Compile(const BundleEntry& entry) {
    Program program = std::move(programs_[entry.name]);
    mlir::ModuleOp module = *program.module;
    PipelineOptions pipeline;
    pipeline.num_threads = options_.num_threads;
    // A copy of a variable in panels would need as much memory again.
    pipeline.pack.variables = false;
    if (options_.pack_weights) pipeline.pack.stored = panels_.Stored();
    STATOR_RETURN_IF_ERROR(RunStages(module, KernelStages(pipeline)));
    std::vector<ImageModel> models;
    for (const std::string& target : options_.targets) {
      pipeline.cpu = target;
      STATOR_ASSIGN_OR_RETURN(ImageModel model, GenerateImage(module, pipeline));
      executable::EntryPoint& point = model.entry_points[0];
      point.name = entry.name;
      point.targets = entry.request.targets;
      STATOR_RETURN_IF_ERROR(Rename("feeds", entry.feed_names, &point.feeds));
      STATOR_RETURN_IF_ERROR(Rename("fetches", entry.fetch_names, &point.fetches));
      STATOR_RETURN_IF_ERROR(AddInitialValues(program.weights.replaceable, options_.values, &model));
      model.fixed_weights = program.fixed;
      models.push_back(std::move(model));
    }
    return models;
  }

  // What code generation and planning refuse, for a program that does not compile. Once per entry point, instead of
  // Compile.
  std::vector<NodeProblem> Refused(const BundleEntry& entry) {
    Program program = std::move(programs_[entry.name]);
    PipelineOptions pipeline;
    pipeline.num_threads = options_.num_threads;
    pipeline.fuse = false;
    std::vector<NodeProblem> refused;
    if (!RunStages(*program.module, KernelStages(pipeline)).ok()) return refused;
    for (const std::string& target : options_.targets) {
      pipeline.cpu = target;
      if (GenerateImage(*program.module, pipeline, &refused).ok() || !refused.empty()) break;
    }
    return refused;
  }

 private:
  struct Program {
    std::unique_ptr<mlir::MLIRContext> context =
        std::make_unique<mlir::MLIRContext>(mlir::MLIRContext::Threading::DISABLED);
    mlir::OwningOpRef<mlir::ModuleOp> module;
    Weights weights;
    std::vector<executable::FixedWeight> fixed;
  };

  const graph::Graph& graph_;
  const OpSet& ops_;
  const BundleOptions& options_;
  std::map<std::string, Program> programs_;  // by entry point
  PanelChoice panels_;
};

}  // namespace

absl::StatusOr<std::vector<ImageModel>> CompileBundle(const graph::Graph& graph, const OpSet& ops,
                                                      const std::vector<BundleEntry>& entries,
                                                      const BundleOptions& options) {
  if (entries.empty() || options.targets.empty()) {
    return absl::InvalidArgumentError("a bundle needs an entry point and a target");
  }
  BundleCompiler compiler(graph, ops, options);
  std::set<std::string> names;
  for (const BundleEntry& entry : entries) {
    if (!names.insert(entry.name).second) {
      return absl::InvalidArgumentError(absl::StrCat("two entry points are named ", entry.name));
    }
    STATOR_RETURN_IF_ERROR(InEntry(entry.name, compiler.Prepare(entry)));
  }
  std::vector<ImageModel> bundle;
  for (const BundleEntry& entry : entries) {
    absl::StatusOr<std::vector<ImageModel>> models = compiler.Compile(entry);
    if (!models.ok()) return InEntry(entry.name, models.status());
    if (bundle.empty()) {
      bundle = *std::move(models);
      continue;
    }
    for (size_t t = 0; t < bundle.size(); ++t) {
      STATOR_RETURN_IF_ERROR(InEntry(entry.name, FromExecutable(executable::AppendImage((*models)[t], &bundle[t]))));
    }
  }
  if (options.strip) {
    for (ImageModel& model : bundle) Strip(&model);
  }
  return bundle;
}

namespace {

// Adds those whose node is not among the problems yet.
void Merge(std::vector<NodeProblem> found, std::vector<NodeProblem>* problems) {
  for (NodeProblem& problem : found) {
    const auto same = [&](const NodeProblem& other) {
      return other.status == problem.status || (!problem.node.empty() && other.node == problem.node);
    };
    if (std::none_of(problems->begin(), problems->end(), same)) problems->push_back(std::move(problem));
  }
}

// What is refused after import.
std::vector<NodeProblem> FindRefused(const graph::Graph& graph, const OpSet& ops, const BundleEntry& entry,
                                     const BundleOptions& options) {
  BundleCompiler compiler(graph, ops, options);
  absl::Status status = compiler.Prepare(entry);
  if (!status.ok()) return {{"", status}};
  status = compiler.Compile(entry).status();
  if (status.ok()) return {};
  // One op a kernel, so that none hides behind another.
  BundleCompiler single(graph, ops, options);
  std::vector<NodeProblem> refused;
  if (single.Prepare(entry).ok()) refused = single.Refused(entry);
  std::vector<NodeProblem> distinct;
  Merge(std::move(refused), &distinct);
  if (distinct.empty()) distinct.push_back({"", status});
  return distinct;
}

}  // namespace

std::vector<NodeProblem> FindProblems(const graph::Graph& graph, const OpSet& ops, const BundleEntry& entry,
                                      const BundleOptions& options) {
  const absl::StatusOr<std::vector<int>> nodes = NeededNodes(graph, entry.request);
  if (!nodes.ok()) return {{"", nodes.status()}};
  std::vector<NodeProblem> problems = UnfedPlaceholders(graph, *nodes);
  {
    mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
    Merge(FindImportProblems(graph, ops, entry.request, kSeed, &context), &problems);
  }
  if (problems.empty()) return FindRefused(graph, ops, entry, options);
  std::set<std::string> names;
  for (const NodeProblem& problem : problems) names.insert(problem.node);
  if (names.count("") > 0) return problems;
  // The other nodes may be refused later.
  std::set<int> bad;
  for (int id = 0; id < graph.num_nodes(); ++id) {
    const graph::Node& node = graph.node(id);
    if (names.count(node.name()) > 0 || !UnsupportedInFunctions(graph, ops, node.def()).empty()) bad.insert(id);
  }
  const absl::StatusOr<executable::CompileRequest> rest = RequestWithout(bad, graph, entry.request);
  if (!rest.ok() || (rest->fetches.empty() && rest->targets.empty())) return problems;
  std::vector<NodeProblem> refused = FindRefused(graph, ops, {entry.name, *rest, {}, {}}, options);
  // What is said of no node may come of what was left out.
  refused.erase(std::remove_if(refused.begin(), refused.end(), [](const NodeProblem& p) { return p.node.empty(); }),
                refused.end());
  Merge(std::move(refused), &problems);
  return problems;
}

}  // namespace stator::compiler
