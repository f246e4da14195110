#include "examples/digits/digit_sets.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "data/digits.h"
#include "graph/status_macros.h"

namespace stator::examples {
namespace {

absl::StatusOr<DigitSets> LoadFolder(const std::string& folder) {
  DigitSets sets;
  STATOR_ASSIGN_OR_RETURN(sets.train, data::LoadMnist(folder, "train"));
  STATOR_ASSIGN_OR_RETURN(sets.test, data::LoadMnist(folder, "t10k"));
  return sets;
}

}  // namespace

absl::StatusOr<DigitSets> LoadDigits(const std::string& folder, bool quiet) {
  if (!folder.empty()) return LoadFolder(folder);
  // A folder of this process's own, gone afterwards.
  std::string drawn = absl::StrCat(P_tmpdir, "/digits-XXXXXX");
  if (mkdtemp(drawn.data()) == nullptr) return absl::InternalError("cannot make a folder");
  if (!quiet) std::fprintf(stderr, "drawing digits\n");
  const absl::Status written = data::WriteDigitSet(drawn, data::DigitSetOptions());
  absl::StatusOr<DigitSets> sets = written.ok() ? LoadFolder(drawn) : written;
  std::filesystem::remove_all(drawn);
  return sets;
}

}  // namespace stator::examples
