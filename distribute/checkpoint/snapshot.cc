#include "distribute/checkpoint/snapshot.h"

#include <algorithm>
#include <bit>
#include <set>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "distribute/checkpoint/sha256.h"
#include "graph/status_macros.h"
#include "runtime/session/status.h"

namespace stator::distribute {
namespace {

using runtime::VariableAccess;
using runtime::VariableLease;
using runtime::VariableStore;

static_assert(std::endian::native == std::endian::little, "bytes are hashed as they lie");

int64_t NumBytes(const Snapshot::Variable& variable) {
  int64_t bytes = executable::DTypeSize(variable.dtype);
  for (const int64_t dim : variable.dims) bytes *= dim;
  return bytes;
}

void HashNumber(uint64_t number, Sha256* hash) {
  hash->Update(absl::string_view(reinterpret_cast<const char*>(&number), sizeof(number)));
}

}  // namespace

absl::string_view Snapshot::Variable::Bytes(std::string* scratch) const {
  const size_t bytes = static_cast<size_t>(NumBytes(*this));
  if (layout == executable::Layout::kRowMajor) {
    return absl::string_view(static_cast<const char*>(buffer->data()), bytes);
  }
  scratch->resize(bytes);
  executable::FromLayout(layout, dims, executable::DTypeSize(dtype), buffer->data(),
                         &(*scratch)[0]);
  return *scratch;
}

absl::StatusOr<Snapshot> Snapshot::Take(VariableStore* store) {
  std::vector<std::string> names;
  for (const executable::VariableSpec& spec : store->Specs()) names.push_back(spec.name);
  return Take(store, names);
}

absl::StatusOr<Snapshot> Snapshot::Take(VariableStore* store,
                                        const std::vector<std::string>& names) {
  const std::vector<std::string> known = store->Names();
  const std::set<std::string> existing(known.begin(), known.end());
  const std::set<std::string> wanted(names.begin(), names.end());  // in order, each once
  std::vector<VariableAccess> accesses;
  for (const std::string& name : wanted) {
    if (existing.count(name) == 0) {
      return absl::NotFoundError(absl::StrCat("variable ", name, " does not exist"));
    }
    accesses.push_back({store->FindOrCreate(name), /*read=*/true, /*write=*/false,
                        /*in_place=*/false});
  }
  // All at once, so that no step lies between two of them.
  std::vector<VariableLease> leases;
  STATOR_RETURN_IF_ERROR(runtime::ToAbsl(store->Acquire(accesses, {}, &leases)));
  Snapshot snapshot;
  std::string missing;
  for (const VariableLease& lease : leases) {
    const std::string& name = lease.access.variable->name;
    if (!lease.initialized || executable::DTypeSize(lease.dtype) == 0) {
      if (missing.empty()) missing = name;
      continue;
    }
    // From now on nobody writes into this version, so the lease need not be held.
    lease.buffer->set_read_only();
    snapshot.variables_.push_back({name, lease.dtype, lease.dims, lease.buffer, lease.layout});
  }
  store->Release(&leases);
  if (!missing.empty()) {
    return absl::FailedPreconditionError(absl::StrCat("variable ", missing, " is not initialized"));
  }
  return snapshot;
}

std::string VariableDigest(const Snapshot::Variable& variable) {
  Sha256 hash;
  HashNumber(variable.name.size(), &hash);
  hash.Update(variable.name);
  HashNumber(static_cast<uint64_t>(variable.dtype), &hash);
  HashNumber(variable.dims.size(), &hash);
  for (const int64_t dim : variable.dims) HashNumber(static_cast<uint64_t>(dim), &hash);
  std::string scratch;
  const absl::string_view bytes = variable.Bytes(&scratch);
  HashNumber(bytes.size(), &hash);
  hash.Update(bytes);
  return hash.Digest();
}

std::string WeightsHash(const std::vector<std::string>& digests) {
  Sha256 hash;
  for (const std::string& digest : digests) hash.Update(digest);
  return absl::StrCat("sha256:", absl::BytesToHexString(hash.Digest()));
}

std::string WeightsHash(const Snapshot& snapshot) {
  std::vector<std::string> digests;
  for (const Snapshot::Variable& variable : snapshot.variables()) {
    digests.push_back(VariableDigest(variable));
  }
  return WeightsHash(digests);
}

}  // namespace stator::distribute
