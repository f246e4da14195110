#include "distribute/launch/doctor.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <system_error>
#include <thread>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "distribute/checkpoint/sha256.h"
#include "distribute/collectives/file_descriptor.h"
#include "distribute/job/job_file.h"
#include "distribute/graph_program/graph_job.h"
#include "distribute/launch/host_address.h"
#include "distribute/launch/plan.h"
#include "distribute/launch/ports.h"
#include "distribute/launch/process.h"
#include "distribute/launch/run_directory.h"
#include "distribute/launch/task_command.h"
#include "formats/file.h"
#include "graph/status_macros.h"
#include "proto/json_text.h"

namespace stator::distribute {
namespace {

constexpr int64_t kProbeBytes = 128 << 20;
constexpr absl::Duration kPatience = absl::Seconds(30);
constexpr double kClockSeconds = 1;

// What a probe on another host printed, `key=value` a line.
class Answers : public Console {
 public:
  void Line(Stream stream, absl::string_view text) override {
    const size_t equals = text.find('=');
    if (stream == Stream::kError || equals == absl::string_view::npos) {
      complaint_ = std::string(text);
      return;
    }
    const std::string key(text.substr(0, equals));
    values_[key] = std::string(text.substr(equals + 1));
    received_[key] = absl::Now();
  }
  void Progress(absl::string_view) override {}

  std::string Get(const std::string& key) const {
    const auto found = values_.find(key);
    return found == values_.end() ? "" : found->second;
  }
  absl::Time Received(const std::string& key) const {
    const auto found = received_.find(key);
    return found == received_.end() ? absl::InfinitePast() : found->second;
  }
  const std::string& complaint() const { return complaint_; }

 private:
  std::map<std::string, std::string> values_;
  std::map<std::string, absl::Time> received_;
  std::string complaint_;
};

absl::StatusOr<std::string> FileSha256(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return formats::ErrnoStatus("open", path);
  Sha256 sum;
  std::string chunk(1 << 20, '\0');
  while (file) {
    file.read(chunk.data(), static_cast<std::streamsize>(chunk.size()));
    sum.Update(absl::string_view(chunk.data(), static_cast<size_t>(file.gcount())));
  }
  std::string out;
  for (const char c : sum.Digest()) {
    absl::StrAppend(&out, absl::Hex(static_cast<unsigned char>(c), absl::kZeroPad2));
  }
  return out;
}

// Counts what arrives at a port until the sender is done.
class Sink {
 public:
  static absl::StatusOr<std::unique_ptr<Sink>> Listen(const std::string& host, int port) {
    auto sink = std::make_unique<Sink>();
    addrinfo hints = {};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* address = nullptr;
    if (getaddrinfo(host.c_str(), absl::StrCat(port).c_str(), &hints, &address) != 0) {
      return absl::InvalidArgumentError(host + " has no address");
    }
    sink->listener_ = FileDescriptor(socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const int yes = 1;
    setsockopt(sink->listener_.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    const bool listening =
        bind(sink->listener_.get(), address->ai_addr, address->ai_addrlen) == 0 &&
        listen(sink->listener_.get(), 1) == 0;
    freeaddrinfo(address);
    if (!listening) return formats::ErrnoStatus("listen on", absl::StrCat(host, ":", port));
    sink->thread_ = std::thread([raw = sink.get()] { raw->Receive(); });
    return sink;
  }
  ~Sink() { Stop(); }

  // After the sender's end. Bytes per second, 0 if nobody came.
  double Rate() {
    Stop();
    return seconds_ > 0 ? static_cast<double>(bytes_) / seconds_ : 0;
  }

 private:
  void Stop() {
    if (!thread_.joinable()) return;
    shutdown(listener_.get(), SHUT_RDWR);  // ends an accept that nobody answers
    thread_.join();
  }
  void Receive() {
    const FileDescriptor peer(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!peer.valid()) return;
    const timeval patience = {static_cast<time_t>(absl::ToInt64Seconds(kPatience)), 0};
    setsockopt(peer.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    std::string buffer(1 << 20, '\0');
    const absl::Time start = absl::Now();
    ssize_t got;
    while ((got = read(peer.get(), buffer.data(), buffer.size())) > 0) bytes_ += got;
    seconds_ = absl::ToDoubleSeconds(absl::Now() - start);
  }

  FileDescriptor listener_;
  std::thread thread_;
  int64_t bytes_ = 0;
  double seconds_ = 0;
};

class Doctor {
 public:
  explicit Doctor(const Job& job) : job_(job), directory_(job.run_directory()) {}

  std::vector<Finding> Examine() {
    CheckProgram();
    CheckGraph();
    CheckEngine();
    CheckRunDirectory();
    CheckNetwork();
    std::set<std::string> seen;
    for (const std::string& host : job_.hosts()) {
      if (seen.insert(host).second) CheckHost(host);
    }
    if (!token_.empty()) {
      std::error_code error;
      std::filesystem::remove(TokenFile(), error);
    }
    return std::move(findings_);
  }

 private:
  void Ok(const std::string& what, const std::string& result) {
    findings_.push_back({true, what, result, ""});
  }
  void Failed(const std::string& what, const std::string& result, const std::string& remedy) {
    findings_.push_back({false, what, result, remedy});
  }
  std::string TokenFile() const { return directory_.path() + "/doctor.token"; }

  void CheckProgram() {
    const auto command = TaskCommand(job_);
    if (!command.ok()) {
      return Failed("program", std::string(command.status().message()),
                    "install stator as a whole, with its compiler");
    }
    program_ = command->front();
    if (access(program_.c_str(), X_OK) != 0) {
      return Failed("program", program_ + " cannot be executed",
                    "build it, or correct program.binary (from the folder where you launch)");
    }
    const auto sum = FileSha256(program_);
    if (!sum.ok())
      return Failed("program", std::string(sum.status().message()), "make it readable");
    sha256_ = *sum;
    Ok("program", absl::StrCat(program_, ", sha256 ", sha256_.substr(0, 16)));
  }

  // A program looks after its own data.
  void CheckGraph() {
    if (job_.program().graph().empty()) return;
    const auto loaded = LoadGraphJob(job_);
    if (!loaded.ok()) {
      return Failed("graph", std::string(loaded.status().message()),
                    "correct the job, or write graph and files anew");
    }
    Ok("graph", absl::StrCat(job_.program().graph(), ", ", loaded->steps_per_epoch,
                             " steps an epoch; its signatures and files fit"));
  }

  void CheckEngine() {
    std::string starter;
    if (job_.engine().name() == Job::Engine::NAME_SLURM) starter = "srun";
    if (job_.engine().name() == Job::Engine::NAME_MPI) starter = "mpirun";
    if (job_.engine().name() == Job::Engine::NAME_SSH || !job_.hosts().empty()) starter = "ssh";
    if (starter.empty()) return;
    const char* const path = std::getenv("PATH");
    for (const auto folder : absl::StrSplit(path == nullptr ? "" : path, ':')) {
      const std::string file = absl::StrCat(folder, "/", starter);
      if (access(file.c_str(), X_OK) != 0) continue;
      return Ok(
          "engine",
          absl::StrCat(
              file, starter == "srun" ? "; the nodes are not looked at, Slurm chooses them" : ""));
    }
    Failed("engine", starter + " is not in PATH",
           "install it, or launch where it is (another engine: --set engine.name=local)");
  }

  void CheckRunDirectory() {
    if (const absl::Status made = directory_.Create(); !made.ok()) {
      return Failed("run directory", std::string(made.message()),
                    "make its parent writable, or set run_directory");
    }
    if (const auto lock = directory_.Lock(); !lock.ok()) {
      Failed("run directory", std::string(lock.status().message()),
             "wait for that launch, or set another run_directory");
    }
    token_ = absl::StrCat(HostName(), " ", getpid(), " ", absl::GetCurrentTimeNanos());
    if (const auto written = formats::WriteFileAtomically(TokenFile(), token_); !written.ok()) {
      token_.clear();
      return Failed("run directory", std::string(written.message()), "make it writable");
    }
    Ok("run directory", directory_.path() + " can be written and is not in use");
  }

  void CheckNetwork() {
    const auto address = HostAddress(job_.network());
    if (!address.ok()) {
      return Failed("network", std::string(address.status().message()),
                    "correct network.interface or network.cidr");
    }
    address_ = *address;
    const bool loopback_only = IsLoopback(address_);
    const bool elsewhere = std::any_of(job_.hosts().begin(), job_.hosts().end(), [](const auto& h) {
      return !IsLoopback(h.substr(h.find('@') + 1));
    });
    if (loopback_only && elsewhere) {
      Failed("network", "tasks would listen on loopback, where other hosts cannot reach them",
             "set network.interface, or network.cidr to the network that the hosts share");
    }
    const PortRange range = PortsOf(job_);
    int first_free = 0;
    {
      // The coordinator, and the data sockets of each replica, if all tasks were on this host.
      const int needed = 1 + ReplicaCount(job_);
      std::vector<ReservedPort> reserved;
      for (int i = 0; i < needed; ++i) {
        auto port = ReservePort(address_, range.first, range.last, i);
        if (!port.ok()) break;
        reserved.push_back(*std::move(port));
      }
      const std::string found = absl::StrCat(reserved.size(), " of the ", needed,
                                             " ports that this host's tasks may need are free in ",
                                             range.first, "-", range.last, " on ", address_);
      if (static_cast<int>(reserved.size()) < needed) {
        return Failed("ports", found, "set network.ports to a range that is free and large enough");
      }
      first_free = reserved[0].port;
      Ok("ports", absl::StrCat(found, ", the first ", first_free));
    }
    CheckLocalRate(first_free);
  }

  void CheckLocalRate(int port) {
    auto sink = Sink::Listen(address_, port);
    if (!sink.ok()) {
      return Failed("bandwidth", std::string(sink.status().message()), "set network.ports");
    }
    const std::string error = Send(address_, port);
    const double rate = (*sink)->Rate();
    if (!error.empty() || rate == 0) {
      return Failed("bandwidth", "tasks of this host cannot reach each other: " + error,
                    "look at the firewall's rules for " + address_);
    }
    Ok("bandwidth", absl::StrFormat("%.2f GB/s over TCP within this host", rate / 1e9));
  }

  // Empty if all bytes went out.
  static std::string Send(const std::string& host, int port) {
    addrinfo hints = {};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* address = nullptr;
    if (getaddrinfo(host.c_str(), absl::StrCat(port).c_str(), &hints, &address) != 0)
      return "no address";
    const FileDescriptor peer(socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const bool connected = connect(peer.get(), address->ai_addr, address->ai_addrlen) == 0;
    freeaddrinfo(address);
    if (!connected) return "connect failed";
    const std::string chunk(1 << 20, '\0');
    for (int64_t sent = 0; sent < kProbeBytes;) {
      const ssize_t n = send(peer.get(), chunk.data(), chunk.size(), MSG_NOSIGNAL);
      if (n <= 0) return "send failed";
      sent += n;
    }
    return "";
  }

  std::string ProbeScript(int port) const {
    std::error_code error;
    return absl::StrCat("cd ", ShellQuote(std::filesystem::current_path(error).string()),
                        " || exit; echo time=$(date +%s.%N); echo sha256=$(sha256sum ",
                        ShellQuote(program_),
                        " 2>/dev/null | cut -c1-64); echo token=$(cat ", ShellQuote(TokenFile()),
                        " 2>/dev/null); ", "timeout ", absl::ToInt64Seconds(kPatience) / 2,
                        " bash -c ",
                        ShellQuote(absl::StrCat("exec 3<>/dev/tcp/", address_, "/", port,
                                                " && head -c ", kProbeBytes, " /dev/zero >&3")),
                        " 2>/dev/null && echo sent=yes");
  }

  // Runs the probe; what ssh complained of, or empty.
  std::string Probe(const std::string& host, int port, Answers* answers) {
    LocalProcessOptions options;
    options.console = answers;
    auto processes = NewLocalProcesses(options);
    if (!processes.ok()) return std::string(processes.status().message());
    ProcessSpec spec;
    spec.name = host;
    spec.prefix_lines = false;
    spec.command = {"ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10"};
    if (job_.engine().name() == Job::Engine::NAME_SSH) {
      spec.command.insert(spec.command.end(), job_.engine().lines().begin(),
                          job_.engine().lines().end());
    }
    spec.command.insert(spec.command.end(), {host, "--", ProbeScript(port)});
    if (const absl::Status started = (*processes)->Start(spec); !started.ok()) {
      return std::string(started.message());
    }
    const auto event = (*processes)->Wait(absl::Now() + kPatience);
    if (!event) return absl::StrCat("no answer in ", absl::FormatDuration(kPatience));
    if (answers->Get("time").empty()) {
      return answers->complaint().empty() ? event->status.ToString() : answers->complaint();
    }
    return "";
  }

  void CheckHost(const std::string& host) {
    const std::string name = "host " + host;
    std::unique_ptr<Sink> sink;
    int port = 0;
    const PortRange range = PortsOf(job_);
    if (const auto free = ReservePort(address_, range.first, range.last, 0); free.ok()) {
      port = free->port;
      if (auto listening = Sink::Listen(address_, port); listening.ok())
        sink = *std::move(listening);
    }
    Answers answers;
    if (const std::string error = Probe(host, port, &answers); !error.empty()) {
      return Failed(name, error,
                    absl::StrCat("make `ssh -o BatchMode=yes ", host,
                                 " true` work: keys without a password, a known host key, and "
                                 "the same folder there"));
    }
    Ok(name, "reached by ssh");
    const std::string sum = answers.Get("sha256");
    if (sum == sha256_ && !sum.empty()) {
      Ok(name + ": program", "the same");
    } else {
      Failed(name + ": program",
             sum.empty() ? "not found there" : "another one, sha256 " + sum.substr(0, 16),
             "copy the program there, or put it on a folder that the hosts share");
    }
    if (answers.Get("token") == token_ && !token_.empty()) {
      Ok(name + ": run directory", "shared");
    } else if (job_.checkpoint().gather() == Job::Checkpoint::GATHER_CHIEF) {
      Ok(name + ": run directory", "another folder there: worker:0 keeps the checkpoints");
    } else {
      Failed(name + ": run directory", "not the same folder there",
             "set run_directory to a folder that the hosts share, or checkpoint.gather to chief");
    }
    double there = 0;
    (void)absl::SimpleAtod(answers.Get("time"), &there);
    const double ahead =
        there - absl::ToDoubleSeconds(answers.Received("time") - absl::UnixEpoch());
    const std::string clock = absl::StrFormat("%+.3f s from this host's", ahead);
    if (ahead < kClockSeconds && ahead > -kClockSeconds) {
      Ok(name + ": clock", clock);
    } else {
      Failed(name + ": clock", clock,
             "set it (chrony, ntpd): certificates and logs go by it, training does not");
    }
    const double rate = answers.Get("sent") == "yes" && sink != nullptr ? sink->Rate() : 0;
    if (rate > 0) {
      Ok(name + ": bandwidth", absl::StrFormat("%.2f GB/s to this host", rate / 1e9));
    } else {
      Failed(name + ": bandwidth",
             absl::StrCat("cannot reach ", address_, ":", port, " from there"),
             "look at network.interface, network.cidr and the firewall's rules for network.ports");
    }
  }

  const Job& job_;
  const RunDirectory directory_;
  std::vector<Finding> findings_;
  std::string program_;
  std::string sha256_;
  std::string token_;
  std::string address_;
};

}  // namespace

std::vector<Finding> Examine(const Job& job) { return Doctor(job).Examine(); }

std::string DescribeFindings(const std::vector<Finding>& findings, bool json) {
  std::string out;
  std::vector<std::string> objects;
  for (const Finding& finding : findings) {
    objects.push_back(JsonObject()
                          .Flag("ok", finding.ok)
                          .Text("what", finding.what)
                          .Text("result", finding.result)
                          .Text("remedy", finding.remedy)
                          .ToString());
    absl::StrAppend(&out, finding.ok ? "ok      " : "FAILED  ", finding.what, ": ", finding.result,
                    "\n");
    if (!finding.ok) absl::StrAppend(&out, "        to do: ", finding.remedy, "\n");
  }
  return json ? JsonArray(objects, " ") + "\n" : out;
}

}  // namespace stator::distribute
