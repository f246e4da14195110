#include "compiler/passes/fuse/fuse.h"

#include <string>

#include "compiler/dialect/panels.h"
#include "compiler/passes/fuse/op_class.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/SmallPtrSet.h"
#include "mlir/IR/IRMapping.h"

namespace stator::compiler {
namespace {

using core::Dims;
using mlir::Operation;
using mlir::Value;

bool IsScalar(Value value) { return core::RankOf(value) == 0; }

// A kernel of more ops gains nothing, and its compile time and registers grow faster than its length.
constexpr size_t kMaxOps = 128;

// One kernel in the making. Ops are added from the root towards its producers.
class Group {
 public:
  Group(Operation* root, bool fuse) : root_(root), kind_(KindOf(root).str()) {
    const OpClass root_class = Classify(root);
    if (root_class == OpClass::kReduce) {
      auto reduce = llvm::cast<core::ReduceOp>(root);
      heavy_ = root;
      full_ = core::DimsOf(reduce.getOperand());
      rows_ = ReducesTrailingDims(root) ? full_.size() - reduce.getDimensions().size() : 0;
      is_row_group_ = ReducesTrailingDims(root);
    } else {
      full_ = core::DimsOf(root->getResult(0));
      if (root_class == OpClass::kContraction || root_class == OpClass::kAlone) heavy_ = root;
    }
    ops_.insert(root);
    if (fuse && root_class != OpClass::kAlone && root_class != OpClass::kContraction) Grow();
    AddPanels();
    InlineFreeOperands();
  }

  const llvm::SetVector<Operation*>& ops() const { return ops_; }

  // Replaces the group by a core.fusion at the root's place.
  void Build() {
    llvm::SmallVector<Operation*> ordered(ops_.begin(), ops_.end());
    // What needs nothing comes first, wherever it stood: groups of equal ops make equal kernels, compiled once.
    llvm::sort(ordered, [](Operation* a, Operation* b) {
      const bool a_is_free = Classify(a) == OpClass::kFree, b_is_free = Classify(b) == OpClass::kFree;
      return a_is_free != b_is_free ? a_is_free : a->isBeforeInBlock(b);
    });
    llvm::SetVector<Value> operands, results;
    for (Operation* op : ordered) {
      for (Value operand : op->getOperands()) {
        if (!ops_.contains(operand.getDefiningOp())) operands.insert(operand);
      }
      for (Value result : op->getResults()) {
        const bool used_outside =
            llvm::any_of(result.getUsers(), [&](Operation* user) { return !ops_.contains(InBlock(user)); });
        if (op == root_ || (used_outside && !IsCopied(op))) results.insert(result);
      }
    }
    mlir::OpBuilder builder(root_);
    llvm::SmallVector<mlir::Type> types;
    for (Value result : results) types.push_back(result.getType());
    llvm::SmallVector<mlir::Location> locs;
    for (Operation* op : ordered) locs.push_back(op->getLoc());
    auto fusion = builder.create<core::FusionOp>(builder.getFusedLoc(locs), types, operands.getArrayRef(),
                                                 builder.getStringAttr(kind_), builder.getStringAttr(reason_));
    mlir::Block* body = builder.createBlock(&fusion.getBody());
    mlir::IRMapping mapping;
    for (Value operand : operands) mapping.map(operand, body->addArgument(operand.getType(), operand.getLoc()));
    for (Operation* op : ordered) builder.clone(*op, mapping);
    llvm::SmallVector<Value> returned;
    for (Value result : results) returned.push_back(mapping.lookup(result));
    builder.create<core::ReturnOp>(fusion.getLoc(), returned);
    for (auto [old_value, new_value] : llvm::zip(results, fusion.getResults())) {
      Value(old_value).replaceUsesWithIf(new_value, [&](mlir::OpOperand& use) {
        return use.getOwner() != fusion.getOperation() && !ops_.contains(InBlock(use.getOwner()));
      });
    }
    for (Operation* op : llvm::reverse(ordered)) {
      if (op->use_empty()) op->erase();
    }
  }

 private:
  // Ops that each group repeats for itself; the original stays for the users outside.
  static bool IsCopied(Operation* op) {
    const OpClass c = Classify(op);
    return c == OpClass::kFree || c == OpClass::kBroadcast;
  }
  // The ancestor of `op` that stands in the root's block.
  Operation* InBlock(Operation* op) { return root_->getBlock()->findAncestorOpInBlock(*op); }

  bool AllUsersInside(Operation* op) {
    return llvm::all_of(op->getUsers(), [&](Operation* user) { return ops_.contains(user); });
  }
  // A further result: every other user comes after the root, where the fusion will stand.
  bool OtherUsersComeLater(Operation* op) {
    return llvm::all_of(op->getUsers(), [&](Operation* user) {
      Operation* in_block = InBlock(user);
      return ops_.contains(user) || (in_block && root_->isBeforeInBlock(in_block));
    });
  }

  void Add(Operation* op, llvm::StringRef why) {
    ops_.insert(op);
    if (reason_.find(why) == std::string::npos) reason_ += (reason_.empty() ? "" : "; ") + why.str();
  }

  // Repeats until no producer of the group can join.
  void Grow() {
    bool grew = true;
    while (grew) {
      grew = false;
      for (size_t i = 0; i < ops_.size(); ++i) {
        Operation* user = ops_[i];
        // The operands of these are memory.
        if (Classify(user) == OpClass::kContraction || Classify(user) == OpClass::kWindow) continue;
        for (Value operand : user->getOperands()) {
          Operation* producer = operand.getDefiningOp();
          if (!producer || ops_.contains(producer) || producer->getBlock() != root_->getBlock()) continue;
          grew |= TryAdd(producer, operand, user);
        }
      }
    }
  }

  // Whether `user` reads its operand at the index that it computes.
  static bool ReadsInPlace(Operation* user) {
    const OpClass c = Classify(user);
    return c == OpClass::kElementwise || c == OpClass::kReduce || llvm::isa<core::AssumeDimsOp>(user);
  }

  bool TryAdd(Operation* producer, Value operand, Operation* user) {
    if (ops_.size() >= kMaxOps) return false;
    const bool at_full_index = core::DimsOf(operand) == full_;
    switch (Classify(producer)) {
      case OpClass::kElementwise:
      case OpClass::kMovement:
        if (AllUsersInside(producer) && CanReadThrough(user, operand)) {
          Add(producer, "single consumer");
          return true;
        }
        if (kind_ != "reduce" && Classify(producer) == OpClass::kElementwise && at_full_index && ReadsInPlace(user) &&
            IdentityPath(user) && OtherUsersComeLater(producer) && root_->getNumResults() == 1) {
          Add(producer, "further result at the same index");
          return true;
        }
        return false;
      case OpClass::kBroadcast:
      case OpClass::kScattered:
        if (!AllUsersInside(producer) || !CanReadThrough(user, operand)) {
          // A broadcast of something small may be read again by each consumer.
          if (Classify(producer) != OpClass::kBroadcast || !CanReadThrough(user, operand)) return false;
          Add(producer, "broadcast repeated");
          return true;
        }
        Add(producer, "single consumer");
        return TryAddRows(producer), true;
      case OpClass::kView:
        if (!AllUsersInside(producer)) return false;
        if (llvm::isa<core::AssumeDimsOp>(producer) || IsInnerView(producer)) {
          Add(producer, "single consumer");
          return true;
        }
        return false;
      case OpClass::kReduce:
        return TryAddReduce(producer, user);
      case OpClass::kWindow:
        if (kind_ != "loop" || heavy_ || !AllUsersInside(producer) || !CanReadThrough(user, operand)) return false;
        heavy_ = producer;
        Add(producer, "window with its consumer");
        return true;
      case OpClass::kContraction:
        if (kind_ != "loop" || heavy_ || !at_full_index || !ReadsInPlace(user) || !IdentityPath(user)) return false;
        if (!AllUsersInside(producer) && !OtherUsersComeLater(producer)) return false;
        heavy_ = producer;
        kind_ = "contraction";
        Add(producer, "epilogue of a contraction");
        return true;
      default:
        return false;
    }
  }

  // Whether an op may be computed where `user` reads it, without repeating much work.
  bool CanReadThrough(Operation* user, Value operand) {
    switch (Classify(user)) {
      case OpClass::kElementwise:
      case OpClass::kReduce:
      case OpClass::kMovement:
        return true;
      case OpClass::kView:
        return true;
      case OpClass::kBroadcast:
        return IsScalar(operand) && IsCheap(operand.getDefiningOp());
      default:
        return false;
    }
  }
  // A few instructions: repeating it for each vector is cheaper than a kernel.
  static bool IsCheap(Operation* op) {
    return llvm::isa<core::AddOp, core::SubtractOp, core::MulOp, core::NegateOp, core::ConvertOp, core::MaxOp,
                     core::MinOp, core::SelectOp, core::CompareOp, core::DivOp, core::ReshapeOp>(op);
  }
  // A reshape whose operand is computed for it alone.
  bool IsInnerView(Operation* view) {
    Operation* producer = view->getOperand(0).getDefiningOp();
    if (!producer || kind_ == "contraction") return false;
    if (IsScalar(view->getOperand(0)) && core::RankOf(view->getResult(0)) == 0) return true;
    const OpClass c = Classify(producer);
    return kind_ == "loop" && producer->hasOneUse() && (c == OpClass::kElementwise || c == OpClass::kMovement);
  }

  // Whether the user's own result is computed at the group's full index through elementwise ops only.
  bool IdentityPath(Operation* user) {
    llvm::SmallPtrSet<Operation*, 16> seen;
    return IdentityPath(user, seen);
  }
  // `seen`: what has been tried without success, as many paths may meet in one op.
  bool IdentityPath(Operation* user, llvm::SmallPtrSetImpl<Operation*>& seen) {
    if (!seen.insert(user).second) return false;
    if (user == root_) return Classify(root_) == OpClass::kElementwise;
    if (!ReadsInPlace(user) || Classify(user) == OpClass::kReduce) return false;
    return llvm::any_of(user->getUsers(), [&](Operation* next) {
      return ops_.contains(next) && ReadsInPlace(next) && core::DimsOf(next->getResult(0)) == full_ &&
             IdentityPath(next, seen);
    });
  }

  // Row groups -----------------------------------------------------------------------------------------------------------

  // A reduce that feeds an op of the group: row by row if the group's rows are the reduce's results.
  bool TryAddReduce(Operation* producer, Operation* user) {
    if (!ReducesTrailingDims(producer) || !AllUsersInside(producer) || kind_ == "contraction") return false;
    auto reduce = llvm::cast<core::ReduceOp>(producer);
    Dims full = core::DimsOf(reduce.getOperand());
    const size_t rows = full.size() - reduce.getDimensions().size();
    if (is_row_group_) {
      if (full != full_ || rows != rows_) return false;
    } else {
      // The group so far is elementwise work on the rows.
      if (heavy_ || core::DimsOf(reduce.getResult()) != full_ || !IdentityPath(user) || !OnlyElementwise()) return false;
      is_row_group_ = true;
      full_ = full;
      rows_ = rows;
      heavy_ = producer;
      kind_ = "reduce";
    }
    Add(producer, "row reduction with its consumers");
    return true;
  }
  bool OnlyElementwise() {
    return llvm::all_of(ops_, [](Operation* op) {
      const OpClass c = Classify(op);
      return c == OpClass::kElementwise || c == OpClass::kFree;
    });
  }

  // A broadcast of row values into the group's full index: takes the row work behind it, if all of it ends in
  // reductions over the full index.
  bool TryAddRows(Operation* broadcast) {
    auto op = llvm::dyn_cast<core::BroadcastInDimOp>(broadcast);
    if (!op || kind_ == "contraction" || core::DimsOf(op.getResult()) != full_) return false;
    llvm::SetVector<Operation*> row_ops;
    size_t rows = 0;
    if (!CollectRows(op.getOperand(), broadcast, row_ops, rows)) return false;
    if (is_row_group_ ? rows != rows_ : heavy_ != nullptr) return false;
    llvm::ArrayRef<int64_t> dims = op.getBroadcastDimensions();
    for (size_t i = 0; i < dims.size(); ++i) {
      if (dims[i] != static_cast<int64_t>(i)) return false;
    }
    for (Operation* row_op : row_ops) Add(row_op, "row reduction with its consumers");
    if (!is_row_group_) {
      is_row_group_ = true;
      rows_ = rows;
      kind_ = "reduce";
      heavy_ = row_ops.back();
    }
    return true;
  }
  bool CollectRows(Value value, Operation* user, llvm::SetVector<Operation*>& row_ops, size_t& rows) {
    Operation* op = value.getDefiningOp();
    if (!op || op->getBlock() != root_->getBlock()) return false;
    if (row_ops.contains(op) || ops_.contains(op)) return true;
    const bool users_inside = llvm::all_of(op->getUsers(), [&](Operation* u) {
      return u == user || ops_.contains(u) || row_ops.contains(u);
    });
    if (!users_inside) return false;
    if (Classify(op) == OpClass::kReduce) {
      if (!ReducesTrailingDims(op) || core::DimsOf(op->getOperand(0)) != full_) return false;
      rows = full_.size() - llvm::cast<core::ReduceOp>(op).getDimensions().size();
      row_ops.insert(op);
      return true;
    }
    if (Classify(op) != OpClass::kElementwise && Classify(op) != OpClass::kView) return false;
    llvm::SetVector<Operation*> saved = row_ops;
    bool found = false;
    row_ops.insert(op);
    for (Value operand : op->getOperands()) found |= CollectRows(operand, op, row_ops, rows);
    if (!found) row_ops = saved;
    return found;
  }

  // What lies between a contraction and its packed operand says how to read the panels, and is no work.
  void AddPanels() {
    for (size_t i = 0; i < ops_.size(); ++i) {
      if (!core::PanelsOf(ops_[i])) continue;
      Operation* reshape = ops_[i]->getOperand(1).getDefiningOp();
      ops_.insert(reshape);
      ops_.insert(reshape->getOperand(0).getDefiningOp());
    }
  }

  // Copies of what is free to recompute.
  void InlineFreeOperands() {
    for (size_t i = 0; i < ops_.size(); ++i) {
      for (Value operand : ops_[i]->getOperands()) {
        Operation* producer = operand.getDefiningOp();
        if (!producer || ops_.contains(producer) || producer->getBlock() != root_->getBlock()) continue;
        const bool is_memory_operand = ops_[i] == heavy_ && Classify(heavy_) != OpClass::kReduce;
        if (Classify(producer) == OpClass::kFree && !is_memory_operand) ops_.insert(producer);
      }
    }
  }

  Operation* root_;
  std::string kind_, reason_;
  Operation* heavy_ = nullptr;
  llvm::SetVector<Operation*> ops_;
  Dims full_;          // the index space of the kernel
  size_t rows_ = 0;    // of a row group: how many leading dimensions are rows
  bool is_row_group_ = false;
};

// Constants of an enclosing block are copied next to their users, so that they can join a group there.
void LocalizeFreeOps(mlir::Block& block) {
  llvm::DenseMap<Operation*, Operation*> copies;
  for (Operation& op : llvm::make_early_inc_range(block)) {
    for (mlir::OpOperand& operand : op.getOpOperands()) {
      Operation* producer = operand.get().getDefiningOp();
      if (!producer || producer->getBlock() == &block || Classify(producer) != OpClass::kFree) continue;
      Operation*& copy = copies[producer];
      if (!copy) {
        mlir::OpBuilder builder(&block, block.begin());
        copy = builder.clone(*producer);
      }
      operand.set(copy->getResult(llvm::cast<mlir::OpResult>(operand.get()).getResultNumber()));
    }
  }
}

void FuseBlock(mlir::Block& block, const FuseOptions& options) {
  LocalizeFreeOps(block);
  // Consumers first: a producer that joined its consumer's group is gone when its turn comes.
  llvm::SmallVector<Operation*> pending;
  for (Operation& op : block) pending.push_back(&op);
  llvm::DenseSet<Operation*> done;
  while (!pending.empty()) {
    Operation* op = pending.pop_back_val();
    if (done.contains(op) || llvm::isa<core::FusionOp>(op)) continue;
    for (mlir::Region& region : op->getRegions()) {
      for (mlir::Block& nested : region) FuseBlock(nested, options);
    }
    const OpClass op_class = Classify(op);
    if (op_class == OpClass::kOutside || op_class == OpClass::kView) continue;
    if (op->use_empty()) {
      op->erase();
      continue;
    }
    // Free values that nothing inlined (a fetch of a constant) still need memory: a kernel of one op.
    Group group(op, options.enabled);
    llvm::SmallVector<Operation*> members(group.ops().begin(), group.ops().end());
    for (Operation* member : members) {
      // Copied producers stay for their other users and get their own turn.
      const bool stays = llvm::any_of(member->getUsers(), [&](Operation* user) {
        return !group.ops().contains(block.findAncestorOpInBlock(*user));
      });
      const OpClass c = Classify(member);
      if (member != op && stays && (c == OpClass::kFree || c == OpClass::kBroadcast)) continue;
      done.insert(member);
    }
    group.Build();
  }
}

}  // namespace

void Fuse(mlir::ModuleOp module, const FuseOptions& options) {
  for (Operation& op : llvm::make_early_inc_range(*module.getBody())) {
    for (mlir::Region& region : op.getRegions()) {
      for (mlir::Block& block : region) FuseBlock(block, options);
    }
  }
}

}  // namespace stator::compiler
