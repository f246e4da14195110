#include "distribute/checkpoint/checkpoint_reader.h"

#include <cstdint>

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "distribute/checkpoint/sha256.h"
#include "graph/status_macros.h"
#include "graph/tensor_shape.h"
#include "runtime/session/status.h"

namespace stator::distribute {

using runtime::Tensor;

absl::StatusOr<CheckpointReader> CheckpointReader::OpenOne(const std::string& directory,
                                                           Disk* disk) {
  STATOR_ASSIGN_OR_RETURN(CheckpointManifest manifest, ReadManifest(disk, directory));
  STATOR_RETURN_IF_ERROR(VerifyFiles(disk, directory, manifest));
  STATOR_ASSIGN_OR_RETURN(formats::BundleReader bundle,
                          formats::BundleReader::Open(absl::StrCat(directory, "/", kBundleName)));
  return CheckpointReader(directory, std::move(manifest), std::move(bundle));
}

absl::StatusOr<CheckpointReader> CheckpointReader::Open(const std::string& path,
                                                        std::vector<std::string>* warnings,
                                                        Disk* disk) {
  if (disk == nullptr) disk = RealDisk();
  if (disk->Exists(absl::StrCat(path, "/", kManifestFile))) return OpenOne(path, disk);
  STATOR_ASSIGN_OR_RETURN(const EpochFile epochs, ReadEpochFile(disk, path));
  STATOR_ASSIGN_OR_RETURN(const std::vector<CheckpointPlace> places, ListCheckpoints(disk, path));
  bool damaged = false;
  for (const CheckpointPlace& place : places) {
    if (place.epoch < epochs.since) break;  // another training's
    auto reader = OpenOne(absl::StrCat(path, "/", place.name), disk);
    if (reader.ok()) return reader;
    damaged = true;
    warnings->push_back(
        absl::StrCat("passing over checkpoint ", place.name, ": ", reader.status().message()));
  }
  if (damaged) {
    return absl::DataLossError(
        absl::StrCat("every checkpoint in ", path, " is damaged; the last: ", warnings->back()));
  }
  return absl::NotFoundError(absl::StrCat("no checkpoint in ", path));
}

std::string CheckpointReader::Identity() const {
  return absl::StrCat("step ", manifest_.step(), " of epoch ", manifest_.epoch(),
                      ", sha256:", Sha256Hex(PrintManifest(manifest_)));
}

std::vector<std::string> CheckpointReader::Names() const {
  std::vector<std::string> names;
  for (const auto& [name, entry] : bundle_.entries()) names.push_back(name);
  return names;
}

absl::StatusOr<Tensor> CheckpointReader::Read(const std::string& name) const {
  STATOR_ASSIGN_OR_RETURN(const BundleEntryProto* entry, bundle_.Find(name));
  STATOR_ASSIGN_OR_RETURN(const std::vector<int64_t> dims, graph::StaticShape(entry->shape()));
  STATOR_ASSIGN_OR_RETURN(Tensor value, runtime::ToAbsl(Tensor::Create(
                                            static_cast<runtime::DType>(entry->dtype()), dims)));
  STATOR_RETURN_IF_ERROR(
      bundle_.Read(name, absl::MakeSpan(value.data<char>(), static_cast<size_t>(value.bytes()))));
  return value;
}

absl::Status CheckpointReader::Restore(const std::vector<std::string>& names,
                                       runtime::VariableStore* store) const {
  std::vector<std::pair<std::string, Tensor>> values;
  for (const std::string& name : names) {
    STATOR_ASSIGN_OR_RETURN(Tensor value, Read(name));
    values.emplace_back(name, std::move(value));
  }
  return runtime::ToAbsl(store->WriteAll(values));
}

}  // namespace stator::distribute
