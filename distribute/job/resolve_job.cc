#include "distribute/job/resolve_job.h"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "distribute/job/network_text.h"

namespace stator::distribute {
namespace {

// A name made of a path: its last part without the extension.
std::string NameOfFile(const std::string& path) {
  std::string name = std::filesystem::path(path).stem().string();
  for (char& c : name) {
    if (!absl::ascii_isalnum(c) && c != '-' && c != '_' && c != '.') c = '-';
  }
  name = name.substr(0, 63);
  return name.empty() ? "job" : name;
}

Job::Strategy::Kind KindOf(const Job& job) {
  if (job.roles().worker() > 1) return Job::Strategy::KIND_MULTI_WORKER;
  if (job.strategy().devices() > 1) return Job::Strategy::KIND_MIRRORED;
  return Job::Strategy::KIND_SINGLE;
}

bool IsPowerOfTwo(int64_t value) { return value > 0 && (value & (value - 1)) == 0; }

// The powers of two beside `value`, which is none, for people; only those of at least `least`.
std::string NearestPowers(int64_t value, int64_t least) {
  int64_t above = 1;
  while (above < value || above < least) above *= 2;
  return above / 2 < least ? absl::StrCat(above) : absl::StrCat(above / 2, " or ", above);
}

void ResolveStrategy(Job* job) {
  Job::Roles& roles = *job->mutable_roles();
  if (!roles.has_worker()) roles.set_worker(1);
  Job::Strategy& strategy = *job->mutable_strategy();
  if (!strategy.has_devices()) strategy.set_devices(1);
  if (!strategy.has_bucket_bytes()) strategy.set_bucket_bytes(int64_t{4} << 20);
  if (strategy.kind() == Job::Strategy::KIND_UNSPECIFIED) strategy.set_kind(KindOf(*job));
  if (strategy.determinism() == Job::Strategy::DETERMINISM_UNSPECIFIED) {
    strategy.set_determinism(Job::Strategy::DETERMINISM_EXACT);
  }
  if (!strategy.has_virtual_replicas()) {
    const int64_t replicas = int64_t{roles.worker()} * strategy.devices();
    strategy.set_virtual_replicas(
        static_cast<int32_t>(std::clamp<int64_t>(replicas, 1, INT32_MAX)));
  }
}

void ResolveTraining(Job* job) {
  Job::Training& training = *job->mutable_training();
  if (!training.has_seed()) training.set_seed(1);
  if (!training.has_verify_every_steps()) training.set_verify_every_steps(100);
  Job::Checkpoint& checkpoint = *job->mutable_checkpoint();
  if (checkpoint.directory().empty()) {
    checkpoint.set_directory(
        (std::filesystem::path(job->run_directory()) / "checkpoints").string());
  }
  if (!checkpoint.has_every_steps()) checkpoint.set_every_steps(100);
  if (!checkpoint.has_keep()) checkpoint.set_keep(3);
  if (checkpoint.gather() == Job::Checkpoint::GATHER_UNSPECIFIED) {
    checkpoint.set_gather(Job::Checkpoint::GATHER_SHARED);
  }
}

void ResolveProgram(Job* job) {
  Job::Program& program = *job->mutable_program();
  if (job->data().shuffle() == Job::Data::SHUFFLE_UNSPECIFIED) {
    job->mutable_data()->set_shuffle(Job::Data::SHUFFLE_FULL);
  }
  if (program.graph().empty()) return;
  Job::Signatures& signatures = *program.mutable_signatures();
  if (signatures.train().empty()) signatures.set_train("train");
  if (signatures.initialize().empty()) signatures.set_initialize("initialize");
  if (signatures.evaluate().empty() && !job->data().evaluate().empty()) {
    signatures.set_evaluate("evaluate");
  }
}

void ResolveFailures(Job* job) {
  Job::Restart& restart = *job->mutable_restart();
  if (!restart.has_max_restarts()) restart.set_max_restarts(3);
  if (!restart.has_backoff_seconds()) restart.set_backoff_seconds(1);
  if (!restart.has_max_backoff_seconds()) restart.set_max_backoff_seconds(30);
  Job::Timeouts& timeouts = *job->mutable_timeouts();
  if (!timeouts.has_start_seconds()) timeouts.set_start_seconds(60);
  if (!timeouts.has_failure_seconds()) timeouts.set_failure_seconds(10);
  if (!timeouts.has_heartbeat_ms()) timeouts.set_heartbeat_ms(250);
}

void ResolveNetwork(Job* job) {
  Job::Network& network = *job->mutable_network();
  if (network.interface().empty() && network.cidr().empty()) network.set_interface("lo");
  if (network.ports().empty()) network.set_ports("20000-20999");
  if (job->security().mode() == Job::Security::MODE_UNSPECIFIED) {
    job->mutable_security()->set_mode(Job::Security::MODE_AUTO);
  }
}

// The rules, one member per part of the job.
class Rules {
 public:
  Rules(const Job& job, const JobPlaces& places) : job_(job), places_(places) {}

  absl::Status Check(bool check_files) {
    CheckNames();
    CheckProgram();
    if (CheckCounts()) CheckShards();
    CheckTraining();
    CheckResume(check_files);
    CheckNetwork();
    CheckSecurity();
    CheckHosts();
    CheckFailures();
    CheckEnvironment();
    return errors_.status();
  }

 private:
  void Add(const std::string& field, const std::string& what) {
    errors_.Add(places_.Of(field), field, what);
  }

  // Returns whether `value` is at least `least`.
  template <typename T>
  bool AtLeast(const std::string& field, T value, T least) {
    if (value >= least) return true;
    Add(field, absl::StrCat("expected at least ", least, ", found ", value));
    return false;
  }

  bool AtMost(const std::string& field, int64_t value, int64_t most) {
    if (value <= most) return true;
    Add(field, absl::StrCat("expected at most ", most, ", found ", value));
    return false;
  }

  bool PowerOfTwo(const std::string& field, int64_t value, int64_t least) {
    if (IsPowerOfTwo(value)) return true;
    Add(field, absl::StrCat("sums over replicas need a power of two: expected ",
                            NearestPowers(value, least), ", found ", value));
    return false;
  }

  void MorePositive(const std::string& field, double value) {
    if (!(value > 0)) Add(field, absl::StrCat("expected more than 0, found ", value));
  }

  void CheckNames() {
    const std::string& name = job_.name();
    const bool fits = !name.empty() && name.size() <= 63 && absl::ascii_isalnum(name[0]) &&
                      std::all_of(name.begin(), name.end(), [](char c) {
                        return absl::ascii_isalnum(c) || c == '-' || c == '_' || c == '.';
                      });
    if (!fits) {
      Add("name", absl::StrCat("expected up to 63 letters, digits, '-', '_' and '.', the first a "
                               "letter or digit, found \"",
                               name, "\""));
    }
  }

  void CheckProgram() {
    const Job::Program& program = job_.program();
    if (!program.graph().empty()) return CheckGraph();
    if (program.binary().empty()) {
      Add("program.binary",
          "needed: the path of the program that each task runs; or program.graph");
    }
    const Job::Signatures& named = program.signatures();
    for (const auto& [field, name] : {std::pair("train", named.train()),
                                      std::pair("evaluate", named.evaluate()),
                                      std::pair("initialize", named.initialize())}) {
      if (!name.empty()) Add(absl::StrCat("program.signatures.", field), "needs program.graph");
    }
  }

  // Nothing but the file says how a graph is trained.
  void CheckGraph() {
    const Job::Program& program = job_.program();
    if (!program.binary().empty()) {
      Add("program.graph", absl::StrCat("expected a binary or a graph, found both: binary ",
                                        program.binary(), ", graph ", program.graph()));
    }
    if (program.args_size() > 0) {
      Add("program.args", absl::StrCat("a graph has no arguments, found \"", program.args(0), "\""));
    }
    if (job_.training().global_batch() == 0) {
      Add("training.global_batch", "needed with program.graph, which does not decide it");
    }
    if (job_.data().train().empty()) {
      Add("data.train",
          "needed with program.graph: a file for each input of the signature that trains");
    }
    if (!program.signatures().evaluate().empty() && job_.data().evaluate().empty()) {
      Add("data.evaluate",
          "needed with program.signatures.evaluate: a file for each input of that signature");
    }
    if (job_.data().shuffle() == Job::Data::SHUFFLE_BUFFER) {
      AtLeast<int64_t>("data.shuffle_buffer", job_.data().shuffle_buffer(), 1);
    } else if (job_.data().shuffle_buffer() != 0) {
      Add("data.shuffle_buffer", "needs data.shuffle buffer");
    }
  }

  bool CheckCounts() {
    const Job::Strategy& strategy = job_.strategy();
    const int workers = job_.roles().worker();
    bool good = AtLeast("roles.worker", workers, 1) && AtMost("roles.worker", workers, 4096);
    good &= AtLeast("strategy.devices", strategy.devices(), 1) &&
            AtMost("strategy.devices", strategy.devices(), 1024);
    good &= AtLeast("strategy.virtual_replicas", strategy.virtual_replicas(), 1) &&
            AtMost("strategy.virtual_replicas", strategy.virtual_replicas(), 1 << 20);
    AtLeast("roles.evaluator", job_.roles().evaluator(), 0);
    AtMost("roles.evaluator", job_.roles().evaluator(), 1);
    AtLeast<int64_t>("strategy.bucket_bytes", strategy.bucket_bytes(), 1024);
    if (strategy.kind() != Job::Strategy::KIND_MULTI_WORKER && workers > 1) {
      Add("roles.worker",
          absl::StrCat("strategy.kind ",
                       strategy.kind() == Job::Strategy::KIND_SINGLE ? "single" : "mirrored",
                       " has one task: expected 1, found ", workers, "; multi_worker has several"));
    }
    if (strategy.kind() == Job::Strategy::KIND_SINGLE && strategy.devices() > 1) {
      Add("strategy.devices",
          absl::StrCat("strategy.kind single has one device: expected 1, found ",
                       strategy.devices(), "; mirrored has several"));
    }
    return good;
  }

  void CheckShards() {
    const int64_t replicas = int64_t{job_.roles().worker()} * job_.strategy().devices();
    const int64_t shards = job_.strategy().virtual_replicas();
    const std::string product =
        absl::StrCat("roles.worker x strategy.devices = ", job_.roles().worker(), " x ",
                     job_.strategy().devices(), " = ", replicas);
    // Whatever the determinism: the collectives sum along a tree of halves.
    bool good = PowerOfTwo("roles.worker", job_.roles().worker(), 1);
    good &= PowerOfTwo("strategy.devices", job_.strategy().devices(), 1);
    if (!good || !PowerOfTwo("strategy.virtual_replicas", shards, replicas)) return;
    if (shards % replicas != 0) {
      Add("strategy.virtual_replicas",
          absl::StrCat("each replica has equally many shards: expected a multiple of ", product,
                       ", found ", shards));
    }
    const int64_t batch = job_.training().global_batch();
    if (batch > 0 && batch % shards != 0) {
      Add("training.global_batch", absl::StrCat("shards are equally large: expected a multiple of "
                                                "strategy.virtual_replicas = ",
                                                shards, ", found ", batch));
    }
  }

  void CheckTraining() {
    const Job::Training& training = job_.training();
    AtLeast<int64_t>("training.global_batch", training.global_batch(), 0);
    AtLeast<int64_t>("training.steps", training.steps(), 0);
    AtLeast<int64_t>("training.epochs", training.epochs(), 0);
    AtLeast<int64_t>("training.evaluate_every_steps", training.evaluate_every_steps(), 0);
    AtLeast<int64_t>("training.verify_every_steps", training.verify_every_steps(), 0);
    if (training.steps() > 0 && training.epochs() > 0) {
      Add("training.epochs", absl::StrCat("expected steps or epochs, found both: steps ",
                                          training.steps(), ", epochs ", training.epochs()));
    }
    AtLeast<int64_t>("checkpoint.every_steps", job_.checkpoint().every_steps(), 0);
    AtLeast("checkpoint.keep", job_.checkpoint().keep(), 1);
    AtLeast("resources.threads", job_.resources().threads(), 0);
    AtMost("resources.threads", job_.resources().threads(), 4096);
    AtLeast<int64_t>("resources.memory_bytes", job_.resources().memory_bytes(), 0);
  }

  void CheckResume(bool check_files) {
    const std::string& resume = job_.resume();
    if (resume == "auto" || resume == "never" || !check_files) return;
    std::error_code error;
    if (std::filesystem::exists(resume, error)) return;
    Add("resume", absl::StrCat("expected auto, never or the path of a checkpoint, found \"", resume,
                               "\", which does not exist"));
  }

  void CheckNetwork() {
    const Job::Network& network = job_.network();
    if (!network.interface().empty() && !network.cidr().empty()) {
      Add("network.cidr", absl::StrCat("expected an interface or a network, found both: interface ",
                                       network.interface(), ", cidr ", network.cidr()));
    }
    if (network.interface().size() > 15 ||
        network.interface().find_first_of(" /:") != std::string::npos) {
      Add("network.interface", absl::StrCat("expected the name of a network interface, found \"",
                                            network.interface(), "\""));
    }
    if (!network.cidr().empty() && !IsCidr(network.cidr())) {
      Add("network.cidr",
          absl::StrCat("expected ADDRESS/BITS such as 10.0.0.0/8, found \"", network.cidr(), "\""));
    }
    int first = 0;
    int last = 0;
    if (!ParsePorts(network.ports(), &first, &last)) {
      Add("network.ports",
          absl::StrCat("expected FIRST-LAST with 1 <= FIRST <= LAST <= 65535, found \"",
                       network.ports(), "\""));
      return;
    }
    const int64_t replicas = int64_t{job_.roles().worker()} * job_.strategy().devices();
    if (last - first + 1 < replicas + 1) {
      Add("network.ports", absl::StrCat("expected a port for each of ", replicas,
                                        " replicas and one for the coordinator, found ", first, "-",
                                        last, ", which is ", last - first + 1));
    }
  }

  bool ListensOnLoopback() const {
    if (!job_.network().cidr().empty()) return IsLoopbackCidr(job_.network().cidr());
    return job_.network().interface() == "lo";
  }

  void CheckSecurity() {
    if (job_.security().mode() == Job::Security::MODE_INSECURE_LOOPBACK && !ListensOnLoopback()) {
      Add("security.mode", absl::StrCat("insecure_loopback needs network.interface lo, found ",
                                        job_.network().cidr().empty() ? job_.network().interface()
                                                                      : job_.network().cidr(),
                                        "; mtls protects what leaves the host"));
    }
  }

  void CheckHosts() {
    for (int i = 0; i < job_.hosts_size(); ++i) {
      const std::string& host = job_.hosts(i);
      const std::string field = absl::StrCat("hosts[", i, "]");
      if (!IsHost(host)) {
        Add(field, absl::StrCat("expected a host or user@host, found \"", host, "\""));
      } else if (ListensOnLoopback() && !IsLoopbackHost(host)) {
        Add(field, absl::StrCat("tasks on other hosts need network.interface or network.cidr, "
                                "found \"",
                                host, "\" with tasks that listen on loopback"));
      }
    }
    if (job_.engine().name() == Job::Engine::NAME_SSH && job_.hosts().empty()) {
      Add("hosts", "engine.name ssh needs at least one host, found none");
    }
    for (int i = 0; i < job_.engine().lines_size(); ++i) {
      if (job_.engine().lines(i).find_first_of("\n\r") != std::string::npos) {
        Add(absl::StrCat("engine.lines[", i, "]"), "expected one line, found several");
      }
    }
  }

  void CheckFailures() {
    const Job::Restart& restart = job_.restart();
    AtLeast("restart.max_restarts", restart.max_restarts(), 0);
    AtLeast("restart.backoff_seconds", restart.backoff_seconds(), 0.0);
    if (!(restart.max_backoff_seconds() >= restart.backoff_seconds())) {
      Add("restart.max_backoff_seconds",
          absl::StrCat("expected at least restart.backoff_seconds = ", restart.backoff_seconds(),
                       ", found ", restart.max_backoff_seconds()));
    }
    const Job::Timeouts& timeouts = job_.timeouts();
    MorePositive("timeouts.start_seconds", timeouts.start_seconds());
    MorePositive("timeouts.failure_seconds", timeouts.failure_seconds());
    AtLeast("timeouts.wall_seconds", timeouts.wall_seconds(), 0.0);
    if (!AtLeast("timeouts.heartbeat_ms", timeouts.heartbeat_ms(), 10)) return;
    if (timeouts.failure_seconds() > 0 &&
        timeouts.failure_seconds() * 1000 < 2.0 * timeouts.heartbeat_ms()) {
      Add("timeouts.failure_seconds",
          absl::StrCat("expected at least two heartbeats (timeouts.heartbeat_ms = ",
                       timeouts.heartbeat_ms(), "), found ", timeouts.failure_seconds()));
    }
  }

  void CheckEnvironment() {
    for (const auto& [name, value] : job_.environment()) {
      const std::string field = absl::StrCat("environment.", name);
      const bool fits = !name.empty() && !absl::ascii_isdigit(name[0]) &&
                        std::all_of(name.begin(), name.end(),
                                    [](char c) { return absl::ascii_isalnum(c) || c == '_'; });
      if (!fits) {
        Add(field, absl::StrCat("expected the name of a variable (letters, digits, '_'), found \"",
                                name, "\""));
      } else if (IsReservedVariable(name)) {
        Add(field, "set by stator itself for each task; choose another name");
      }
    }
  }

  static bool IsReservedVariable(const std::string& name) {
    for (const char* reserved :
         {"TF_CONFIG", "RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT"}) {
      if (name == reserved) return true;
    }
    return name.rfind("STATOR_", 0) == 0;
  }

  const Job& job_;
  const JobPlaces& places_;
  JobErrors errors_;
};

}  // namespace

void ResolveJob(const JobPlaces& places, Job* job) {
  if (job->name().empty()) job->set_name(NameOfFile(places.file()));
  if (job->run_directory().empty()) job->set_run_directory(absl::StrCat("runs/", job->name()));
  if (job->resume().empty()) job->set_resume("auto");
  ResolveStrategy(job);
  ResolveTraining(job);
  ResolveProgram(job);
  ResolveFailures(job);
  ResolveNetwork(job);
  job->mutable_resources();
  job->mutable_engine();
}

absl::Status ValidateJob(const Job& job, const JobPlaces& places, bool check_files) {
  return Rules(job, places).Check(check_files);
}

}  // namespace stator::distribute
