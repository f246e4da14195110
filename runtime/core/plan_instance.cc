#include "runtime/core/plan_instance.h"

#include <algorithm>
#include <string>
#include <utility>

#include "executable/expr_eval.h"
#include "executable/plan_checker/plan_checker.h"

namespace stator::runtime {
namespace {

using executable::Expr;
using executable::ExprKind;
using executable::InvalidArgument;
using executable::Result;
using executable::Status;

// Rough throughput of one core; decides only how many threads share a launch, never a result.
constexpr double kBytesPerNs = 8;
constexpr double kFlopsPerNs = 16;

bool Fits(const executable::Symbol& symbol, int64_t value) {
  return value >= symbol.min && value <= symbol.max && value % symbol.divisor == 0;
}

// `what`: the symbol, for people.
Status Refused(const std::string& what, const executable::Symbol& symbol, int64_t value) {
  std::string rule = "a multiple of " + std::to_string(symbol.divisor);
  if (value < symbol.min) rule = "at least " + std::to_string(symbol.min);
  if (value > symbol.max) rule = "at most " + std::to_string(symbol.max);
  return InvalidArgument(what + " must be " + rule + ", got " + std::to_string(value));
}

class InstanceMaker {
 public:
  InstanceMaker(const Program& p, int32_t entry, const std::vector<int64_t>& symbols)
      : p_(p), m_(*p.model), entry_(entry), out_(std::make_shared<PlanInstance>()) {
    out_->symbols = symbols;
  }

  Result<std::shared_ptr<const PlanInstance>> Make(bool check_plan, GuardFailure* guard_failure) {
    for (size_t i = 0; i < m_.symbols.size(); ++i) {
      // With several entry points, symbols of the others stay 0 and unchecked.
      if (m_.symbols[i].life != executable::SymbolLife::kInput || !Binds(static_cast<int32_t>(i))) {
        continue;
      }
      if (!Fits(m_.symbols[i], out_->symbols[i])) {
        return Refused(WhereGiven(static_cast<int32_t>(i)) + ",", m_.symbols[i], out_->symbols[i]);
      }
    }
    Evaluate();
    STATOR_EXEC_RETURN_IF_ERROR(CheckGuards(guard_failure));
    STATOR_EXEC_RETURN_IF_ERROR(LayOut());
    STATOR_EXEC_RETURN_IF_ERROR(PlanLaunches());
    if (check_plan) STATOR_EXEC_RETURN_IF_ERROR(CheckMemory());
    return std::shared_ptr<const PlanInstance>(out_);
  }

 private:
  const executable::EntryPoint& Entry() const { return m_.entry_points[entry_]; }

  // The one of `dims` that gives the symbol its value (the last, see BindInputs), or kNone.
  int32_t FindDim(const std::vector<int32_t>& dims, int32_t symbol) const {
    for (size_t d = dims.size(); d-- > 0;) {
      const Expr& e = m_.expressions[dims[d]];
      if (e.kind == ExprKind::kSymbol && e.value == symbol) return static_cast<int32_t>(d);
    }
    return kNone;
  }

  bool Binds(int32_t symbol) const {
    return std::any_of(
               Entry().feeds.begin(), Entry().feeds.end(),
               [&](const executable::Port& f) { return FindDim(f.dims, symbol) != kNone; }) ||
           std::any_of(Entry().variables.begin(), Entry().variables.end(),
                       [&](const executable::Variable& v) {
                         return FindDim(v.read_dims, symbol) != kNone;
                       });
  }

  // "input x:0, dimension 0 (batch)": what gave an Input symbol its value.
  std::string WhereGiven(int32_t symbol) const {
    const std::string& name = m_.symbols[symbol].name;
    const auto text = [&](const char* what, const std::string& of, int32_t dim) {
      return what + of + ", dimension " + std::to_string(dim) + " (" + name + ")";
    };
    for (const executable::Port& f : Entry().feeds) {
      const int32_t dim = FindDim(f.dims, symbol);
      if (dim != kNone) return text("input ", f.name, dim);
    }
    for (const executable::Variable& v : Entry().variables) {
      const int32_t dim = FindDim(v.read_dims, symbol);
      if (dim != kNone) return text("variable ", v.name, dim);
    }
    return name;
  }

  void Evaluate() {
    out_->values.assign(m_.expressions.size(), 0);
    bad_.assign(m_.expressions.size(), false);
    for (size_t i = 0; i < m_.expressions.size(); ++i) {
      const Expr& e = m_.expressions[i];
      int64_t* value = &out_->values[i];
      if (!p_.uses[i].KnownAtStart()) continue;
      if (e.kind == ExprKind::kConst) *value = e.value;
      if (e.kind == ExprKind::kSymbol) *value = out_->symbols[e.value];
      if (e.kind < ExprKind::kAdd) continue;
      bad_[i] = bad_[e.lhs] || bad_[e.rhs] ||
                !executable::ApplyExpr(e.kind, out_->values[e.lhs], out_->values[e.rhs], value);
      if (bad_[i]) *value = 0;
    }
  }

  // Expressions that overflow are an error where something needs them.
  Status Need(int32_t e) const {
    if (!bad_[e]) return Status::Ok();
    std::string text = "size " + executable::ExprToString(m_, e) + " overflows or divides by zero";
    std::vector<bool> used(m_.expressions.size(), false);
    used[e] = true;
    const char* separator = ": ";
    for (int32_t i = e; i >= 0; --i) {  // operands have smaller indices
      const Expr& expr = m_.expressions[i];
      if (!used[i]) continue;
      if (expr.kind == ExprKind::kSymbol) {
        text += separator + WhereGiven(static_cast<int32_t>(expr.value)) + " is " +
                std::to_string(out_->symbols[expr.value]);
        separator = ", ";
      }
      if (expr.kind >= ExprKind::kAdd) used[expr.lhs] = used[expr.rhs] = true;
    }
    return InvalidArgument(std::move(text));
  }

  Status CheckGuards(GuardFailure* failure) {
    const std::vector<executable::Guard>& guards = Entry().guards;
    for (size_t i = 0; i < guards.size(); ++i) {
      const executable::Guard& g = guards[i];
      STATOR_EXEC_RETURN_IF_ERROR(Need(g.lhs));
      STATOR_EXEC_RETURN_IF_ERROR(Need(g.rhs));
      const int64_t lhs = out_->values[g.lhs];
      const int64_t rhs = out_->values[g.rhs];
      bool holds = false;
      switch (g.relation) {
        case executable::Relation::kEqual:
          holds = lhs == rhs;
          break;
        case executable::Relation::kLessOrEqual:
          holds = lhs <= rhs;
          break;
        case executable::Relation::kDivides:
          holds = lhs == -1 || (lhs != 0 && rhs % lhs == 0);  // INT64_MIN % -1 traps
          break;
      }
      if (holds) continue;
      if (failure != nullptr) *failure = {static_cast<int32_t>(i), lhs, rhs};
      return InvalidArgument(g.message + " (" + executable::ExprToString(m_, g.lhs) + " = " +
                             std::to_string(lhs) + ", " + executable::ExprToString(m_, g.rhs) +
                             " = " + std::to_string(rhs) + ")");
    }
    return Status::Ok();
  }

  Status LayOut() {
    const executable::WaveRange waves = p_.entry_waves[entry_];
    for (const executable::Buffer& b : m_.buffers) {
      if (b.first_wave < waves.first || b.last_wave > waves.last) continue;
      if (p_.uses[b.byte_size].KnownAtStart()) STATOR_EXEC_RETURN_IF_ERROR(Need(b.byte_size));
      if (b.alias_of != kNone && p_.uses[b.alias_offset].KnownAtStart()) {
        STATOR_EXEC_RETURN_IF_ERROR(Need(b.alias_offset));
      }
    }
    STATOR_EXEC_ASSIGN_OR_RETURN(
        out_->layout, executable::LayOutArena(m_, out_->values, waves.first, waves.last));
    for (int64_t bytes : out_->layout.segment_bytes) {
      out_->segment_start.push_back(out_->arena_bytes);
      // Segments start where any buffer may start.
      out_->arena_bytes += (bytes + p_.arena_alignment - 1) & ~(p_.arena_alignment - 1);
    }
    return Status::Ok();
  }

  Status PlanLaunches() {
    out_->grids.assign(p_.phases.size(), 0);
    out_->launches.resize(p_.launches.size());
    std::vector<int64_t> scalars;
    for (size_t i = 0; i < p_.launches.size(); ++i) {
      const ProgramLaunch& launch = p_.launches[i];
      if (launch.entry != entry_ || !launch.is_static) continue;
      scalars.clear();
      for (int32_t e : launch.launch->scalars) {
        STATOR_EXEC_RETURN_IF_ERROR(Need(e));
        scalars.push_back(out_->values[e]);
      }
      STATOR_EXEC_RETURN_IF_ERROR(PlanLaunch(p_, launch, scalars.data(), out_->values,
                                             &out_->grids[launch.first_phase], &out_->launches[i]));
      out_->scratch_stride = std::max(out_->scratch_stride, out_->launches[i].scratch);
    }
    return Status::Ok();
  }

  Status CheckMemory() {
    executable::ConcretePlan plan;
    for (const executable::Buffer& b : m_.buffers) {
      plan.sizes.push_back(p_.uses[b.byte_size].KnownAtStart() ? out_->values[b.byte_size] : -1);
      int64_t offset = 0;
      if (b.alias_of != kNone) {
        offset = p_.uses[b.alias_offset].KnownAtStart() ? out_->values[b.alias_offset] : -1;
      }
      plan.alias_offsets.push_back(offset);
    }
    plan.arena_offsets = out_->layout.offsets;
    const std::vector<executable::Violation> found = executable::CheckPlan(m_, entry_, plan);
    if (found.empty()) return Status::Ok();
    std::string message = "the memory plan is wrong in " + std::to_string(found.size()) +
                          " places: " + found[0].message;
    return executable::Internal(std::move(message));
  }

  const Program& p_;
  const ImageModel& m_;
  const int32_t entry_;
  std::shared_ptr<PlanInstance> out_;
  std::vector<bool> bad_;
};

}  // namespace

Status CheckSymbol(const executable::Symbol& symbol, int64_t value) {
  return Fits(symbol, value) ? Status::Ok() : Refused(symbol.name, symbol, value);
}

Status PlanLaunch(const Program& program, const ProgramLaunch& launch, const int64_t* scalars,
                  const std::vector<int64_t>& values, int64_t* grids, LaunchPlan* plan) {
  const ImageModel& m = *program.model;
  const executable::Kernel& kernel = *launch.kernel;
  for (size_t i = 0; i < kernel.phases.size(); ++i) {
    STATOR_EXEC_ASSIGN_OR_RETURN(
        const int64_t grid, executable::EvaluateExpr(m, kernel.phases[i].grid, nullptr, scalars));
    grids[i] = std::max<int64_t>(grid, 0);
  }
  if (kernel.scratch_bytes != kNone) {
    STATOR_EXEC_ASSIGN_OR_RETURN(
        const int64_t scratch, executable::EvaluateExpr(m, kernel.scratch_bytes, nullptr, scalars));
    if (scratch < 0 || scratch > (int64_t{1} << 40)) {
      return InvalidArgument("kernel " + kernel.name + ": scratch of " + std::to_string(scratch) +
                             " bytes");
    }
    plan->scratch = (scratch + 63) & ~int64_t{63};
  }
  const executable::Report& report = launch.launch->report;
  plan->cost_ns = -1;
  if (report.bytes != kNone || report.flops != kNone) {
    const double bytes = report.bytes == kNone ? 0 : static_cast<double>(values[report.bytes]);
    const double flops = report.flops == kNone ? 0 : static_cast<double>(values[report.flops]);
    plan->cost_ns = bytes / kBytesPerNs + flops / kFlopsPerNs;
  }
  return Status::Ok();
}

Result<std::shared_ptr<const PlanInstance>> MakePlanInstance(const Program& program, int32_t entry,
                                                             const std::vector<int64_t>& symbols,
                                                             bool check_plan,
                                                             GuardFailure* guard_failure) {
  return InstanceMaker(program, entry, symbols).Make(check_plan, guard_failure);
}

}  // namespace stator::runtime
