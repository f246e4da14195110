#ifndef STATOR_FORMATS_TENSOR_BUNDLE_H_
#define STATOR_FORMATS_TENSOR_BUNDLE_H_

// Checkpoints in TensorFlow's second format, readable by both sides:
//
//   PREFIX.index                 a sorted table: "" -> BundleHeaderProto, name -> BundleEntryProto
//   PREFIX.data-00000-of-00001   the tensors' bytes, back to back, each with a checksum in its
//   entry
//
// A tensor is told by its type, its sizes and its little-endian row-major bytes; the elements of a
// string tensor are strings.

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "formats/tensor_slice.h"
#include "proto/tensor_bundle.pb.h"

namespace stator::formats {

// Reads a checkpoint. Opening verifies the index; reading a tensor verifies its size and checksum.
// Errors name the file, the tensor and what was expected. Any thread may read.
class BundleReader {
 public:
  // kNotFound if there is no such checkpoint.
  static absl::StatusOr<BundleReader> Open(const std::string& prefix);
  BundleReader(BundleReader&& other) noexcept;
  BundleReader& operator=(BundleReader&&) = delete;
  ~BundleReader();

  // Every tensor by name. The sizes of an entry's shape are known and their product is within 63
  // bits.
  const std::map<std::string, BundleEntryProto>& entries() const { return entries_; }

  // kNotFound names the checkpoint and the tensor.
  absl::StatusOr<const BundleEntryProto*> Find(const std::string& name) const;

  // Reads a tensor of any type but string into `out`, whose size must be the tensor's.
  absl::Status Read(const std::string& name, absl::Span<char> out) const;
  // Reads a part of one; every stored slice that it touches is read and verified whole.
  absl::Status ReadSlice(const std::string& name, const TensorSlice& slice,
                         absl::Span<char> out) const;
  // Reads a string tensor's elements in row-major order. kUnimplemented if it is stored in slices.
  absl::StatusOr<std::vector<std::string>> ReadStrings(const std::string& name) const;

  // Reads everything to see that every checksum is right.
  absl::Status VerifyAll() const;

 private:
  struct Shard {
    std::string path;
    int fd = -1;
    int64_t size = 0;
  };

  explicit BundleReader(std::string prefix) : prefix_(std::move(prefix)) {}
  absl::Status OpenShards(int count);
  absl::Status CheckEntry(const std::string& name, const BundleEntryProto& entry) const;
  absl::Status CheckSlices(const std::string& name, const BundleEntryProto& entry) const;
  absl::Status ReadStored(const BundleEntryProto& entry, absl::Span<char> out) const;
  absl::Status ReadVerified(const std::string& name, const BundleEntryProto& entry,
                            absl::Span<char> out) const;

  std::string prefix_;
  std::map<std::string, BundleEntryProto> entries_;
  std::map<std::string, BundleEntryProto> slices_;  // by SliceKey
  std::vector<Shard> shards_;
};

// The two files of a checkpoint that is being written, for writers that keep files in a way of
// their own.
class BundleFiles {
 public:
  virtual ~BundleFiles() = default;
  virtual absl::Status AppendData(absl::string_view bytes) = 0;
  // All data has been appended; the index is the whole other file.
  virtual absl::Status Finish(absl::string_view index) = 0;
};

// Writes a checkpoint of one data file. The files appear under their names when Finish has made
// both durable, data first, so a new prefix is either complete or absent. Where a checkpoint of
// this prefix already exists, a crash between the two renames leaves one whose checksums fail: save
// under a new prefix each time, as TensorFlow's Saver does. Not thread-safe.
class BundleWriter {
 public:
  static absl::StatusOr<BundleWriter> Create(const std::string& prefix);
  // The same into other files, which promise what they like; `prefix` is for messages.
  BundleWriter(std::string prefix, std::unique_ptr<BundleFiles> files)
      : prefix_(std::move(prefix)), files_(std::move(files)) {}

  // kAlreadyExists for a name given before; kInvalidArgument if `bytes` is not what the type and
  // sizes ask for, or for a type that a checkpoint cannot hold.
  absl::Status Add(const std::string& name, DataType dtype, absl::Span<const int64_t> dims,
                   absl::string_view bytes);
  absl::Status AddStrings(const std::string& name, absl::Span<const int64_t> dims,
                          absl::Span<const std::string> values);
  // Adds a part of a tensor of sizes `dims`; `bytes` are the part's. The parts of one tensor must
  // not overlap and must cover it, which the reader checks.
  absl::Status AddSlice(const std::string& name, DataType dtype, absl::Span<const int64_t> dims,
                        const TensorSlice& slice, absl::string_view bytes);

  // Completes the checkpoint. Without it nothing is left of what was written. Call once.
  absl::Status Finish();

 private:
  absl::StatusOr<BundleEntryProto*> NewEntry(const std::string& name, DataType dtype,
                                             absl::Span<const int64_t> dims);

  std::string prefix_;
  std::unique_ptr<BundleFiles> files_;
  int64_t offset_ = 0;
  std::map<std::string, BundleEntryProto> entries_;
};

}  // namespace stator::formats

#endif  // STATOR_FORMATS_TENSOR_BUNDLE_H_
