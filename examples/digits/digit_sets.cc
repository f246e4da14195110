#include "examples/digits/digit_sets.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "data/digits.h"
#include "graph/status_macros.h"

namespace stator::examples {
namespace {

absl::StatusOr<DigitSets> LoadFolder(const std::string& folder) {
  STATOR_ASSIGN_OR_RETURN(data::LabeledImages train, data::LoadMnist(folder, "train"));
  STATOR_ASSIGN_OR_RETURN(data::LabeledImages test, data::LoadMnist(folder, "t10k"));
  return DigitSets{std::make_shared<data::LabeledImages>(std::move(train)),
                   std::make_shared<data::LabeledImages>(std::move(test))};
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

absl::StatusOr<data::DatasetRef> TrainingImages(const DigitSets& sets, uint64_t seed) {
  STATOR_ASSIGN_OR_RETURN(const data::DatasetRef images, data::FromImages(sets.train));
  return data::Shuffle(images, seed);
}

absl::StatusOr<data::DatasetRef> TestBatches(const DigitSets& sets) {
  STATOR_ASSIGN_OR_RETURN(const data::DatasetRef images, data::FromImages(sets.test));
  return data::Batch(images, {.size = 500});
}

}  // namespace stator::examples
