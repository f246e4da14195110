#include "executable/verify_blocks.h"

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "executable/model_tables.h"
#include "executable/printer.h"
#include "executable/verify_entry.h"
#include "executable/verify_step.h"
#include "executable/wave_range.h"

namespace stator::executable {
namespace {

constexpr int kMaxDepth = 64;
constexpr int32_t kMaxLists = 1 << 16;

class BlockVerifier {
 public:
  explicit BlockVerifier(const ImageModel& m)
      : m_(m), tables_(m), entered_(m.blocks.size(), false) {}

  Status Run() {
    if (m_.num_lists < 0 || m_.num_lists > kMaxLists) {
      return InvalidArgument("the number of lists must be in [0, " + std::to_string(kMaxLists) +
                             "], found " + std::to_string(m_.num_lists));
    }
    for (const EntryPoint& entry : m_.entry_points) {
      STATOR_EXEC_RETURN_IF_ERROR(VerifyEntry(tables_, entry));
      in_init_ = true;
      if (entry.init_block != kNone) STATOR_EXEC_RETURN_IF_ERROR(Enter(entry.init_block, 0));
      in_init_ = false;
      STATOR_EXEC_RETURN_IF_ERROR(Enter(entry.main_block, 0));
    }
    for (size_t i = 0; i < entered_.size(); ++i) {
      if (!entered_[i]) return InvalidArgument("block " + m_.blocks[i].name + ": nobody runs it");
    }
    STATOR_EXEC_RETURN_IF_ERROR(VariableTypes());
    return ArenaLifetimes();
  }

 private:
  // Entry points and initial values agree on what a variable is.
  Status VariableTypes() const {
    std::map<std::string_view, std::pair<DType, size_t>> types;
    const auto agrees = [&](const std::string& name, DType dtype, size_t rank) {
      const auto [at, fresh] = types.emplace(name, std::make_pair(dtype, rank));
      return fresh || at->second == std::make_pair(dtype, rank);
    };
    for (const EntryPoint& entry : m_.entry_points) {
      for (const Variable& v : entry.variables) {
        if (v.read_buffer == kNone && v.write_buffer == kNone) continue;  // asks if it has a value
        const size_t rank = (v.read_buffer != kNone ? v.read_dims : v.write_dims).size();
        if (!agrees(v.name, v.dtype, rank)) {
          return InvalidArgument("entry " + entry.name + ", variable " + v.name +
                                 ": has another dtype or rank elsewhere");
        }
      }
    }
    for (const StoredTensor& t : m_.initial_values) {
      if (!agrees(t.name, t.dtype, t.dims.size())) {
        return InvalidArgument("initial value of " + t.name +
                               ": has another dtype or rank than the variable");
      }
    }
    return Status::Ok();
  }

  // An arena is laid out for one entry point: a buffer outside its waves would get no memory.
  Status ArenaLifetimes() const {
    std::vector<WaveRange> ranges;
    for (const EntryPoint& entry : m_.entry_points) ranges.push_back(EntryWaves(m_, entry));
    for (const Buffer& b : m_.buffers) {
      if (b.kind != BufferKind::kArena) continue;
      if (std::none_of(ranges.begin(), ranges.end(), [&](const WaveRange& r) {
            return r.first <= b.first_wave && b.last_wave <= r.last;
          })) {
        return InvalidArgument("buffer " + b.name + ": lives in waves " +
                               std::to_string(b.first_wave) + ".." + std::to_string(b.last_wave) +
                               ", which no entry point holds");
      }
    }
    return Status::Ok();
  }

  Status Enter(int32_t block, int depth) {
    if (block < 0 || static_cast<size_t>(block) >= m_.blocks.size()) {
      return InvalidArgument("block " + std::to_string(block) + " does not exist");
    }
    const Block& b = m_.blocks[block];
    if (depth > kMaxDepth) {
      return InvalidArgument("block " + b.name + ": nested deeper than " +
                             std::to_string(kMaxDepth));
    }
    if (entered_[block]) return InvalidArgument("block " + b.name + ": run from two places");
    entered_[block] = true;
    for (const Wave& wave : b.waves) {
      if (wave.number <= last_wave_) {
        return InvalidArgument("block " + b.name + ": wave " + std::to_string(wave.number) +
                               " follows wave " + std::to_string(last_wave_));
      }
      last_wave_ = wave.number;
      for (const Step& step : wave.steps) {
        STATOR_EXEC_RETURN_IF_ERROR(OneStep(b, wave, step, depth));
      }
    }
    return Status::Ok();
  }

  Status OneStep(const Block& block, const Wave& wave, const Step& step, int depth) {
    if (!tables_.HasNode(step.source_node) || step.device < 0 ||
        static_cast<size_t>(step.device) >= m_.devices.size()) {
      return InvalidArgument("block " + block.name + ": a step's node or device does not exist");
    }
    const StepKind kind = step.kind();
    const bool control =
        kind == StepKind::kIf || kind == StepKind::kWhile || kind == StepKind::kCallBlock;
    std::string rule;
    if (control && wave.steps.size() != 1) rule = "a control step stands alone in its wave";
    if (const auto* use = std::get_if<UseList>(&step.body)) {
      for (const Step& other : wave.steps) {
        const auto* beside = std::get_if<UseList>(&other.body);
        if (beside != nullptr && beside != use && beside->list == use->list) {
          rule = "two steps of one wave use one list";
        }
      }
    }
    if (rule.empty()) {
      rule = BrokenStepRule(tables_, step, in_init_);
    }
    if (!rule.empty()) {
      return InvalidArgument("block " + block.name + ", wave " + std::to_string(wave.number) +
                             ", step " + PrintStep(m_, step) + ": " + rule);
    }
    if (const auto* branch = std::get_if<If>(&step.body)) {
      if (branch->then_block != kNone) {
        STATOR_EXEC_RETURN_IF_ERROR(Enter(branch->then_block, depth + 1));
      }
      if (branch->else_block != kNone) {
        STATOR_EXEC_RETURN_IF_ERROR(Enter(branch->else_block, depth + 1));
      }
    } else if (const auto* loop = std::get_if<While>(&step.body)) {
      STATOR_EXEC_RETURN_IF_ERROR(Enter(loop->cond_block, depth + 1));
      STATOR_EXEC_RETURN_IF_ERROR(Enter(loop->body_block, depth + 1));
    } else if (const auto* call = std::get_if<CallBlock>(&step.body)) {
      STATOR_EXEC_RETURN_IF_ERROR(Enter(call->block, depth + 1));
    }
    return Status::Ok();
  }

  const ImageModel& m_;
  const ModelTables tables_;
  std::vector<bool> entered_;
  bool in_init_ = false;
  int32_t last_wave_ = -1;
};

}  // namespace

Status VerifyBlocks(const ImageModel& model) { return BlockVerifier(model).Run(); }

}  // namespace stator::executable
