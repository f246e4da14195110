#include "runtime/core/program.h"

#include <algorithm>
#include <set>
#include <string_view>

#include "executable/image_builder.h"
#include "executable/printer.h"

namespace stator::runtime {
namespace {

using executable::BufferKind;
using executable::ExprKind;
using executable::Result;
using executable::Status;

class Builder {
 public:
  Builder(const executable::ImageView& view, const HostRegistry& host)
      : view_(view), m_(view.plan), host_(host), p_(std::make_unique<Program>()) {}

  Result<std::unique_ptr<Program>> Build() {
    p_->model = &m_;
    p_->uses = executable::ExprUses(m_);
    p_->blocks.resize(m_.blocks.size());
    p_->has_alloc.resize(m_.buffers.size());
    STATOR_EXEC_RETURN_IF_ERROR(CheckDevices());
    for (size_t i = 0; i < m_.entry_points.size(); ++i) {
      const executable::EntryPoint& entry = m_.entry_points[i];
      entry_ = static_cast<int32_t>(i);
      p_->entry_waves.push_back(executable::EntryWaves(m_, entry));
      STATOR_EXEC_RETURN_IF_ERROR(CheckVariables(entry));
      STATOR_EXEC_RETURN_IF_ERROR(AddBlock(entry.init_block));
      STATOR_EXEC_RETURN_IF_ERROR(AddBlock(entry.main_block));
    }
    FindSymbolDependents();
    FindAddressDependents();
    STATOR_EXEC_RETURN_IF_ERROR(PrepareConstants());
    return std::move(p_);
  }

 private:
  Status CheckDevices() {
    for (const executable::Device& d : m_.devices) {
      if (d.kind != "cpu") {
        return executable::Unimplemented("device " + d.name + " of kind " + d.kind +
                                         ": this runtime runs cpu only");
      }
    }
    return Status::Ok();
  }

  Status CheckVariables(const executable::EntryPoint& entry) {
    for (const executable::Variable& v : entry.variables) {
      if (executable::IsObjectDType(v.dtype)) {
        return executable::Unimplemented("variable " + v.name + ": of type " +
                                         executable::DTypeName(v.dtype));
      }
    }
    return Status::Ok();
  }

  Status AddBlock(int32_t block) {
    if (block == kNone) return Status::Ok();
    for (const executable::Wave& wave : m_.blocks[block].waves) {
      ProgramWave out;
      out.number = wave.number;
      for (const executable::Step& step : wave.steps) {
        STATOR_EXEC_ASSIGN_OR_RETURN(ProgramStep s, AddStep(step, block, wave.number));
        out.steps.push_back(s);
      }
      out.is_group =
          wave.steps.size() > 1 &&
          std::all_of(out.steps.begin(), out.steps.end(), [&](const ProgramStep& s) {
            return s.launch != kNone && p_->launches[s.launch].kernel->phases.size() == 1;
          });
      p_->blocks[block].push_back(std::move(out));
      // A control step stands alone in its wave; its blocks follow it in program order.
      for (const executable::Step& step : wave.steps) {
        STATOR_EXEC_RETURN_IF_ERROR(AddNested(step));
      }
    }
    return Status::Ok();
  }

  Status AddNested(const executable::Step& step) {
    if (const auto* branch = std::get_if<executable::If>(&step.body)) {
      STATOR_EXEC_RETURN_IF_ERROR(AddBlock(branch->then_block));
      return AddBlock(branch->else_block);
    }
    if (const auto* loop = std::get_if<executable::While>(&step.body)) {
      STATOR_EXEC_RETURN_IF_ERROR(AddBlock(loop->cond_block));
      return AddBlock(loop->body_block);
    }
    if (const auto* call = std::get_if<executable::CallBlock>(&step.body)) {
      return AddBlock(call->block);
    }
    return Status::Ok();
  }

  Result<ProgramStep> AddStep(const executable::Step& step, int32_t block, int32_t wave) {
    const auto id = static_cast<int32_t>(p_->steps.size());
    StepInfo info{&step, entry_, block, wave, nullptr, {}};
    int32_t launch = kNone;
    if (const auto* l = std::get_if<executable::LaunchKernel>(&step.body)) {
      const executable::Kernel& kernel = m_.kernels[l->kernel];
      for (size_t i = 0; i < l->buffers.size(); ++i) {
        if (kernel.arguments[i].access != executable::Access::kRead) Writes(l->buffers[i], &info);
      }
      launch = AddLaunch(*l, kernel, !info.writes_variables.empty());
    } else if (const auto* copy = std::get_if<executable::Copy>(&step.body)) {
      Writes(copy->destination, &info);
    } else if (const auto* alloc = std::get_if<executable::Alloc>(&step.body)) {
      p_->has_alloc[alloc->buffer] = true;
    } else if (const auto* use = std::get_if<executable::UseList>(&step.body)) {
      if (use->action == executable::ListAction::kPop) Writes(use->buffer, &info);
    } else if (const auto* call = std::get_if<executable::HostCall>(&step.body)) {
      for (int32_t b : call->outputs) Writes(b, &info);
      info.host_function = host_.Find(call->function);
      if (info.host_function == nullptr) {
        return AtStep(m_, step,
                      executable::NotFound("host function " + call->function +
                                           " is not registered in this program"));
      }
    } else if (const auto* declared = std::get_if<executable::Declared>(&step.body)) {
      return AtStep(m_, step,
                    executable::Unimplemented("step " + declared->name +
                                              ": this runtime does not transfer yet"));
    }
    p_->steps.push_back(std::move(info));
    return ProgramStep{step.kind(), id, launch, &step};
  }

  int32_t AddLaunch(const executable::LaunchKernel& l, const executable::Kernel& kernel,
                    bool writes_variable) {
    ProgramLaunch out{
        &l,           &kernel,         entry_, static_cast<int32_t>(p_->phases.size()),
        p_->num_args, p_->num_scalars, true,   writes_variable};
    for (int32_t e : l.scalars) out.is_static &= p_->uses[e].KnownAtStart();
    for (const executable::KernelPhase& phase : kernel.phases) {
      const uint8_t* code = view_.code + kernel.code_offset + phase.entry_offset;
      p_->phases.push_back(
          reinterpret_cast<executable::KernelFn>(reinterpret_cast<uintptr_t>(code)));
    }
    p_->num_args += static_cast<int32_t>(l.buffers.size());
    p_->num_scalars += static_cast<int32_t>(l.scalars.size());
    p_->launches.push_back(out);
    return static_cast<int32_t>(p_->launches.size() - 1);
  }

  void Writes(int32_t buffer, StepInfo* info) {
    while (m_.buffers[buffer].alias_of != kNone) buffer = m_.buffers[buffer].alias_of;
    if (m_.buffers[buffer].kind != BufferKind::kVariableWrite) return;
    const std::vector<executable::Variable>& variables = m_.entry_points[entry_].variables;
    for (size_t i = 0; i < variables.size(); ++i) {
      if (variables[i].write_buffer == buffer) {
        info->writes_variables.push_back(static_cast<int32_t>(i));
      }
    }
  }

  void FindSymbolDependents() {
    p_->symbol_dependents.resize(m_.symbols.size());
    std::vector<std::set<int32_t>> leaves(m_.expressions.size());
    for (size_t i = 0; i < m_.expressions.size(); ++i) {
      const executable::Expr& e = m_.expressions[i];
      if (!p_->uses[i].step && !p_->uses[i].loop) continue;
      if (e.kind == ExprKind::kSymbol) leaves[i].insert(static_cast<int32_t>(e.value));
      if (e.kind >= ExprKind::kAdd) {
        leaves[i] = leaves[e.lhs];
        leaves[i].insert(leaves[e.rhs].begin(), leaves[e.rhs].end());
      }
      for (int32_t s : leaves[i]) p_->symbol_dependents[s].push_back(static_cast<int32_t>(i));
    }
  }

  int32_t Base(int32_t b) const {
    const executable::Buffer& buffer = m_.buffers[b];
    return buffer.alias_of != kNone ? buffer.alias_of : buffer.in_place_of;
  }

  void FindAddressDependents() {
    const auto n = static_cast<int32_t>(m_.buffers.size());
    p_->address_dependents.resize(m_.buffers.size());
    std::vector<std::pair<int, int32_t>> by_depth;  // bases before what hangs on them
    for (int32_t b = 0; b < n; ++b) {
      int depth = 0;
      for (int32_t at = Base(b); at != kNone; at = Base(at)) ++depth;
      by_depth.emplace_back(depth, b);
      const executable::Buffer& buffer = m_.buffers[b];
      p_->arena_alignment = std::max(p_->arena_alignment, buffer.alignment);
      if (buffer.alias_of != kNone && !p_->uses[buffer.alias_offset].KnownAtStart()) {
        p_->moving_views.push_back(b);
      }
    }
    std::sort(by_depth.begin(), by_depth.end());
    for (const auto& [depth, b] : by_depth) {
      for (int32_t at = Base(b); at != kNone; at = Base(at)) {
        p_->address_dependents[at].push_back(b);
      }
    }
  }

  Status PrepareConstants() {
    p_->constants.assign(m_.buffers.size(), nullptr);
    p_->constant_bytes.assign(m_.buffers.size(), 0);
    p_->constant_strings.resize(m_.buffers.size());
    p_->constant_handles.resize(m_.buffers.size());
    for (size_t i = 0; i < m_.buffers.size(); ++i) {
      const executable::Buffer& b = m_.buffers[i];
      if (b.kind != BufferKind::kConstant || b.alias_of != kNone) continue;
      const uint8_t* bytes = view_.constants + b.constant_offset;
      if (!executable::IsObjectDType(b.dtype)) {
        // The plan never writes constants (verified); kernels take plain pointers.
        p_->constants[i] = const_cast<uint8_t*>(bytes);
        p_->constant_bytes[i] = b.constant_size;
        continue;
      }
      STATOR_EXEC_ASSIGN_OR_RETURN(
          std::vector<std::string> strings,
          executable::DecodeStrings(std::string_view(reinterpret_cast<const char*>(bytes),
                                                     static_cast<size_t>(b.constant_size))));
      p_->constant_strings[i] = std::make_unique<std::vector<std::string>>(std::move(strings));
      p_->constant_handles[i] = std::make_unique<std::vector<const std::string*>>();
      for (const std::string& s : *p_->constant_strings[i]) {
        p_->constant_handles[i]->push_back(&s);
      }
      p_->constants[i] = p_->constant_handles[i]->data();
      p_->constant_bytes[i] = static_cast<int64_t>(8 * p_->constant_handles[i]->size());
    }
    return Status::Ok();
  }

  const executable::ImageView& view_;
  const ImageModel& m_;
  const HostRegistry& host_;
  std::unique_ptr<Program> p_;
  int32_t entry_ = 0;
};

}  // namespace

Result<std::unique_ptr<Program>> BuildProgram(const executable::ImageView& view,
                                              const HostRegistry& host) {
  return Builder(view, host).Build();
}

Status AtStep(const ImageModel& model, const executable::Step& step, const Status& status) {
  int32_t node = step.source_node;
  if (const auto* launch = std::get_if<executable::LaunchKernel>(&step.body)) {
    if (node == kNone && !launch->report.source_nodes.empty()) {
      node = launch->report.source_nodes.front();
    }
  }
  if (node == kNone || status.ok()) return status;
  return Status(status.code(),
                "node " + executable::PrintNode(model, node) + ": " + status.message());
}

}  // namespace stator::runtime
