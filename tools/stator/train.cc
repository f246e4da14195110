// stator train: the program of jobs whose program is a graph.
#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "distribute/graph_program/graph_program.h"
#include "distribute/run.h"
#include "tools/stator/command.h"
#include "tools/stator/usage.h"

namespace stator::tools {
namespace {

struct TrainFlags {
  std::string job_file;
  bool plan = false;
};

absl::Status Train(const TrainFlags& flags, int* exit_code) {
  if (flags.job_file.empty() && !distribute::IsTask()) {
    return UsageError("expected a JOB, or a task's environment, which `stator launch` makes");
  }
  std::vector<std::string> words = {"stator train"};
  if (!flags.job_file.empty()) words.insert(words.end(), {"--job", flags.job_file});
  if (flags.plan) words.push_back("--plan");
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  *exit_code =
      distribute::Run(static_cast<int>(argv.size()), argv.data(), &distribute::BuildGraphProgram);
  return absl::OkStatus();
}

}  // namespace

Command AddTrain(CLI::App& app) {
  const auto flags = std::make_shared<TrainFlags>();
  const auto exit_code = std::make_shared<int>(0);
  CLI::App* train = app.add_subcommand(
      "train", "Trains the graph of a job in this one process; launch starts it as each task.");
  train->add_option("JOB", flags->job_file, "job file with program.graph");
  train->add_flag("--plan", flags->plan, "print what each task would hold and send, and end");
  return {train, [flags, exit_code] { return Train(*flags, exit_code.get()); }, exit_code};
}

}  // namespace stator::tools
