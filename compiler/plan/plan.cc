#include "compiler/plan/plan.h"

#include <functional>
#include <set>

#include "absl/strings/str_cat.h"
#include "compiler/plan/expr_table.h"
#include "compiler/plan/in_place.h"
#include "compiler/plan/source_nodes.h"
#include "graph/status_macros.h"
#include "llvm/ADT/TypeSwitch.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/DialectResourceBlobManager.h"

namespace stator::compiler {

executable::DType DTypeOf(mlir::Type element) {
  using executable::DType;
  if (element.isF32()) return DType::kFloat32;
  if (element.isF64()) return DType::kFloat64;
  if (element.isF16()) return DType::kFloat16;
  if (element.isBF16()) return DType::kBFloat16;
  if (llvm::isa<core::ObjectType>(element)) return DType::kString;
  if (auto integer = llvm::dyn_cast<mlir::IntegerType>(element)) {
    const bool is_unsigned = integer.isUnsigned();
    switch (integer.getWidth()) {
      case 1: return DType::kBool;
      case 8: return is_unsigned ? DType::kUInt8 : DType::kInt8;
      case 16: return is_unsigned ? DType::kUInt16 : DType::kInt16;
      case 32: return is_unsigned ? DType::kUInt32 : DType::kInt32;
      case 64: return is_unsigned ? DType::kUInt64 : DType::kInt64;
    }
  }
  return DType::kInvalid;
}

namespace {

using core::DimExpr;
using core::Dims;
using executable::BufferKind;
using executable::kNone;
using mlir::Operation;
using mlir::Value;

bool HasOnlyInputSymbols(llvm::ArrayRef<DimExpr> dims) {
  bool result = true;
  for (DimExpr dim : dims) {
    dim.ForEachSymbol([&](const core::DimSymbol& s) { result &= s.facts().life == core::DimLife::kInput; });
  }
  return result;
}

class PlanBuilder {
 public:
  PlanBuilder(const KernelTable& kernels, const PlanOptions& options)
      : kernels_(kernels), options_(options), exprs_(&model_), nodes_(&model_) {}

  absl::StatusOr<executable::ImageModel> Build(mlir::ModuleOp module) {
    auto main = module.lookupSymbol<mlir::func::FuncOp>("main");
    if (!main) return absl::InternalError("the module has no function @main");
    entry_.name = "main";
    AddKernels();
    STATOR_RETURN_IF_ERROR(AddFeeds(main));
    AddVariables(module);
    mlir::Block& body = main.front();
    Operation* terminator = body.getTerminator();
    STATOR_RETURN_IF_ERROR(AddFetches(main, terminator));
    if (options_.init_section) STATOR_RETURN_IF_ERROR(EmitInit(body));
    executable::Block block;
    block.name = "main";
    STATOR_RETURN_IF_ERROR(EmitBlock(body, block));
    STATOR_RETURN_IF_ERROR(FinishFetches(terminator, block));
    entry_.main_block = AddBlock(std::move(block));
    model_.entry_points.push_back(std::move(entry_));
    ExtendViewsAndLoops();
    if (options_.in_place) ShareDyingInputs(&model_);
    return std::move(model_);
  }

 private:
  using Block = executable::Block;

  // Buffers -------------------------------------------------------------------------------------------------------------

  absl::StatusOr<int32_t> NewBuffer(mlir::Type type, BufferKind kind, mlir::Location loc) {
    auto tensor = llvm::dyn_cast<mlir::RankedTensorType>(type);
    if (!tensor) {
      std::string text;
      llvm::raw_string_ostream(text) << type;
      return absl::UnimplementedError(absl::StrCat("not lowered yet: values of type ", text, Where(loc)));
    }
    Dims dims = core::DimsOf(tensor);
    executable::Buffer buffer;
    buffer.dtype = DTypeOf(tensor.getElementType());
    if (buffer.dtype == executable::DType::kInvalid) {
      return absl::UnimplementedError(absl::StrCat("not lowered yet: element type of a tensor", Where(loc)));
    }
    const int32_t node = nodes_.First(loc);
    buffer.name = node == kNone ? "" : model_.nodes[node].name;
    buffer.dims = exprs_.Exprs(dims);
    DimExpr bytes = core::Product(core::DimContextOf(type.getContext()), dims) * executable::DTypeSize(buffer.dtype);
    if (!bytes.ok()) {
      return absl::InvalidArgumentError(absl::StrCat("the size of a tensor overflows", Where(loc)));
    }
    buffer.byte_size = exprs_.Expr(bytes);
    buffer.kind = kind == BufferKind::kArena && !HasOnlyInputSymbols(dims) ? BufferKind::kDynamic : kind;
    buffer.first_wave = buffer.last_wave = wave_;
    model_.buffers.push_back(std::move(buffer));
    return static_cast<int32_t>(model_.buffers.size()) - 1;
  }

  // The buffer that holds a value, used in the current wave.
  int32_t Use(Value value) {
    const int32_t buffer = buffers_.lookup(value);
    for (int32_t b = buffer; b != kNone; b = model_.buffers[b].alias_of) {
      model_.buffers[b].last_wave = std::max(model_.buffers[b].last_wave, wave_);
    }
    return buffer;
  }

  std::string Where(mlir::Location loc) {
    const int32_t node = nodes_.First(loc);
    if (node == kNone) return "";
    const executable::Node& n = model_.nodes[node];
    std::string text = absl::StrCat(" (node '", n.name, "', op ", n.op);
    if (!n.file.empty()) absl::StrAppend(&text, ", ", n.file, ":", n.line);
    return text + ")";
  }

  // Steps -----------------------------------------------------------------------------------------------------------------

  // Every step gets a wave of its own; waves are merged later.
  void AddStep(Block& block, executable::StepBody body, mlir::Location loc) {
    executable::Step step;
    step.body = std::move(body);
    step.source_node = nodes_.First(loc);
    executable::Wave wave;
    wave.number = wave_++;
    wave.steps.push_back(std::move(step));
    block.waves.push_back(std::move(wave));
  }
  int32_t AddBlock(Block block) {
    model_.blocks.push_back(std::move(block));
    return static_cast<int32_t>(model_.blocks.size()) - 1;
  }
  // Memory for a buffer whose size is known only now; it ends with its last use, or is freed with the run. `value` is
  // what will be written: the next value of a loop may be larger than the buffer's type says in this iteration.
  void AllocIfDynamic(Block& block, int32_t buffer, mlir::Location loc, Value value = {}) {
    const executable::Buffer& b = model_.buffers[buffer];
    const bool dynamic_output = b.kind == BufferKind::kOutput && dynamic_outputs_.count(buffer);
    if (b.kind == BufferKind::kDynamic || dynamic_output) {
      int32_t bytes = value ? exprs_.Expr(BytesOf(value)) : kNone;
      if (bytes == b.byte_size) bytes = kNone;
      AddStep(block, executable::Alloc{buffer, bytes}, loc);
      model_.buffers[buffer].last_wave = std::max(model_.buffers[buffer].last_wave, wave_);
    }
  }
  void AddCopy(Block& block, Value from, int32_t to, mlir::Location loc) {
    AllocIfDynamic(block, to, loc, from);
    executable::Copy copy{Use(from), to};
    Touch(to);
    AddStep(block, copy, loc);
  }
  void Touch(int32_t buffer) {
    executable::Buffer& b = model_.buffers[buffer];
    if (untouched_.erase(buffer)) b.first_wave = wave_;
    b.last_wave = std::max(b.last_wave, wave_);
  }

  // The result of an op: the buffer that its consumer reserved for it, or a new one.
  absl::StatusOr<int32_t> Define(Value value, BufferKind kind = BufferKind::kArena) {
    int32_t buffer;
    if (auto it = reserved_.find(value); it != reserved_.end()) {
      buffer = it->second;
    } else {
      STATOR_ASSIGN_OR_RETURN(buffer, NewBuffer(value.getType(), kind, value.getLoc()));
    }
    buffers_[value] = buffer;
    Touch(buffer);
    return buffer;
  }

  // Lets the op that computes `value` write straight into `buffer`: true if it can, else the caller copies.
  bool Reserve(Value value, int32_t buffer, mlir::Block* block) {
    Operation* op = value.getDefiningOp();
    if (!op || op->getBlock() != block || !llvm::isa<core::FusionOp, core::HostCallOp>(op)) return false;
    if (in_init_.contains(op)) return false;
    return reserved_.try_emplace(value, buffer).second;
  }

  // Tables ------------------------------------------------------------------------------------------------------------------

  void AddKernels() {
    for (const CompiledKernel& compiled : kernels_.kernels) {
      executable::Kernel kernel;
      kernel.code_offset = executable::AddCode(&model_, compiled.code.data(), static_cast<int64_t>(compiled.code.size()));
      kernel.code_size = static_cast<int64_t>(compiled.code.size());
      kernel.num_scalars = static_cast<int32_t>(compiled.scalars.size() + compiled.phases.size());
      // Grids are passed as further scalars: the same code serves fusions that differ in their symbols.
      for (size_t i = 0; i < compiled.phases.size(); ++i) {
        executable::KernelPhase phase;
        phase.entry_offset = static_cast<int64_t>(compiled.phases[i].entry_offset);
        phase.grid = exprs_.builder().Scalar(static_cast<int32_t>(compiled.scalars.size() + i));
        kernel.phases.push_back(phase);
      }
      if (compiled.scratch_bytes_per_worker > 0) {
        kernel.scratch_bytes = exprs_.builder().Const(compiled.scratch_bytes_per_worker);
      }
      model_.kernels.push_back(std::move(kernel));
    }
  }

  absl::Status AddFeeds(mlir::func::FuncOp main) {
    auto names = main->getAttrOfType<mlir::ArrayAttr>(kFeedsAttr);
    for (mlir::BlockArgument argument : main.getArguments()) {
      STATOR_ASSIGN_OR_RETURN(int32_t buffer, NewBuffer(argument.getType(), BufferKind::kInput, argument.getLoc()));
      buffers_[argument] = buffer;
      executable::Port port;
      port.name = names ? llvm::cast<mlir::StringAttr>(names[argument.getArgNumber()]).str()
                        : absl::StrCat("arg", argument.getArgNumber());
      port.dtype = model_.buffers[buffer].dtype;
      port.dims = model_.buffers[buffer].dims;
      port.buffer = buffer;
      port.source_node = nodes_.First(argument.getLoc());
      model_.buffers[buffer].name = port.name;
      entry_.feeds.push_back(std::move(port));
    }
    return absl::OkStatus();
  }

  void AddVariables(mlir::ModuleOp module) {
    for (auto op : module.getOps<core::VariableOp>()) {
      executable::Variable variable;
      variable.name = op.getContainer().empty() ? op.getSharedName().str()
                                                : absl::StrCat(op.getContainer().str(), "/", op.getSharedName().str());
      auto type = llvm::cast<mlir::RankedTensorType>(op.getType());
      variable.dtype = DTypeOf(type.getElementType());
      variable.source_node = nodes_.First(op.getLoc());
      variable.zero_initialized = op.getZeroInitialized();
      variable_index_[op.getSymName()] = static_cast<int32_t>(entry_.variables.size());
      entry_.variables.push_back(std::move(variable));
    }
  }

  // Results that an op of the body computes for the caller alone are written straight into the caller's memory; what is
  // stored in variables likewise. Both must be known before the body is emitted.
  absl::Status AddFetches(mlir::func::FuncOp main, Operation* terminator) {
    mlir::Block* body = &main.front();
    for (auto assign : body->getOps<core::AssignVariableOp>()) {
      executable::Variable& variable = entry_.variables[variable_index_[assign.getVariable()]];
      STATOR_ASSIGN_OR_RETURN(variable.write_buffer,
                              NewBuffer(assign.getValue().getType(), BufferKind::kVariableWrite, assign.getLoc()));
      variable.write_dims = model_.buffers[variable.write_buffer].dims;
      model_.buffers[variable.write_buffer].name = variable.name;
      untouched_.insert(variable.write_buffer);
      if (!HasOnlyInputSymbols(core::DimsOf(assign.getValue()))) dynamic_outputs_.insert(variable.write_buffer);
      if (Reserve(assign.getValue(), variable.write_buffer, body)) direct_.insert(assign);
    }
    auto names = main->getAttrOfType<mlir::ArrayAttr>(kFetchesAttr);
    for (auto [i, value] : llvm::enumerate(terminator->getOperands())) {
      executable::Port port;
      port.name = names ? llvm::cast<mlir::StringAttr>(names[i]).str() : absl::StrCat("result", i);
      STATOR_ASSIGN_OR_RETURN(int32_t buffer, NewBuffer(value.getType(), BufferKind::kOutput, value.getLoc()));
      if (!HasOnlyInputSymbols(core::DimsOf(value))) dynamic_outputs_.insert(buffer);
      untouched_.insert(buffer);
      model_.buffers[buffer].name = port.name;
      port.dtype = model_.buffers[buffer].dtype;
      port.dims = model_.buffers[buffer].dims;
      port.buffer = buffer;
      port.source_node = nodes_.First(value.getLoc());
      if (Reserve(value, buffer, body)) direct_fetches_.insert(i);
      entry_.fetches.push_back(std::move(port));
    }
    return absl::OkStatus();
  }

  absl::Status FinishFetches(Operation* terminator, Block& block) {
    for (auto [i, value] : llvm::enumerate(terminator->getOperands())) {
      if (!direct_fetches_.count(i)) AddCopy(block, value, entry_.fetches[i].buffer, value.getLoc());
      // A result must stay until the run ends.
      model_.buffers[entry_.fetches[i].buffer].last_wave = std::max(wave_ - 1, 0);
    }
    return absl::OkStatus();
  }

  // The init section -----------------------------------------------------------------------------------------------------------

  absl::Status EmitInit(mlir::Block& body) {
    Block block;
    block.name = "init";
    for (Operation& op : body) {
      auto fusion = llvm::dyn_cast<core::FusionOp>(op);
      if (!fusion) continue;
      const bool constant = llvm::all_of(fusion.getOperands(), [&](Value operand) {
        Operation* def = operand.getDefiningOp();
        return def && (llvm::isa<core::ConstantOp>(def) || in_init_.contains(def));
      });
      const bool is_static = llvm::all_of(fusion.getResultTypes(), [](mlir::Type t) {
        return llvm::cast<mlir::RankedTensorType>(t).hasStaticShape();
      });
      // A result that goes straight to the caller or into a variable is written there anyway.
      const bool is_reserved = llvm::any_of(fusion.getResults(), [&](Value v) { return reserved_.count(v); });
      if (!constant || !is_static || is_reserved || !Scalars(fusion).empty()) continue;
      in_init_.insert(&op);
    }
    for (Operation& op : body) {
      if (!in_init_.contains(&op)) continue;
      for (Value operand : op.getOperands()) {
        if (!buffers_.count(operand)) STATOR_RETURN_IF_ERROR(EmitConstant(llvm::cast<core::ConstantOp>(operand.getDefiningOp())));
      }
      STATOR_RETURN_IF_ERROR(EmitFusion(llvm::cast<core::FusionOp>(op), block, BufferKind::kPersistent));
    }
    if (!block.waves.empty()) entry_.init_block = AddBlock(std::move(block));
    return absl::OkStatus();
  }
  std::vector<DimExpr> Scalars(core::FusionOp fusion) {
    std::vector<DimExpr> symbolic;
    for (DimExpr scalar : kernels_.uses.find(fusion)->second.scalars) {
      if (!scalar.IsConstant()) symbolic.push_back(scalar);
    }
    return symbolic;
  }

  // Ops -----------------------------------------------------------------------------------------------------------------------

  absl::Status EmitBlock(mlir::Block& source, Block& block) {
    llvm::DenseMap<Operation*, llvm::SmallVector<Value, 2>> ends;
    for (Operation& op : source.without_terminator()) {
      for (Value result : op.getResults()) {
        if (IsView(&op) || !llvm::isa<mlir::RankedTensorType>(result.getType())) continue;
        if (HasOnlyInputSymbols(core::DimsOf(result))) continue;
        if (Operation* last = LastUse(result, &op)) ends[last].push_back(result);
      }
    }
    for (Operation& op : source.without_terminator()) {
      if (in_init_.contains(&op)) continue;
      STATOR_RETURN_IF_ERROR(EmitOp(&op, block));
      auto it = ends.find(&op);
      if (it == ends.end()) continue;
      for (Value value : it->second) FreeIfDynamic(block, buffers_.lookup(value), op.getLoc());
    }
    return absl::OkStatus();
  }

  static bool IsView(Operation* op) { return llvm::isa<core::ReshapeOp, core::AssumeDimsOp>(op); }

  // The op of the value's block, `last` or later, after which nothing reads it or a view of it; null if the block
  // returns it.
  static Operation* LastUse(Value value, Operation* last) {
    mlir::Block* block = value.getParentBlock();
    for (Operation* user : value.getUsers()) {
      Operation* here = block->findAncestorOpInBlock(*user);
      if (here == block->getTerminator()) return nullptr;
      if (last->isBeforeInBlock(here)) last = here;
      if (IsView(user)) {
        // A view inside a region of `here` is used there at most.
        if (user == here && !(last = LastUse(user->getResult(0), last))) return nullptr;
      }
    }
    return last;
  }
  void FreeIfDynamic(Block& block, int32_t buffer, mlir::Location loc) {
    const executable::Buffer& b = model_.buffers[buffer];
    if (b.kind != BufferKind::kDynamic || b.alias_of != kNone) return;
    Touch(buffer);
    AddStep(block, executable::Free{buffer}, loc);
  }

  absl::Status EmitOp(Operation* op, Block& block) {
    return llvm::TypeSwitch<Operation*, absl::Status>(op)
        .Case([&](core::FusionOp fusion) { return EmitFusion(fusion, block, BufferKind::kArena); })
        .Case([&](core::ConstantOp constant) { return EmitConstant(constant); })
        .Case<core::ReshapeOp, core::AssumeDimsOp>([&](auto view) { return EmitView(view); })
        .Case([&](core::ReadVariableOp read) { return EmitRead(read); })
        .Case([&](core::AssignVariableOp assign) { return EmitAssign(assign, block); })
        .Case([&](core::VariableInitializedOp init) { return EmitInitialized(init); })
        .Case([&](core::BindDimOp bind) {
          AddStep(block, executable::BindSymbol{SymbolNamed(bind.getSymbol(), op), Use(bind.getValue()), 0}, op->getLoc());
          return absl::OkStatus();
        })
        .Case([&](core::CheckOp check) { return EmitCheck(check, block); })
        .Case([&](core::GuardOp guard) { return EmitGuard(guard); })
        .Case([&](core::HostCallOp call) { return EmitHostCall(call, block); })
        .Case([&](core::ListCreateOp create) { return EmitListCreate(create); })
        .Case([&](core::ListPushOp push) { return EmitListPush(push, block); })
        .Case([&](core::ListPopOp pop) { return EmitListPop(pop, block); })
        .Case([&](core::IfOp if_op) { return EmitIf(if_op, block); })
        .Case([&](core::WhileOp while_op) { return EmitWhile(while_op, block); })
        .Default([&](Operation*) {
          return absl::UnimplementedError(
              absl::StrCat("not lowered yet: ", op->getName().getStringRef().str(), Where(op->getLoc())));
        });
  }

  absl::Status EmitFusion(core::FusionOp fusion, Block& block, BufferKind kind) {
    auto it = kernels_.uses.find(fusion);
    if (it == kernels_.uses.end()) return absl::InternalError("a fusion without a kernel");
    const KernelTable::Use& use = it->second;
    executable::Kernel& kernel = model_.kernels[use.kernel];
    const CompiledKernel& compiled = kernels_.kernels[use.kernel];
    executable::LaunchKernel launch;
    launch.kernel = use.kernel;
    std::vector<int32_t> results;
    for (Value result : fusion.getResults()) {
      STATOR_ASSIGN_OR_RETURN(int32_t buffer, Define(result, kind));
      AllocIfDynamic(block, buffer, fusion.getLoc(), result);
      results.push_back(buffer);
    }
    for (Value operand : fusion.getOperands()) launch.buffers.push_back(Use(operand));
    for (int32_t buffer : results) {
      Touch(buffer);
      launch.buffers.push_back(buffer);
    }
    for (DimExpr bytes : use.workspaces) {
      executable::Buffer workspace;
      workspace.dtype = executable::DType::kUInt8;
      workspace.dims = {exprs_.Expr(bytes)};
      workspace.byte_size = workspace.dims[0];
      workspace.kind = HasOnlyInputSymbols({bytes}) ? BufferKind::kArena : BufferKind::kDynamic;
      workspace.first_wave = workspace.last_wave = wave_;
      model_.buffers.push_back(workspace);
      const int32_t index = static_cast<int32_t>(model_.buffers.size()) - 1;
      AllocIfDynamic(block, index, fusion.getLoc());
      Touch(index);
      launch.buffers.push_back(index);
    }
    // An Alloc moved the launch to a later wave.
    for (int32_t buffer : launch.buffers) Touch(buffer);
    for (Value operand : fusion.getOperands()) Use(operand);
    launch.scalars = exprs_.Exprs(use.scalars);
    for (DimExpr grid : use.grids) launch.scalars.push_back(exprs_.Expr(grid));
    launch.report.source_nodes = nodes_.All(fusion.getLoc());
    launch.report.why = fusion.getReason().str();
    launch.report.bytes = exprs_.Expr(BytesMoved(fusion));
    if (kernel.arguments.empty()) {
      kernel.kind = fusion.getKind().str();
      kernel.name = absl::StrCat(kernel.kind, "_", use.kernel);
      for (size_t i = 0; i < launch.buffers.size(); ++i) {
        executable::KernelArgument argument;
        // A workspace holds nothing when the kernel begins.
        const size_t operands = fusion.getNumOperands();
        argument.access = i < operands ? executable::Access::kRead : executable::Access::kWrite;
        for (auto [operand, result] : compiled.in_place) {
          if (i == operands + static_cast<size_t>(result) && argument.may_share == kNone) argument.may_share = operand;
        }
        kernel.arguments.push_back(argument);
      }
    }
    const std::vector<int32_t> arguments = launch.buffers;
    AddStep(block, std::move(launch), fusion.getLoc());
    for (size_t i = arguments.size() - use.workspaces.size(); i < arguments.size(); ++i) {
      FreeIfDynamic(block, arguments[i], fusion.getLoc());
    }
    return absl::OkStatus();
  }
  static DimExpr BytesOf(Value value) {
    DimExpr count = core::Product(core::DimContextOf(value.getContext()), core::DimsOf(value));
    return count * executable::DTypeSize(DTypeOf(core::ElementTypeOf(value)));
  }
  static DimExpr BytesMoved(core::FusionOp fusion) {
    DimExpr total = core::DimContextOf(fusion.getContext()).Constant(0);
    for (Value v : fusion.getOperands()) total = total + BytesOf(v);
    for (Value v : fusion.getResults()) total = total + BytesOf(v);
    return total;
  }

  absl::Status EmitConstant(core::ConstantOp op) {
    if (buffers_.count(op.getResult())) return absl::OkStatus();
    STATOR_ASSIGN_OR_RETURN(int32_t index, NewBuffer(op.getType(), BufferKind::kConstant, op.getLoc()));
    executable::Buffer& buffer = model_.buffers[index];
    std::string bytes;
    if (auto strings = llvm::dyn_cast<mlir::DenseStringElementsAttr>(op.getValue())) {
      std::vector<std::string> values;
      for (llvm::StringRef s : strings.getValues<llvm::StringRef>()) values.push_back(s.str());
      bytes = executable::EncodeStrings(values);
    } else if (auto resource = llvm::dyn_cast<mlir::DenseResourceElementsAttr>(op.getValue())) {
      llvm::ArrayRef<char> data = resource.getRawHandle().getBlob()->getData();
      bytes.assign(data.begin(), data.end());
    } else if (auto dense = llvm::dyn_cast<mlir::DenseIntOrFPElementsAttr>(op.getValue())) {
      bytes = DenseBytes(dense);
    } else {
      return absl::UnimplementedError(absl::StrCat("not lowered yet: a constant of this form", Where(op.getLoc())));
    }
    buffer.constant_offset = executable::AddConstant(&model_, bytes.data(), static_cast<int64_t>(bytes.size()));
    buffer.constant_size = static_cast<int64_t>(bytes.size());
    buffers_[op.getResult()] = index;
    return absl::OkStatus();
  }
  // Row-major bytes; splats are repeated, i1 is a byte each.
  static std::string DenseBytes(mlir::DenseIntOrFPElementsAttr dense) {
    std::string bytes;
    if (dense.getElementType().isInteger(1)) {
      for (bool value : dense.getValues<bool>()) bytes.push_back(value ? 1 : 0);
      return bytes;
    }
    llvm::ArrayRef<char> raw = dense.getRawData();
    const int64_t repeats = dense.isSplat() ? dense.getNumElements() : 1;
    for (int64_t i = 0; i < repeats; ++i) bytes.append(raw.data(), raw.size());
    return bytes;
  }

  // Reshapes: the same memory under another shape.
  absl::Status EmitView(Operation* op) {
    Value operand = op->getOperand(0), result = op->getResult(0);
    const int32_t base = buffers_.lookup(operand);
    if (llvm::isa<core::AssumeDimsOp>(op)) {
      // Other names for the same sizes.
      buffers_[result] = base;
      return absl::OkStatus();
    }
    STATOR_ASSIGN_OR_RETURN(int32_t index, NewBuffer(result.getType(), BufferKind::kArena, op->getLoc()));
    executable::Buffer& buffer = model_.buffers[index];
    buffer.kind = model_.buffers[base].kind;
    // The same number, and known as early as the base's.
    buffer.byte_size = model_.buffers[base].byte_size;
    buffer.alias_of = base;
    // The same bytes, even where the new shape holds a symbol that a step binds after the base was made.
    buffer.byte_size = model_.buffers[base].byte_size;
    buffer.alias_offset = exprs_.Expr(core::DimContextOf(op->getContext()).Constant(0));
    buffer.first_wave = model_.buffers[base].first_wave;
    buffer.last_wave = buffer.first_wave;
    buffers_[result] = index;
    return absl::OkStatus();
  }

  absl::Status EmitRead(core::ReadVariableOp op) {
    const int32_t v = variable_index_[op.getVariable()];
    if (entry_.variables[v].read_buffer == kNone) {
      STATOR_ASSIGN_OR_RETURN(int32_t buffer, NewBuffer(op.getType(), BufferKind::kVariableRead, op.getLoc()));
      model_.buffers[buffer].name = entry_.variables[v].name;
      model_.buffers[buffer].first_wave = 0;
      entry_.variables[v].read_buffer = buffer;
      entry_.variables[v].read_dims = model_.buffers[buffer].dims;
    }
    buffers_[op.getResult()] = entry_.variables[v].read_buffer;
    return absl::OkStatus();
  }
  absl::Status EmitAssign(core::AssignVariableOp op, Block& block) {
    if (direct_.contains(op)) return absl::OkStatus();
    AddCopy(block, op.getValue(), entry_.variables[variable_index_[op.getVariable()]].write_buffer, op.getLoc());
    return absl::OkStatus();
  }
  absl::Status EmitInitialized(core::VariableInitializedOp op) {
    executable::Variable& variable = entry_.variables[variable_index_[op.getVariable()]];
    if (variable.initialized_buffer == kNone) {
      STATOR_ASSIGN_OR_RETURN(int32_t buffer, NewBuffer(op.getType(), BufferKind::kInput, op.getLoc()));
      entry_.variables[variable_index_[op.getVariable()]].initialized_buffer = buffer;
    }
    buffers_[op.getResult()] = entry_.variables[variable_index_[op.getVariable()]].initialized_buffer;
    return absl::OkStatus();
  }

  int32_t SymbolNamed(llvm::StringRef name, Operation* op) {
    return exprs_.Symbol(core::DimContextOf(op->getContext()).FindSymbol(name));
  }
  absl::Status EmitCheck(core::CheckOp op, Block& block) {
    executable::CheckInfo info;
    info.code = static_cast<executable::Code>(op.getCode());
    info.message = op.getMessage().str();
    info.source_node = nodes_.First(op.getLoc());
    model_.checks.push_back(std::move(info));
    AddStep(block, executable::Check{Use(op.getPred()), static_cast<int32_t>(model_.checks.size()) - 1}, op.getLoc());
    return absl::OkStatus();
  }
  absl::Status EmitGuard(core::GuardOp op) {
    using core::ComparisonDirection;
    DimExpr lhs = op.getLhs().getDims()[0], rhs = op.getRhs().getDims()[0];
    executable::Guard guard;
    switch (op.getRelation()) {
      case ComparisonDirection::kEq: break;
      case ComparisonDirection::kLe: guard.relation = executable::Relation::kLessOrEqual; break;
      case ComparisonDirection::kLt: guard.relation = executable::Relation::kLessOrEqual; lhs = lhs + 1; break;
      case ComparisonDirection::kGe: guard.relation = executable::Relation::kLessOrEqual; std::swap(lhs, rhs); break;
      case ComparisonDirection::kGt: guard.relation = executable::Relation::kLessOrEqual; std::swap(lhs, rhs); lhs = lhs + 1; break;
      default: return absl::UnimplementedError(absl::StrCat("not lowered yet: a guard of this relation", Where(op.getLoc())));
    }
    guard.lhs = exprs_.Expr(lhs);
    guard.rhs = exprs_.Expr(rhs);
    guard.message = op.getMessage().str();
    guard.source_node = nodes_.First(op.getLoc());
    entry_.guards.push_back(std::move(guard));
    return absl::OkStatus();
  }

  absl::Status EmitHostCall(core::HostCallOp op, Block& block) {
    executable::HostCall call;
    call.function = op.getFunction().str();
    for (Value result : op.getResults()) {
      STATOR_ASSIGN_OR_RETURN(int32_t buffer, Define(result));
      call.outputs.push_back(buffer);
    }
    for (Value operand : op.getOperands()) call.inputs.push_back(Use(operand));
    llvm::raw_string_ostream(call.attributes) << op.getConfig();
    for (int32_t buffer : call.outputs) Touch(buffer);
    AddStep(block, std::move(call), op.getLoc());
    return absl::OkStatus();
  }

  // Lists -------------------------------------------------------------------------------------------------------------------------

  // The run's list behind a value. A list is a value in the dialect and memory here, so each may be used once; a new one
  // is made for each use of a list_create, of which there may be several after common subexpressions were found.
  absl::StatusOr<int32_t> TakeList(Value value, Block& block) {
    if (value.getDefiningOp<core::ListCreateOp>()) {
      const int32_t list = model_.num_lists++;
      AddStep(block, executable::UseList{executable::ListAction::kClear, list, kNone}, value.getLoc());
      return list;
    }
    auto it = lists_.find(value);
    if (it == lists_.end()) {
      return absl::UnimplementedError(absl::StrCat("not lowered yet: a list that is used twice", Where(value.getLoc())));
    }
    const int32_t list = it->second;
    lists_.erase(it);
    return list;
  }
  absl::Status EmitListCreate(core::ListCreateOp op) {
    std::optional<Dims> size = KnownSize(op.getSize());
    if (size && size->size() == 1 && (*size)[0].IsConstant(0)) return absl::OkStatus();
    return absl::UnimplementedError(absl::StrCat("not lowered yet: a list that is not empty at first", Where(op.getLoc())));
  }
  // Fusion puts constants into kernels.
  static std::optional<Dims> KnownSize(Value value) {
    if (auto fusion = value.getDefiningOp<core::FusionOp>()) {
      value = fusion.getBody().front().getTerminator()->getOperand(llvm::cast<mlir::OpResult>(value).getResultNumber());
    }
    return core::KnownValues(value);
  }
  absl::Status EmitListPush(core::ListPushOp op, Block& block) {
    STATOR_ASSIGN_OR_RETURN(int32_t list, TakeList(op.getList(), block));
    executable::UseList push{executable::ListAction::kPush, list, Use(op.getElement())};
    AddStep(block, push, op.getLoc());
    lists_[op.getResult()] = list;
    return absl::OkStatus();
  }
  absl::Status EmitListPop(core::ListPopOp op, Block& block) {
    STATOR_ASSIGN_OR_RETURN(int32_t list, TakeList(op.getList(), block));
    STATOR_ASSIGN_OR_RETURN(int32_t buffer, Define(op.getElement()));
    AllocIfDynamic(block, buffer, op.getLoc());
    Touch(buffer);
    AddStep(block, executable::UseList{executable::ListAction::kPop, list, buffer}, op.getLoc());
    lists_[op.getResult()] = list;
    return absl::OkStatus();
  }

  // Regions -----------------------------------------------------------------------------------------------------------------------

  // Where a region's returned value lands: a buffer, or the list that it must be.
  struct Target {
    int32_t buffer = kNone;
    int32_t list = kNone;
  };

  absl::StatusOr<int32_t> EmitRegion(llvm::StringRef name, mlir::Region& region, llvm::ArrayRef<Target> targets) {
    Block block;
    block.name = name.str();
    mlir::Block& source = region.front();
    Operation* terminator = source.getTerminator();
    llvm::SmallVector<bool> direct;
    for (auto [value, target] : llvm::zip(terminator->getOperands(), targets)) {
      direct.push_back(target.buffer != kNone && Reserve(value, target.buffer, &source));
    }
    STATOR_RETURN_IF_ERROR(EmitBlock(source, block));
    for (auto [value, target, is_direct] : llvm::zip(terminator->getOperands(), targets, direct)) {
      if (target.list != kNone) {
        STATOR_ASSIGN_OR_RETURN(int32_t list, TakeList(value, block));
        if (list == target.list) continue;
        return absl::UnimplementedError(
            absl::StrCat("not lowered yet: a loop that carries another list than it was given", Where(terminator->getLoc())));
      }
      if (!is_direct) AddCopy(block, value, target.buffer, value.getLoc());
    }
    return AddBlock(std::move(block));
  }

  absl::Status EmitIf(core::IfOp op, Block& block) {
    std::vector<Target> targets;
    for (Value result : op.getResults()) {
      STATOR_ASSIGN_OR_RETURN(int32_t buffer, Define(result));
      targets.push_back({buffer, kNone});
    }
    executable::If step;
    step.predicate = Use(op.getPred());
    const size_t position = block.waves.size();
    AddStep(block, step, op.getLoc());
    for (const Target& target : targets) model_.buffers[target.buffer].last_wave = wave_;
    STATOR_ASSIGN_OR_RETURN(step.then_block, EmitRegion("then", op.getTrueBranch(), targets));
    STATOR_ASSIGN_OR_RETURN(step.else_block, EmitRegion("else", op.getFalseBranch(), targets));
    block.waves[position].steps[0].body = step;
    return absl::OkStatus();
  }

  absl::Status EmitWhile(core::WhileOp op, Block& block) {
    executable::While step;
    Loop loop;
    loop.first_wave = wave_;
    std::vector<Target> current_of, next_of;  // per carried value
    for (auto [operand, result] : llvm::zip(op.getOperands(), op.getResults())) {
      if (llvm::isa<core::ListType>(operand.getType())) {
        STATOR_ASSIGN_OR_RETURN(int32_t list, TakeList(operand, block));
        current_of.push_back({kNone, list});
        next_of.push_back({kNone, list});
        continue;
      }
      STATOR_ASSIGN_OR_RETURN(int32_t current, Define(result));
      STATOR_ASSIGN_OR_RETURN(int32_t next, NewBuffer(result.getType(), BufferKind::kArena, op.getLoc()));
      step.carried.push_back({current, next});
      current_of.push_back({current, kNone});
      next_of.push_back({next, kNone});
      // Before the loop its symbols have no values: the first memory has the size of what is copied into it.
      if (model_.buffers[current].kind == BufferKind::kDynamic) {
        AddStep(block, executable::Alloc{current, model_.buffers[buffers_.lookup(operand)].byte_size}, op.getLoc());
      }
      executable::Copy copy{Use(operand), current};
      AddStep(block, copy, op.getLoc());
    }
    STATOR_RETURN_IF_ERROR(LoopSymbols(op, &step));
    const size_t position = block.waves.size();
    AddStep(block, step, op.getLoc());
    for (mlir::Region* region : {&op.getCond(), &op.getBody()}) {
      for (auto [argument, current] : llvm::zip(region->getArguments(), current_of)) {
        if (current.buffer != kNone) buffers_[argument] = current.buffer;
      }
    }
    for (auto [argument, current] : llvm::zip(op.getBody().getArguments(), current_of)) {
      if (current.list != kNone) lists_[argument] = current.list;
    }
    Value predicate = op.getCond().front().getTerminator()->getOperand(0);
    STATOR_ASSIGN_OR_RETURN(step.predicate, NewBuffer(predicate.getType(), BufferKind::kArena, op.getLoc()));
    STATOR_ASSIGN_OR_RETURN(step.cond_block, EmitRegion("cond", op.getCond(), {Target{step.predicate, kNone}}));
    STATOR_ASSIGN_OR_RETURN(step.body_block, EmitRegion("body", op.getBody(), next_of));
    for (auto [result, current] : llvm::zip(op.getResults(), current_of)) {
      if (current.list != kNone) lists_[result] = current.list;
    }
    loop.last_wave = wave_ - 1;
    loop.step_wave = block.waves[position].number;
    for (const executable::CarriedPair& pair : step.carried) {
      loop.carried.push_back(pair.current);
      loop.carried.push_back(pair.next);
    }
    model_.buffers[step.predicate].first_wave = loop.step_wave;
    model_.buffers[step.predicate].last_wave = loop.last_wave;
    loops_.push_back(std::move(loop));
    block.waves[position].steps[0].body = step;
    return absl::OkStatus();
  }

  absl::Status LoopSymbols(core::WhileOp op, executable::While* step) {
    if (!op.getLoopSymbols()) return absl::OkStatus();
    mlir::ValueRange next = op.getBody().front().getTerminator()->getOperands();
    for (auto [i, name] : llvm::enumerate(op.getLoopSymbols()->getAsRange<mlir::StringAttr>())) {
      const core::DimSymbol* symbol = core::DimContextOf(op.getContext()).FindSymbol(name.getValue());
      executable::LoopSymbol entry;
      entry.symbol = exprs_.Symbol(symbol);
      entry.initial = exprs_.Expr(op.getInitialDims()->getDims()[i]);
      for (auto [result, value] : llvm::zip(op.getResults(), next)) {
        Dims carried = core::DimsOf(result), found = core::DimsOf(value);
        for (size_t d = 0; d < carried.size(); ++d) {
          if (carried[d].symbol() == symbol) entry.next = exprs_.Expr(found[d]);
        }
      }
      if (entry.next == kNone) return absl::InternalError("a loop symbol that no carried value has");
      step->loop_symbols.push_back(entry);
    }
    return absl::OkStatus();
  }

  // Lifetimes -----------------------------------------------------------------------------------------------------------------------

  struct Loop {
    int32_t first_wave = 0, step_wave = 0, last_wave = 0;
    std::vector<int32_t> carried;
  };

  // What a loop reads from outside lives until the loop ends; a carried pair shares one lifetime, since the two exchange
  // memory; a base lives as long as its views.
  void ExtendViewsAndLoops() {
    // Each round carries an end one nesting level further.
    for (size_t round = 0; round < loops_.size() + 2; ++round) {
      for (const Loop& loop : loops_) {
        for (executable::Buffer& buffer : model_.buffers) {
          const bool defined_before = buffer.first_wave < loop.step_wave;
          if (defined_before && buffer.last_wave >= loop.step_wave) {
            buffer.last_wave = std::max(buffer.last_wave, loop.last_wave);
          }
        }
        for (size_t i = 0; i < loop.carried.size(); i += 2) {
          executable::Buffer& current = model_.buffers[loop.carried[i]];
          executable::Buffer& next = model_.buffers[loop.carried[i + 1]];
          const int32_t first = std::min({current.first_wave, next.first_wave, loop.first_wave});
          const int32_t last = std::max({current.last_wave, next.last_wave, loop.last_wave});
          current.first_wave = next.first_wave = first;
          current.last_wave = next.last_wave = last;
        }
      }
      for (size_t i = model_.buffers.size(); i-- > 0;) {
        const executable::Buffer& view = model_.buffers[i];
        for (int32_t base = view.alias_of; base != kNone; base = model_.buffers[base].alias_of) {
          model_.buffers[base].last_wave = std::max(model_.buffers[base].last_wave, view.last_wave);
        }
      }
    }
  }

  const KernelTable& kernels_;
  const PlanOptions& options_;
  executable::ImageModel model_;
  ExprTable exprs_;
  SourceNodes nodes_;
  executable::EntryPoint entry_;
  int32_t wave_ = 0;
  llvm::DenseMap<Value, int32_t> buffers_;
  llvm::DenseMap<Value, int32_t> lists_;     // not yet used
  llvm::DenseMap<Value, int32_t> reserved_;  // where an op must write a result
  std::set<int32_t> untouched_;              // reserved buffers that no step has written yet
  std::set<int32_t> dynamic_outputs_;        // outputs whose size a step decides
  std::set<size_t> direct_fetches_;
  llvm::DenseSet<Operation*> direct_;   // assigns whose value is computed in place
  llvm::DenseSet<Operation*> in_init_;
  llvm::StringMap<int32_t> variable_index_;
  std::vector<Loop> loops_;
};

}  // namespace

absl::StatusOr<executable::ImageModel> BuildPlan(mlir::ModuleOp module, const KernelTable& kernels,
                                                 const PlanOptions& options) {
  return PlanBuilder(kernels, options).Build(module);
}

}  // namespace stator::compiler
