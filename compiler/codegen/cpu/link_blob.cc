#include "compiler/codegen/cpu/link_blob.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "compiler/codegen/cpu/support_object.h"
#include "llvm/ExecutionEngine/JITLink/JITLink.h"
#include "llvm/ExecutionEngine/JITLink/JITLinkMemoryManager.h"
#include "llvm/ExecutionEngine/JITLink/aarch64.h"
#include "llvm/ExecutionEngine/JITLink/x86_64.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBuffer.h"

namespace stator::compiler {
namespace {

namespace jitlink = llvm::jitlink;
namespace orc = llvm::orc;

// Where the linker believes the blob to be: page aligned and not zero, else arbitrary.
constexpr uint64_t kBase = 0x10000000;
constexpr uint64_t kMinAlignment = 64;

uint64_t AlignUp(uint64_t value, uint64_t alignment) {
  return (value + alignment - 1) / alignment * alignment;
}

llvm::Error Reject(const std::string& why) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), why);
}

// The bytes laid out so far and what they define.
struct Layout {
  std::vector<std::vector<char>> pieces;  // stable while graphs write into them
  std::vector<uint64_t> offsets;          // of each piece
  uint64_t size = 0;
  uint64_t alignment = kMinAlignment;
  llvm::StringMap<uint64_t> symbols;  // name → address
  std::string error;                  // empty while all is well
};

class BlobMemory : public jitlink::JITLinkMemoryManager {
 public:
  explicit BlobMemory(Layout* layout) : layout_(layout) {}

  void allocate(const jitlink::JITLinkDylib*, jitlink::LinkGraph& graph,
                OnAllocatedFunction done) override {
    jitlink::BasicLayout basic(graph);
    for (auto& [group, segment] : basic.segments()) {
      const uint64_t alignment = std::max<uint64_t>(kMinAlignment, segment.Alignment.value());
      layout_->alignment = std::max(layout_->alignment, alignment);
      const uint64_t offset = AlignUp(layout_->size, alignment);
      const uint64_t size = segment.ContentSize + segment.ZeroFillSize;
      // Zeroed: padding between blocks is never written, and the bytes must be reproducible.
      layout_->pieces.emplace_back(size, '\0');
      layout_->offsets.push_back(offset);
      layout_->size = offset + size;
      segment.Addr = orc::ExecutorAddr(kBase + offset);
      segment.WorkingMem = layout_->pieces.back().data();
    }
    if (llvm::Error error = basic.apply()) return done(std::move(error));
    done(std::make_unique<InFlight>());
  }

  void deallocate(std::vector<FinalizedAlloc> allocs, OnDeallocatedFunction done) override {
    for (FinalizedAlloc& alloc : allocs) alloc.release();
    done(llvm::Error::success());
  }

 private:
  class InFlight : public InFlightAlloc {
   public:
    void abandon(OnAbandonedFunction done) override { done(llvm::Error::success()); }
    void finalize(OnFinalizedFunction done) override {
      done(FinalizedAlloc(orc::ExecutorAddr(kBase)));
    }
  };

  Layout* layout_;
};

bool IsWritable(orc::MemProt protection) {
  return (static_cast<int>(protection) & static_cast<int>(orc::MemProt::Write)) != 0;
}

// Before pruning: what a blob must not contain, and what it does not need.
llvm::Error CheckSections(jitlink::LinkGraph& graph) {
  std::vector<jitlink::Section*> unneeded;
  for (jitlink::Section& section : graph.sections()) {
    if (section.blocks().empty()) continue;
    const llvm::StringRef name = section.getName();
    if (section.getMemLifetime() == orc::MemLifetime::NoAlloc) {
      unneeded.push_back(&section);
    } else if (name == ".eh_frame") {
      return Reject("unwind tables in section .eh_frame");
    } else if (IsWritable(section.getMemProt())) {
      return Reject("writable section " + name.str());
    }
  }
  for (jitlink::Section* section : unneeded) graph.removeSection(*section);
  return llvm::Error::success();
}

bool IsRelativeEdge(const llvm::Triple& triple, jitlink::Edge::Kind kind) {
  if (triple.getArch() == llvm::Triple::x86_64) {
    switch (kind) {
      case jitlink::x86_64::PCRel32:
      case jitlink::x86_64::BranchPCRel32:
      case jitlink::x86_64::Delta32:
      case jitlink::x86_64::Delta64:
      case jitlink::x86_64::NegDelta32:
        return true;
    }
    return false;
  }
  // Not Page21 and PageOffset12: they hold for whole pages between code and target only.
  switch (kind) {
    case jitlink::aarch64::Branch26PCRel:
    case jitlink::aarch64::ADRLiteral21:
    case jitlink::aarch64::LDRLiteral19:
    case jitlink::aarch64::Delta32:
    case jitlink::aarch64::Delta64:
      return triple.isAArch64();
  }
  return false;
}

// After layout: the proof of position independence. Every fixup is relative and stays inside.
llvm::Error CheckEdges(jitlink::LinkGraph& graph, uint64_t size) {
  for (jitlink::Block* block : graph.blocks()) {
    for (const jitlink::Edge& edge : block->edges()) {
      if (!edge.isRelocation()) continue;
      const jitlink::Symbol& target = edge.getTarget();
      const std::string name = target.hasName() ? target.getName().str() : "(unnamed)";
      if (!IsRelativeEdge(graph.getTargetTriple(), edge.getKind())) {
        return Reject(absl::StrCat("fixup ", graph.getEdgeKindName(edge.getKind()), " to ", name,
                                   " in section ", block->getSection().getName().str(),
                                   " depends on the address of the code"));
      }
      const uint64_t address = target.getAddress().getValue();
      if (target.isAbsolute() || address < kBase || address > kBase + size) {
        return Reject(absl::StrCat("fixup to ", name, " leaves the code"));
      }
    }
  }
  return llvm::Error::success();
}

class BlobContext : public jitlink::JITLinkContext {
 public:
  BlobContext(Layout* layout, std::vector<BlobEntry>* entries)
      : JITLinkContext(nullptr), layout_(layout), memory_(layout), entries_(entries) {}

  jitlink::JITLinkMemoryManager& getMemoryManager() override { return memory_; }

  void notifyFailed(llvm::Error error) override {
    layout_->error = llvm::toString(std::move(error));
  }

  void lookup(const LookupMap& names,
              std::unique_ptr<jitlink::JITLinkAsyncLookupContinuation> done) override {
    jitlink::AsyncLookupResult result;
    std::vector<std::string> missing;
    for (const auto& [name, flags] : names) {
      auto it = layout_->symbols.find(name);
      if (it == layout_->symbols.end()) {
        missing.push_back(name.str());
      } else {
        result[name] = {orc::ExecutorAddr(it->second), llvm::JITSymbolFlags::Exported};
      }
    }
    if (missing.empty()) return done->run(std::move(result));
    std::sort(missing.begin(), missing.end());
    std::string list;
    for (const std::string& name : missing) absl::StrAppend(&list, list.empty() ? "" : ", ", name);
    done->run(Reject("undefined symbol " + list));
  }

  llvm::Error notifyResolved(jitlink::LinkGraph& graph) override {
    for (jitlink::Symbol* symbol : graph.defined_symbols()) {
      if (!symbol->hasName() || symbol->getScope() == jitlink::Scope::Local) continue;
      const uint64_t address = symbol->getAddress().getValue();
      layout_->symbols[symbol->getName()] = address;
      if (entries_ != nullptr && symbol->isCallable()) {
        entries_->push_back({symbol->getName().str(), address - kBase});
      }
    }
    return llvm::Error::success();
  }

  void notifyFinalized(jitlink::JITLinkMemoryManager::FinalizedAlloc alloc) override {
    alloc.release();
  }

  // The default passes build a GOT with absolute addresses and bypass stubs to placeholders.
  bool shouldAddDefaultTargetPasses(const llvm::Triple&) const override { return false; }

  llvm::Error modifyPassConfig(jitlink::LinkGraph&, jitlink::PassConfiguration& config) override {
    config.PrePrunePasses.push_back(CheckSections);
    config.PrePrunePasses.push_back(jitlink::markAllSymbolsLive);  // else all is pruned
    config.PreFixupPasses.push_back(
        [layout = layout_](jitlink::LinkGraph& graph) { return CheckEdges(graph, layout->size); });
    return llvm::Error::success();
  }

 private:
  Layout* layout_;
  BlobMemory memory_;
  std::vector<BlobEntry>* entries_;
};

absl::StatusOr<std::unique_ptr<jitlink::LinkGraph>> ParseObject(const std::string& object,
                                                                const char* what) {
  llvm::Expected<std::unique_ptr<jitlink::LinkGraph>> graph =
      jitlink::createLinkGraphFromObject(llvm::MemoryBufferRef(object, what));
  if (graph) return std::move(*graph);
  return absl::InternalError(
      absl::StrCat("cannot read the ", what, ": ", llvm::toString(graph.takeError())));
}

absl::Status LinkInto(std::unique_ptr<jitlink::LinkGraph> graph, Layout* layout,
                      std::vector<BlobEntry>* entries) {
  // Synchronous, because every callback of the context answers at once.
  jitlink::link(std::move(graph), std::make_unique<BlobContext>(layout, entries));
  if (layout->error.empty()) return absl::OkStatus();
  return absl::InternalError(
      absl::StrCat("kernel cannot become position independent code: ", layout->error));
}

bool NeedsSupport(jitlink::LinkGraph& graph) {
  for (jitlink::Symbol* symbol : graph.external_symbols()) {
    if (IsSupportSymbol(symbol->getName().str())) return true;
  }
  return false;
}

}  // namespace

const BlobEntry* CodeBlob::FindEntry(const std::string& name) const {
  for (const BlobEntry& entry : entries) {
    if (entry.name == name) return &entry;
  }
  return nullptr;
}

absl::StatusOr<CodeBlob> LinkBlob(const std::string& object, const CpuTarget& target) {
  auto graph = ParseObject(object, "kernel object");
  if (!graph.ok()) return graph.status();
  Layout layout;
  CodeBlob blob;
  if (NeedsSupport(**graph)) {
    absl::StatusOr<const std::string*> support = SupportObject(target);
    if (!support.ok()) return support.status();
    auto support_graph = ParseObject(**support, "support object");
    if (!support_graph.ok()) return support_graph.status();
    absl::Status status = LinkInto(*std::move(support_graph), &layout, nullptr);
    if (!status.ok()) return status;
  }
  absl::Status status = LinkInto(*std::move(graph), &layout, &blob.entries);
  if (!status.ok()) return status;
  std::sort(blob.entries.begin(), blob.entries.end(),
            [](const BlobEntry& a, const BlobEntry& b) { return a.offset < b.offset; });
  blob.alignment = layout.alignment;
  blob.code.assign(AlignUp(layout.size, kMinAlignment), '\0');
  for (size_t i = 0; i < layout.pieces.size(); ++i) {
    std::memcpy(blob.code.data() + layout.offsets[i], layout.pieces[i].data(),
                layout.pieces[i].size());
  }
  return blob;
}

}  // namespace stator::compiler
