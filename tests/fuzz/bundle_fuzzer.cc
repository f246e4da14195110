// bundle_fuzzer [--count=N] [--seed=S] [--only=I] [BUNDLE.stb ...]: damages bundles and uses what
// still loads, see docs/bundles.md. Mutation I follows from S and I alone: --only=I repeats it.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "executable/image_builder.h"
#include "executable/image_view.h"
#include "runtime/core/test_bundles.h"
#include "tests/fuzz/exercise_bundle.h"
#include "tests/fuzz/mutate_bundle.h"
#include "tests/fuzz/random.h"

// How the sanitizers answer absurd sizes: as the system does.
extern "C" const char* __asan_default_options() {
  return "allocator_may_return_null=1:max_allocation_size_mb=512:abort_on_error=1";
}

extern "C" const char* __ubsan_default_options() {
  return "halt_on_error=1:abort_on_error=1:print_stacktrace=1";
}

namespace stator::fuzz {
namespace {

using executable::ImageModel;
using executable::ReadImage;
using executable::Serialize;

struct Flags {
  int64_t count = 2000;
  uint64_t seed = 1;
  int64_t only = -1;
  std::vector<std::string> files;
};

bool Parse(int argc, char** argv, Flags* flags) {
  for (int i = 1; i < argc; ++i) {
    const std::string arg = argv[i];
    if (arg.rfind("--count=", 0) == 0) {
      flags->count = std::atoll(arg.c_str() + 8);
    } else if (arg.rfind("--seed=", 0) == 0) {
      flags->seed = std::strtoull(arg.c_str() + 7, nullptr, 10);
    } else if (arg.rfind("--only=", 0) == 0) {
      flags->only = std::atoll(arg.c_str() + 7);
    } else if (arg.rfind("-", 0) == 0) {
      return false;
    } else {
      flags->files.push_back(arg);
    }
  }
  return flags->count > 0;
}

std::vector<uint8_t> ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// The same program for two machines, of which the first does not exist; and with its constants in a
// file of their own.
void AddVariations(const Seed& seed, std::vector<Seed>* seeds) {
  const auto view = ReadImage(seed.bytes.data(), seed.bytes.size());
  if (!view.ok()) return;
  const ImageModel model = executable::ToModel(*view);
  ImageModel other = model;
  other.target.name = "later";
  other.target.features.push_back("of-tomorrow");
  const auto two = Serialize(std::vector<ImageModel>{other, model});
  if (two.ok()) seeds->push_back({seed.name + ", two targets", *two, {}, false});
  if (model.constants.empty()) return;
  const auto external = Serialize(std::vector<ImageModel>{model}, /*external_constants=*/true);
  if (external.ok()) {
    seeds->push_back(
        {seed.name + ", external constants", *external, executable::SerializeConstants(model), true});
  }
}

bool CollectSeeds(const Flags& flags, std::vector<Seed>* seeds) {
  for (const char* name : {"chain", "train", "weights", "positive", "words", "slow", "same",
                           "branch", "doubling", "growing", "lists", "labels"}) {
    size_t size = 0;
    const auto* bytes = static_cast<const uint8_t*>(stator_test_bundle(name, &size));
    if (bytes == nullptr) return false;
    seeds->push_back({name, {bytes, bytes + size}, {}, false});
    if (std::strcmp(name, "weights") == 0) AddVariations(Seed(seeds->back()), seeds);
  }
  for (const std::string& path : flags.files) {
    seeds->push_back({path, ReadFile(path), ReadFile(path + ".weights"), false});
    seeds->back().external = !seeds->back().weights.empty();
  }
  for (Seed& seed : *seeds) {
    if (DisarmKernels(&seed)) continue;
    std::fprintf(stderr, "%s is no bundle\n", seed.name.c_str());
    return false;
  }
  return true;
}

volatile int64_t current = -1;  // the mutation being tried

void SayWhere(int signal) {
  char text[80];
  const int length =
      std::snprintf(text, sizeof(text), "\nbundle_fuzzer: %s; repeat with --only=%lld\n",
                    signal == SIGALRM ? "hangs" : "died", static_cast<long long>(current));
  if (write(2, text, static_cast<size_t>(length)) < 0) _exit(3);
  std::signal(SIGABRT, SIG_DFL);
  std::abort();
}

struct Totals {
  int64_t accepted = 0, refused = 0, runs = 0, refused_runs = 0;
};

// False when a promise was broken.
bool TryOne(const std::vector<Seed>& seeds, const Flags& flags, const std::string& folder,
            int64_t i, Totals* totals) {
  current = i;
  alarm(60);
  Random random(flags.seed * 0x9E3779B97F4A7C15ull + static_cast<uint64_t>(i));
  // Every seed itself comes first.
  const bool whole = i < static_cast<int64_t>(seeds.size());
  const Seed& seed = whole ? seeds[static_cast<size_t>(i)] : random.Pick(seeds);
  const Outcome outcome = Exercise(whole ? seed : Mutate(seed, &random), folder, &random);
  ++(outcome.accepted ? totals->accepted : totals->refused);
  totals->runs += outcome.runs;
  totals->refused_runs += outcome.refused_runs;
  std::string bad = outcome.bad;
  if (whole && !outcome.accepted) bad = "the bundle itself is refused";
  if (bad.empty()) return true;
  std::fprintf(stderr, "mutation %lld of %s: %s\n", static_cast<long long>(i), seed.name.c_str(),
               bad.c_str());
  return false;
}

}  // namespace
}  // namespace stator::fuzz

int main(int argc, char** argv) {
  using namespace stator::fuzz;  // NOLINT: its main
  Flags flags;
  std::vector<Seed> seeds;
  if (!Parse(argc, argv, &flags)) {
    std::fprintf(stderr,
                 "usage: bundle_fuzzer [--count=N] [--seed=S] [--only=I] [BUNDLE.stb ...]\n");
    return 2;
  }
  if (!CollectSeeds(flags, &seeds)) return 1;
  std::signal(SIGALRM, SayWhere);
  std::signal(SIGABRT, SayWhere);  // how the sanitizers end
#if !defined(__SANITIZE_ADDRESS__)
  for (const int fatal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL}) std::signal(fatal, SayWhere);
#endif
  std::string folder =
      (std::getenv("TEST_TMPDIR") != nullptr ? std::getenv("TEST_TMPDIR") : "/tmp");
  folder += "/bundle_fuzzer.XXXXXX";
  if (mkdtemp(folder.data()) == nullptr) return 1;

  const auto start = std::chrono::steady_clock::now();
  Totals totals;
  bool good = true;
  const int64_t first = std::max<int64_t>(flags.only, 0);
  const int64_t last = flags.only >= 0 ? flags.only : flags.count - 1;
  for (int64_t i = first; i <= last; ++i) good &= TryOne(seeds, flags, folder, i, &totals);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  std::printf(
      "%lld bundles, %zu of them whole: %lld accepted, %lld refused; %lld runs, %lld refused "
      "runs; %.0f s\n",
      static_cast<long long>(last - first + 1), seeds.size(),
      static_cast<long long>(totals.accepted), static_cast<long long>(totals.refused),
      static_cast<long long>(totals.runs), static_cast<long long>(totals.refused_runs),
      seconds.count());
  for (const char* name : {"/mutated.stb", "/mutated.stb.weights"}) unlink((folder + name).c_str());
  rmdir(folder.c_str());
  return good ? 0 : 1;
}
