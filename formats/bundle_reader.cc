#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "formats/crc32c.h"
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
    if (name[0] == '\0') continue;
    BundleEntryProto& entry = reader.entries_[name];
    if (const absl::Status status = ParseBinary(value, ParseLimits(), &entry); !status.ok()) {
      return absl::DataLossError(absl::StrCat(path, ": tensor '", name, "': ", status.message()));
    }
    STATOR_RETURN_IF_ERROR(reader.CheckEntry(name, entry));
  }
  return reader;
}

BundleReader::BundleReader(BundleReader&& other) noexcept
    : prefix_(std::move(other.prefix_)),
      entries_(std::move(other.entries_)),
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

absl::Status BundleReader::ReadStored(const std::string& name, const BundleEntryProto& entry,
                                      absl::Span<char> out) const {
  if (entry.slices_size() > 0) {
    return absl::UnimplementedError(
        absl::StrCat("checkpoint ", prefix_, ": tensor '", name,
                     "' is partitioned; reading slices is not supported"));
  }
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

absl::Status BundleReader::Read(const std::string& name, absl::Span<char> out) const {
  STATOR_ASSIGN_OR_RETURN(const BundleEntryProto* entry, Find(name));
  if (graph::DataTypeSize(entry->dtype()) == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("checkpoint ", prefix_, ": tensor '", name, "' of type ",
                     graph::DataTypeName(entry->dtype()), " has no plain bytes"));
  }
  if (entry->slices_size() == 0 && out.size() != static_cast<uint64_t>(entry->size())) {
    return absl::InvalidArgumentError(absl::StrCat("checkpoint ", prefix_, ": tensor '", name,
                                                   "' has ", entry->size(), " bytes, expected ",
                                                   out.size()));
  }
  STATOR_RETURN_IF_ERROR(ReadStored(name, *entry, out));
  if (MaskCrc32c(Crc32c(absl::string_view(out.data(), out.size()))) != entry->crc32c()) {
    return absl::DataLossError(absl::StrCat(shards_[entry->shard_id()].path, ": tensor '", name,
                                            "' at offset ", entry->offset(),
                                            ": the checksum does not match"));
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
  std::string bytes(entry->slices_size() > 0 ? 0 : entry->size(), '\0');
  STATOR_RETURN_IF_ERROR(ReadStored(name, *entry, absl::MakeSpan(&bytes[0], bytes.size())));
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
    if (entry.slices_size() > 0) continue;
    if (entry.dtype() == DT_STRING) {
      STATOR_RETURN_IF_ERROR(ReadStrings(name).status());
      continue;
    }
    bytes.resize(entry.size());
    STATOR_RETURN_IF_ERROR(Read(name, absl::MakeSpan(&bytes[0], bytes.size())));
  }
  return absl::OkStatus();
}

}  // namespace stator::formats
