#include "tools/stator/compile_bundle.h"

#include <map>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "compiler/bundle.h"
#include "executable/image_builder.h"
#include "formats/tensor_bundle.h"
#include "graph/status_macros.h"
#include "graph/tensor_proto.h"
#include "ops/register_all.h"
#include "runtime/core/executable.h"
#include "runtime/core/thread_pool.h"
#include "runtime/session/status.h"
#include "tools/stator/bundle_file.h"
#include "tools/stator/graph_file.h"
#include "tools/stator/tensor_text.h"
#include "tools/stator/usage.h"

namespace stator::tools {
namespace {

using compiler::BundleEntry;
using executable::ImageModel;
using runtime::Tensor;

// "x:0[0]=batch,1..64" or "x:0[0]=batch,1..".
absl::StatusOr<executable::SymbolSpec> ParseSymbol(const std::string& text) {
  const absl::Status bad =
      UsageError("--symbol takes TENSOR[DIM]=NAME or TENSOR[DIM]=NAME,MIN..MAX or TENSOR[DIM]=NAME,MIN.., not '" + text + "'");
  executable::SymbolSpec spec;
  const size_t open = text.find('['), close = text.find("]=");
  if (open == std::string::npos || close == std::string::npos || close < open) return bad;
  spec.tensor = text.substr(0, open);
  if (!absl::SimpleAtoi(text.substr(open + 1, close - open - 1), &spec.dim)) return bad;
  spec.name = text.substr(close + 2);
  if (const size_t comma = spec.name.find(','); comma != std::string::npos) {
    const std::string bounds = spec.name.substr(comma + 1);
    spec.name.resize(comma);
    const size_t dots = bounds.find("..");
    if (dots == std::string::npos || !absl::SimpleAtoi(bounds.substr(0, dots), &spec.min)) return bad;
    const std::string max = bounds.substr(dots + 2);
    if (!max.empty() && !absl::SimpleAtoi(max, &spec.max)) return bad;
  }
  if (spec.tensor.find(':') == std::string::npos) spec.tensor += ":0";
  return spec;
}

// What is compiled, and the names under which callers know it.
struct Source {
  GraphFile file;
  std::vector<BundleEntry> entries;
  compiler::BundleOptions options;
};

absl::StatusOr<BundleEntry> MakeEntry(const GraphFile& file, const EntryFlags& flags) {
  BundleEntry entry;
  entry.name = flags.name;
  std::vector<std::string> feeds = flags.feeds, fetches = flags.fetches;
  if (!flags.signature.empty()) {
    if (!feeds.empty() || !fetches.empty()) {
      return UsageError("entry '" + flags.name + "': a signature says what is fed and fetched");
    }
    STATOR_ASSIGN_OR_RETURN(const NamedSignature signature, FindSignature(file, flags.signature));
    for (const auto& [key, tensor] : signature.inputs) {
      entry.feed_names.push_back(key);
      feeds.push_back(tensor);
    }
    for (const auto& [key, tensor] : signature.outputs) {
      entry.fetch_names.push_back(key);
      fetches.push_back(tensor);
    }
  }
  if (flags.signature.empty() && fetches.empty() && flags.targets.empty()) {
    return UsageError(absl::StrCat("entry '", flags.name, "': nothing to compute: name what to fetch, a node to run, ",
                                   "or a signature (there are: ", SignatureNames(file), ")"));
  }
  STATOR_ASSIGN_OR_RETURN(entry.request, MakeRequest(file.graph, feeds, fetches, flags.targets));
  return entry;
}

absl::StatusOr<graph::DenseTensor> ReadVariable(const formats::BundleReader& reader,
                                                const std::string& key) {
  STATOR_ASSIGN_OR_RETURN(const BundleEntryProto* entry, reader.Find(key));
  graph::DenseTensor tensor;
  tensor.dtype = entry->dtype();
  int64_t elements = 1;
  for (const auto& dim : entry->shape().dim()) {
    tensor.shape.push_back(dim.size());
    elements *= dim.size();
  }
  const auto dtype = static_cast<executable::DType>(tensor.dtype);
  tensor.bytes.resize(static_cast<size_t>(elements * executable::DTypeSize(dtype)));
  STATOR_RETURN_IF_ERROR(reader.Read(key, absl::MakeSpan(&tensor.bytes[0], tensor.bytes.size())));
  return tensor;
}

// The variables of a checkpoint, under the graph's names for them.
absl::StatusOr<std::map<std::string, graph::DenseTensor>> ReadCheckpoint(
    const std::string& prefix, const std::map<std::string, std::string>& keys) {
  std::map<std::string, graph::DenseTensor> values;
  STATOR_ASSIGN_OR_RETURN(const formats::BundleReader reader, formats::BundleReader::Open(prefix));
  for (const auto& [name, entry] : reader.entries()) {
    if (entry.dtype() == DT_STRING) continue;
    STATOR_ASSIGN_OR_RETURN(graph::DenseTensor value, ReadVariable(reader, name));
    values.emplace(name, std::move(value));
  }
  for (const auto& [variable, key] : keys) {
    if (const auto value = values.find(key); value != values.end()) {
      values.emplace(variable, value->second);
    }
  }
  return values;
}

absl::StatusOr<Source> LoadSource(const CompileFlags& flags, bool allow_unknown_ops) {
  STATOR_ASSIGN_OR_RETURN(GraphFile file, LoadGraphFile(flags.graph, allow_unknown_ops));
  Source source{std::move(file), {}, {}};
  for (const EntryFlags& entry : flags.entries) {
    STATOR_ASSIGN_OR_RETURN(BundleEntry made, MakeEntry(source.file, entry));
    source.entries.push_back(std::move(made));
  }
  for (const std::string& text : flags.symbols) {
    STATOR_ASSIGN_OR_RETURN(const executable::SymbolSpec spec, ParseSymbol(text));
    bool is_fed = false;
    for (BundleEntry& entry : source.entries) {
      for (const executable::FeedSpec& feed : entry.request.feeds) {
        if (feed.name != spec.tensor) continue;
        entry.request.symbols.push_back(spec);
        is_fed = true;
      }
    }
    if (!is_fed) return UsageError("--symbol: no entry point is fed '" + spec.tensor + "'");
  }
  const std::string checkpoint = flags.checkpoint.empty() ? source.file.checkpoint : flags.checkpoint;
  if (!checkpoint.empty()) {
    STATOR_ASSIGN_OR_RETURN(source.options.values,
                            ReadCheckpoint(checkpoint, source.file.checkpoint_keys));
  }
  source.options.targets = flags.targets;
  source.options.num_threads = runtime::ThreadPool::DefaultSize();
  source.options.replaceable_weights = !flags.fixed_weights;
  source.options.pack_weights = flags.pack_weights;
  source.options.strip = flags.strip;
  return source;
}

absl::StatusOr<executable::StoredTensor> Store(const std::string& name, const Tensor& tensor,
                                               std::vector<ImageModel>* bundle) {
  if (executable::IsObjectDType(tensor.dtype())) {
    return absl::UnimplementedError(absl::StrCat("--sample: '", name, "' is ", tensor.TypeToString(),
                                                 "; samples hold numbers"));
  }
  executable::StoredTensor stored{name, tensor.dtype(), tensor.dims(), 0, tensor.bytes()};
  for (ImageModel& model : *bundle) {
    stored.constant_offset = executable::AddConstant(&model, tensor.raw(), tensor.bytes());
  }
  return stored;
}

// Runs the first entry point and keeps what went in and what came out.
absl::Status AddSample(const std::vector<std::string>& flags, std::vector<ImageModel>* bundle) {
  const executable::EntryPoint entry = (*bundle)[0].entry_points[0];
  STATOR_ASSIGN_OR_RETURN(const NamedTensors inputs, ReadFeeds("--sample", flags));
  STATOR_ASSIGN_OR_RETURN(const std::vector<uint8_t> bytes,
                          runtime::ToAbsl(executable::Serialize(*bundle)));
  STATOR_ASSIGN_OR_RETURN(BundleProgram program, BundleProgram::FromBytes(bytes, /*threads=*/1));
  STATOR_ASSIGN_OR_RETURN(const std::vector<Tensor> feeds, program.OrderFeeds(entry.name, inputs));
  std::vector<Tensor> fetches;
  STATOR_RETURN_IF_ERROR(program.Run(entry.name, feeds, {}, &fetches));
  executable::Sample sample;
  sample.entry = 0;
  for (size_t i = 0; i < feeds.size(); ++i) {
    STATOR_ASSIGN_OR_RETURN(executable::StoredTensor stored,
                            Store(entry.feeds[i].name, feeds[i], bundle));
    sample.inputs.push_back(std::move(stored));
  }
  for (size_t i = 0; i < fetches.size(); ++i) {
    STATOR_ASSIGN_OR_RETURN(executable::StoredTensor stored,
                            Store(entry.fetches[i].name, fetches[i], bundle));
    sample.outputs.push_back(std::move(stored));
  }
  for (ImageModel& model : *bundle) model.samples.push_back(sample);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<EntryFlags> ParseEntry(const std::string& text) {
  EntryFlags entry;
  for (const absl::string_view word : absl::StrSplit(text, ' ', absl::SkipEmpty())) {
    if (entry.name.empty()) {
      entry.name = std::string(word);
      continue;
    }
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(word, absl::MaxSplits('=', 1));
    const std::vector<std::string> names = absl::StrSplit(parts.second, ',', absl::SkipEmpty());
    if (parts.first == "feed") {
      entry.feeds = names;
    } else if (parts.first == "fetch") {
      entry.fetches = names;
    } else if (parts.first == "run") {
      entry.targets = names;
    } else if (parts.first == "signature") {
      entry.signature = std::string(parts.second);
    } else {
      return UsageError(absl::StrCat("--entry '", text, "': expected feed=, fetch=, run= or signature=, found '",
                                word, "'"));
    }
  }
  if (entry.name.empty()) return UsageError("--entry needs a name");
  return entry;
}

absl::StatusOr<std::vector<ImageModel>> CompileBundle(const CompileFlags& flags) {
  STATOR_ASSIGN_OR_RETURN(const Source source, LoadSource(flags, /*allow_unknown_ops=*/false));
  STATOR_ASSIGN_OR_RETURN(
      std::vector<ImageModel> bundle,
      compiler::CompileBundle(source.file.graph, ops::AllOps(), source.entries, source.options));
  if (!flags.samples.empty()) STATOR_RETURN_IF_ERROR(AddSample(flags.samples, &bundle));
  return bundle;
}

absl::StatusOr<BundleProgram> CompileProgram(CompileFlags flags, int threads) {
  flags.targets = {"native"};
  STATOR_ASSIGN_OR_RETURN(const std::vector<ImageModel> bundle, CompileBundle(flags));
  STATOR_ASSIGN_OR_RETURN(const std::vector<uint8_t> bytes,
                          runtime::ToAbsl(executable::Serialize(bundle)));
  return BundleProgram::FromBytes(bytes, threads);
}

absl::StatusOr<std::vector<std::string>> CheckGraph(const CompileFlags& flags) {
  STATOR_ASSIGN_OR_RETURN(const Source source, LoadSource(flags, /*allow_unknown_ops=*/true));
  std::vector<std::string> lines;
  for (const BundleEntry& entry : source.entries) {
    for (const compiler::NodeProblem& problem :
         compiler::FindProblems(source.file.graph, ops::AllOps(), entry, source.options)) {
      lines.push_back(absl::StrCat(entry.name, ": ", problem.status.message()));
    }
  }
  return lines;
}

}  // namespace stator::tools
