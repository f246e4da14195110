#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
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

constexpr int64_t kMaxIndex = int64_t{1} << 31;
constexpr int kVersion = 1;        // of the bundles that this code understands
constexpr int kMaxShards = 99999;  // five digits in a file's name

absl::Status CheckHeader(const std::string& path, const BundleHeaderProto& header) {
  const auto fail = [&](const std::string& what) {
    return absl::DataLossError(absl::StrCat(path, ": header: ", what));
  };
  if (header.num_shards() < 1 || header.num_shards() > kMaxShards) {
    return fail(
        absl::StrCat("expected 1 to ", kMaxShards, " data files, found ", header.num_shards()));
  }
  if (header.version().min_consumer() > kVersion) {
    return absl::UnimplementedError(absl::StrCat(path, ": needs a reader of version ",
                                                 header.version().min_consumer(),
                                                 "; this one is version ", kVersion));
  }
  if (header.endianness() != BundleHeaderProto::LITTLE) {
    return absl::UnimplementedError(
        absl::StrCat(path, ": big-endian checkpoints are not supported"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<BundleReader> BundleReader::Open(const std::string& prefix) {
  const std::string path = prefix + ".index";
  STATOR_ASSIGN_OR_RETURN(const std::string file, ReadFile(path, kMaxIndex));
  STATOR_ASSIGN_OR_RETURN(TableEntries table, ParseSortedTable(path, file));
  BundleReader reader(prefix);
  const auto header_entry = table.find("");
  if (header_entry == table.end()) {
    return absl::DataLossError(absl::StrCat(path, ": expected a header under the empty key"));
  }
  BundleHeaderProto header;
  STATOR_RETURN_IF_ERROR(ParseBinary(header_entry->second, ParseLimits(), &header));
  STATOR_RETURN_IF_ERROR(CheckHeader(path, header));
  table.erase(header_entry);
  STATOR_RETURN_IF_ERROR(reader.OpenShards(header.num_shards()));
  for (const auto& [name, value] : table) {
    // Keys that start with a zero byte hold the slices of partitioned tensors.
    BundleEntryProto& entry = (name[0] == '\0' ? reader.slices_ : reader.entries_)[name];
    if (const absl::Status status = ParseBinary(value, ParseLimits(), &entry); !status.ok()) {
      return absl::DataLossError(absl::StrCat(path, ": tensor '", name, "': ", status.message()));
    }
    STATOR_RETURN_IF_ERROR(reader.CheckEntry(name, entry));
  }
  for (const auto& [name, entry] : reader.entries_) {
    STATOR_RETURN_IF_ERROR(reader.CheckSlices(name, entry));
  }
  return reader;
}

BundleReader::BundleReader(BundleReader&& other) noexcept
    : prefix_(std::move(other.prefix_)),
      entries_(std::move(other.entries_)),
      slices_(std::move(other.slices_)),
      shards_(std::exchange(other.shards_, {})) {}

BundleReader::~BundleReader() {
  for (const Shard& shard : shards_) {
    if (shard.fd >= 0) close(shard.fd);
  }
}

absl::Status BundleReader::OpenShards(int count) {
  for (int i = 0; i < count; ++i) {
    Shard shard{absl::StrFormat("%s.data-%05d-of-%05d", prefix_, i, count)};
    shard.fd = open(shard.path.c_str(), O_RDONLY | O_CLOEXEC);
    if (shard.fd < 0) return ErrnoStatus("cannot open", shard.path);
    shards_.push_back(shard);
    struct stat info;
    if (fstat(shard.fd, &info) != 0) return ErrnoStatus("cannot examine", shard.path);
    shards_.back().size = info.st_size;
  }
  return absl::OkStatus();
}

absl::Status BundleReader::CheckEntry(const std::string& name,
                                      const BundleEntryProto& entry) const {
  const auto fail = [&](const std::string& what) {
    return absl::DataLossError(absl::StrCat(prefix_, ".index: tensor '", name, "': ", what));
  };
  const auto dims = graph::StaticShape(entry.shape());
  if (!dims.ok()) return fail(std::string(dims.status().message()));
  const auto count = graph::NumElements(*dims);
  if (!count.ok()) return fail(std::string(count.status().message()));
  // The place and size of a partitioned tensor's own entry mean nothing.
  if (entry.slices_size() > 0) return absl::OkStatus();
  if (entry.shard_id() < 0 || entry.shard_id() >= static_cast<int>(shards_.size())) {
    return fail(
        absl::StrCat("expected a data file below ", shards_.size(), ", found ", entry.shard_id()));
  }
  const Shard& shard = shards_[entry.shard_id()];
  if (entry.offset() < 0 || entry.size() < 0 || entry.offset() > shard.size ||
      entry.size() > shard.size - entry.offset()) {
    return fail(absl::StrCat("expected ", entry.size(), " bytes at offset ", entry.offset(), " of ",
                             shard.path, ", which holds ", shard.size));
  }
  const int width = graph::DataTypeSize(entry.dtype());
  int64_t expected;
  if (width > 0 && (__builtin_mul_overflow(*count, width, &expected) || expected != entry.size())) {
    return fail(absl::StrCat("expected ", *count, " elements of ", width, " bytes, found ",
                             entry.size(), " bytes"));
  }
  return absl::OkStatus();
}

absl::StatusOr<const BundleEntryProto*> BundleReader::Find(const std::string& name) const {
  const auto place = entries_.find(name);
  if (place == entries_.end()) {
    return absl::NotFoundError(absl::StrCat("checkpoint ", prefix_, " has no tensor '", name, "'"));
  }
  return &place->second;
}

absl::Status BundleReader::CheckSlices(const std::string& name,
                                       const BundleEntryProto& entry) const {
  const auto fail = [&](const std::string& what) {
    return absl::DataLossError(absl::StrCat(prefix_, ".index: tensor '", name, "': ", what));
  };
  if (entry.slices_size() == 0) return absl::OkStatus();
  STATOR_ASSIGN_OR_RETURN(const std::vector<int64_t> dims, graph::StaticShape(entry.shape()));
  STATOR_ASSIGN_OR_RETURN(const int64_t count, graph::NumElements(dims));
  int64_t covered = 0;
  for (const TensorSliceProto& proto : entry.slices()) {
    const TensorSlice slice = FromProto(proto);
    const auto slice_dims = SliceDims(slice, dims);
    if (!slice_dims.ok()) return fail(std::string(slice_dims.status().message()));
    const auto stored = slices_.find(SliceKey(name, slice));
    if (stored == slices_.end()) return fail("expected an entry for each of its slices");
    if (stored->second.dtype() != entry.dtype() ||
        graph::ShapeText(stored->second.shape()) != graph::ShapeText(*slice_dims)) {
      return fail("expected slices of its own type and of the sizes that it names");
    }
    STATOR_ASSIGN_OR_RETURN(const int64_t part, graph::NumElements(*slice_dims));
    if (__builtin_add_overflow(covered, part, &covered)) return fail("too many slices");
  }
  if (covered != count) {
    return fail(
        absl::StrCat("expected slices that cover its ", count, " elements, found ", covered));
  }
  return absl::OkStatus();
}

absl::Status BundleReader::ReadStored(const BundleEntryProto& entry, absl::Span<char> out) const {
  const Shard& shard = shards_[entry.shard_id()];
  for (size_t done = 0; done < out.size();) {
    const ssize_t n = pread(shard.fd, out.data() + done, out.size() - done, entry.offset() + done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return ErrnoStatus("cannot read", shard.path);
    if (n == 0) {
      return absl::DataLossError(absl::StrCat(shard.path, ": offset ", entry.offset() + done,
                                              ": the file became shorter while it was read"));
    }
    done += n;
  }
  return absl::OkStatus();
}

absl::Status BundleReader::ReadVerified(const std::string& name, const BundleEntryProto& entry,
                                        absl::Span<char> out) const {
  STATOR_RETURN_IF_ERROR(ReadStored(entry, out));
  if (MaskCrc32c(Crc32c(absl::string_view(out.data(), out.size()))) != entry.crc32c()) {
    return absl::DataLossError(absl::StrCat(shards_[entry.shard_id()].path, ": tensor '", name,
                                            "' at offset ", entry.offset(),
                                            ": the checksum does not match"));
  }
  return absl::OkStatus();
}

absl::Status BundleReader::Read(const std::string& name, absl::Span<char> out) const {
  STATOR_ASSIGN_OR_RETURN(const BundleEntryProto* entry, Find(name));
  return ReadSlice(name, TensorSlice(entry->shape().dim_size()), out);
}

absl::Status BundleReader::ReadSlice(const std::string& name, const TensorSlice& slice,
                                     absl::Span<char> out) const {
  STATOR_ASSIGN_OR_RETURN(const BundleEntryProto* entry, Find(name));
  const auto fail = [&](const std::string& what) {
    return absl::InvalidArgumentError(
        absl::StrCat("checkpoint ", prefix_, ": tensor '", name, "': ", what));
  };
  const int width = graph::DataTypeSize(entry->dtype());
  if (width == 0) {
    return fail(absl::StrCat("type ", graph::DataTypeName(entry->dtype()), " has no plain bytes"));
  }
  STATOR_ASSIGN_OR_RETURN(const std::vector<int64_t> dims, graph::StaticShape(entry->shape()));
  const auto slice_dims = SliceDims(slice, dims);
  if (!slice_dims.ok()) return fail(std::string(slice_dims.status().message()));
  STATOR_ASSIGN_OR_RETURN(const int64_t count, graph::NumElements(*slice_dims));
  if (out.size() / width != static_cast<uint64_t>(count) || out.size() % width != 0) {
    return fail(absl::StrCat("expected ", count, " elements of ", width, " bytes, found ",
                             out.size(), " bytes of room"));
  }
  const TensorSlice whole(dims.size());
  if (entry->slices_size() == 0 && *slice_dims == dims) return ReadVerified(name, *entry, out);

  int64_t found = 0;
  std::string bytes;
  const auto take = [&](const BundleEntryProto& stored, const TensorSlice& part) -> absl::Status {
    bytes.resize(stored.size());
    STATOR_RETURN_IF_ERROR(ReadVerified(name, stored, absl::MakeSpan(&bytes[0], bytes.size())));
    found += CopyShared(dims, width, part, bytes.data(), slice, out.data());
    return absl::OkStatus();
  };
  if (entry->slices_size() == 0) return take(*entry, whole);
  for (const TensorSliceProto& proto : entry->slices()) {
    const TensorSlice part = FromProto(proto);
    STATOR_RETURN_IF_ERROR(take(slices_.at(SliceKey(name, part)), part));
  }
  if (found != count) {
    return absl::DataLossError(
        absl::StrCat(prefix_, ".index: tensor '", name, "': its slices overlap or leave a gap"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> BundleReader::ReadStrings(const std::string& name) const {
  STATOR_ASSIGN_OR_RETURN(const BundleEntryProto* entry, Find(name));
  if (entry->dtype() != DT_STRING) {
    return absl::InvalidArgumentError(
        absl::StrCat("checkpoint ", prefix_, ": tensor '", name, "' is of type ",
                     graph::DataTypeName(entry->dtype()), ", expected string"));
  }
  STATOR_ASSIGN_OR_RETURN(const std::vector<int64_t> dims, graph::StaticShape(entry->shape()));
  STATOR_ASSIGN_OR_RETURN(const int64_t count, graph::NumElements(dims));
  if (entry->slices_size() > 0) {
    return absl::UnimplementedError(absl::StrCat("checkpoint ", prefix_, ": string tensor '", name,
                                                 "' is stored in slices, which is not supported"));
  }
  std::string bytes(entry->size(), '\0');
  STATOR_RETURN_IF_ERROR(ReadStored(*entry, absl::MakeSpan(&bytes[0], bytes.size())));
  auto values = DecodeStrings(bytes, count, UnmaskCrc32c(entry->crc32c()));
  if (!values.ok()) {
    return absl::DataLossError(absl::StrCat(shards_[entry->shard_id()].path, ": tensor '", name,
                                            "' at offset ", entry->offset(), ": ",
                                            values.status().message()));
  }
  return values;
}

absl::Status BundleReader::VerifyAll() const {
  std::string bytes;
  for (const auto& [name, entry] : entries_) {
    if (entry.slices_size() > 0) continue;  // its slices come below
    if (entry.dtype() == DT_STRING) {
      STATOR_RETURN_IF_ERROR(ReadStrings(name).status());
      continue;
    }
    bytes.resize(entry.size());
    STATOR_RETURN_IF_ERROR(ReadVerified(name, entry, absl::MakeSpan(&bytes[0], bytes.size())));
  }
  for (const auto& [key, entry] : slices_) {
    bytes.resize(entry.size());
    STATOR_RETURN_IF_ERROR(ReadVerified(key, entry, absl::MakeSpan(&bytes[0], bytes.size())));
  }
  return absl::OkStatus();
}

}  // namespace stator::formats
