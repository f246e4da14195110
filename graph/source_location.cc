#include "graph/source_location.h"

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace stator::graph {
namespace {

// Traces are keyed by node and function; the main graph has an empty one.
std::string TraceKey(absl::string_view node, absl::string_view function) {
  return absl::StrCat(node, "@", function);
}

SourceLocation FromFrames(const GraphDebugInfo& info,
                          const std::vector<const GraphDebugInfo::FileLineCol*>& frames) {
  SourceLocation innermost;
  for (const GraphDebugInfo::FileLineCol* frame : frames) {
    if (frame->file_index() < 0 || frame->file_index() >= info.files_size()) continue;
    SourceLocation source{info.files(frame->file_index()), frame->line(), frame->func()};
    if (!source.known()) continue;
    if (!absl::StrContains(source.file, "/tensorflow")) return source;
    if (!innermost.known()) innermost = source;
  }
  return innermost;
}

}  // namespace

std::string SourceLocation::Text() const {
  return known() ? absl::StrCat(file, ":", line) : std::string();
}

SourceLocation FindSource(const GraphDebugInfo& info, absl::string_view node,
                          absl::string_view function) {
  const GraphDebugInfo::StackTrace* trace = nullptr;
  for (const std::string& key : {TraceKey(node, function), std::string(node)}) {
    if (const auto it = info.traces().find(key); it != info.traces().end()) trace = &it->second;
    const auto id = info.name_to_trace_id().find(key);
    if (trace == nullptr && id != info.name_to_trace_id().end()) {
      const auto by_id = info.traces_by_id().find(id->second);
      if (by_id != info.traces_by_id().end()) trace = &by_id->second;
    }
    if (trace != nullptr || !function.empty()) break;
  }
  if (trace == nullptr) return {};
  std::vector<const GraphDebugInfo::FileLineCol*> frames;
  for (const auto& frame : trace->file_line_cols()) frames.push_back(&frame);
  for (const uint64_t id : trace->frame_id()) {
    const auto it = info.frames_by_id().find(id);
    if (it != info.frames_by_id().end()) frames.push_back(&it->second);
  }
  return FromFrames(info, frames);
}

SourceRecorder::SourceRecorder(GraphDebugInfo* info) : info_(info) {
  for (int i = 0; i < info->files_size(); ++i) files_.emplace(info->files(i), i);
}

void SourceRecorder::Add(absl::string_view node, absl::string_view function,
                         const SourceLocation& source) {
  const std::string key = TraceKey(node, function);
  if (!source.known() || FindSource(*info_, node, function).known()) return;
  const auto [it, is_new] = files_.emplace(source.file, info_->files_size());
  if (is_new) info_->add_files(source.file);
  auto* frame = (*info_->mutable_traces())[key].add_file_line_cols();
  frame->set_file_index(it->second);
  frame->set_line(source.line);
  frame->set_func(source.function);
}

}  // namespace stator::graph
