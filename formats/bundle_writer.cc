#include <utility>

#include "absl/strings/str_cat.h"
#include "formats/crc32c.h"
#include "formats/file.h"
#include "formats/sorted_table.h"
#include "formats/string_tensor.h"
#include "formats/tensor_bundle.h"
#include "graph/data_type.h"
#include "graph/status_macros.h"
#include "graph/tensor_shape.h"
#include "proto/serialize.h"

namespace stator::formats {
namespace {

class AtomicBundleFiles : public BundleFiles {
 public:
  AtomicBundleFiles(std::string prefix, AtomicFile data)
      : prefix_(std::move(prefix)), data_(std::move(data)) {}

  absl::Status AppendData(absl::string_view bytes) override { return data_.Append(bytes); }

  // Both files are on the disk before either gets its name, which keeps the time between short.
  absl::Status Finish(absl::string_view bytes) override {
    STATOR_ASSIGN_OR_RETURN(AtomicFile index, AtomicFile::Create(prefix_ + ".index"));
    STATOR_RETURN_IF_ERROR(index.Append(bytes));
    STATOR_RETURN_IF_ERROR(index.Sync());
    STATOR_RETURN_IF_ERROR(data_.Commit());
    return index.Commit();
  }

 private:
  std::string prefix_;
  AtomicFile data_;
};

}  // namespace

absl::StatusOr<BundleWriter> BundleWriter::Create(const std::string& prefix) {
  STATOR_ASSIGN_OR_RETURN(AtomicFile data, AtomicFile::Create(prefix + ".data-00000-of-00001"));
  return BundleWriter(prefix, std::make_unique<AtomicBundleFiles>(prefix, std::move(data)));
}

absl::StatusOr<BundleEntryProto*> BundleWriter::NewEntry(const std::string& name, DataType dtype,
                                                         absl::Span<const int64_t> dims) {
  // The empty key is the header's.
  if (name.empty()) return absl::InvalidArgumentError("a tensor in a checkpoint needs a name");
  const auto [place, added] = entries_.try_emplace(name);
  if (!added) {
    return absl::AlreadyExistsError(
        absl::StrCat("tensor '", name, "' is given twice for checkpoint ", prefix_));
  }
  BundleEntryProto& entry = place->second;
  entry.set_dtype(dtype);
  *entry.mutable_shape() = graph::ShapeProto(dims);
  entry.set_offset(offset_);
  return &entry;
}

absl::Status BundleWriter::Add(const std::string& name, DataType dtype,
                               absl::Span<const int64_t> dims, absl::string_view bytes) {
  const int width = graph::IsRefType(dtype) ? 0 : graph::DataTypeSize(dtype);
  if (width == 0) {
    return absl::InvalidArgumentError(absl::StrCat("tensor '", name, "' of type ",
                                                   graph::DataTypeName(dtype),
                                                   " cannot be saved as plain bytes"));
  }
  STATOR_ASSIGN_OR_RETURN(const int64_t count, graph::NumElements(dims));
  int64_t expected;
  if (__builtin_mul_overflow(count, width, &expected) ||
      static_cast<uint64_t>(expected) != bytes.size()) {
    return absl::InvalidArgumentError(absl::StrCat("tensor '", name, "': expected ", count,
                                                   " elements of ", width, " bytes, found ",
                                                   bytes.size(), " bytes"));
  }
  STATOR_ASSIGN_OR_RETURN(BundleEntryProto * entry, NewEntry(name, dtype, dims));
  entry->set_size(expected);
  entry->set_crc32c(MaskCrc32c(Crc32c(bytes)));
  offset_ += expected;
  return files_->AppendData(bytes);
}

absl::Status BundleWriter::AddStrings(const std::string& name, absl::Span<const int64_t> dims,
                                      absl::Span<const std::string> values) {
  STATOR_ASSIGN_OR_RETURN(const int64_t count, graph::NumElements(dims));
  if (static_cast<uint64_t>(count) != values.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("tensor '", name, "': expected ", count, " strings, found ", values.size()));
  }
  STATOR_ASSIGN_OR_RETURN(BundleEntryProto * entry, NewEntry(name, DT_STRING, dims));
  const StoredStrings stored = EncodeStrings(values);
  entry->set_size(stored.bytes.size());
  entry->set_crc32c(MaskCrc32c(stored.crc));
  offset_ += stored.bytes.size();
  return files_->AppendData(stored.bytes);
}

absl::Status BundleWriter::AddSlice(const std::string& name, DataType dtype,
                                    absl::Span<const int64_t> dims, const TensorSlice& slice,
                                    absl::string_view bytes) {
  STATOR_ASSIGN_OR_RETURN(const std::vector<int64_t> slice_dims, SliceDims(slice, dims));
  if (absl::MakeConstSpan(slice_dims) == dims) return Add(name, dtype, dims, bytes);
  auto place = entries_.find(name);
  if (place == entries_.end()) {
    STATOR_RETURN_IF_ERROR(NewEntry(name, dtype, dims).status());
    place = entries_.find(name);
    place->second.clear_offset();
  }
  BundleEntryProto& whole = place->second;
  if (whole.dtype() != dtype || graph::ShapeText(whole.shape()) != graph::ShapeText(dims) ||
      (whole.slices_size() == 0 && whole.size() > 0)) {
    return absl::InvalidArgumentError(
        absl::StrCat("tensor '", name,
                     "': this slice does not fit what was given before for checkpoint ", prefix_));
  }
  STATOR_RETURN_IF_ERROR(Add(SliceKey(name, slice), dtype, slice_dims, bytes));
  *whole.add_slices() = ToProto(slice);
  return absl::OkStatus();
}

absl::Status BundleWriter::Finish() {
  BundleHeaderProto header;
  header.set_num_shards(1);
  header.mutable_version()->set_producer(1);
  TableEntries table;
  STATOR_ASSIGN_OR_RETURN(table[""], SerializeDeterministic(header));
  for (const auto& [name, entry] : entries_) {
    STATOR_ASSIGN_OR_RETURN(table[name], SerializeDeterministic(entry));
  }
  STATOR_ASSIGN_OR_RETURN(const std::string bytes, BuildSortedTable(table));
  return files_->Finish(bytes);
}

}  // namespace stator::formats
