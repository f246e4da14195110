#include "distribute/collectives/group.h"

#include <sched.h>

#include <algorithm>
#include <bit>
#include <utility>

#include "absl/strings/str_cat.h"
#include "distribute/collectives/arithmetic.h"
#include "graph/status_macros.h"

namespace stator::distribute {

using executable::DType;
using runtime::RunControl;

namespace {

constexpr size_t kGreetingBytes = 64;
constexpr int64_t kSpinNanoseconds = 20'000;  // about two wake-ups of a sleeping thread
constexpr int kReportMilliseconds = 30;
constexpr int64_t kPieceUnit = 16;      // elements: whole vectors
constexpr int64_t kBroadcastAhead = 3;  // blocks that may be on their way

// One exchange of a block with one partner: a half on the way down, a doubling on the way up.
struct Move {
  bool gather;
  int level;
};

}  // namespace

// A collective under way.
struct Group::Plan {
  const RunControl* control = nullptr;
  const Arithmetic* arithmetic = nullptr;  // null: nothing is summed
  absl::Span<const void* const> inputs;
  char* output = nullptr;
  int64_t count = 0;
  size_t element_bytes = 1;
  size_t work_bytes = 1;
  double divisor = 1;
  bool own_work = false;  // sums live in work_, not in output
  bool gather = false;
  int64_t piece = 0;              // elements of each shard in one block
  std::vector<Move> moves;        // of every block, in order
  std::vector<uint64_t> tickets;  // of the last receive, by block modulo the stages

  int stages() const { return static_cast<int>(moves.size()) + 1; }
  size_t slot(int64_t block) const { return static_cast<size_t>(block % stages()); }
};

int64_t SpinBudget(int local_tasks, int threads_per_task) {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  if (sched_getaffinity(0, sizeof(cores), &cores) != 0) return 0;
  const int64_t threads = static_cast<int64_t>(local_tasks) * threads_per_task;
  return threads <= CPU_COUNT(&cores) ? kSpinNanoseconds : 0;
}

Shard ShardOf(int64_t count, int workers, int rank) {
  const int64_t base = count / workers, longer = count % workers;
  const int64_t begin = base * rank + std::min<int64_t>(rank, longer);
  return {begin, begin + base + (rank < longer ? 1 : 0)};
}

absl::StatusOr<std::unique_ptr<Group>> Group::Create(
    GroupOptions options, std::vector<std::unique_ptr<Channel>> channels) {
  const size_t workers = options.tasks.size();
  if (!std::has_single_bit(workers)) {
    return absl::InvalidArgumentError(
        absl::StrCat("group: the number of workers must be a power of two, found ", workers));
  }
  if (options.rank < 0 || static_cast<size_t>(options.rank) >= workers) {
    return absl::InvalidArgumentError(
        absl::StrCat("group: rank ", options.rank, " is not one of ", workers, " workers"));
  }
  if (channels.size() != workers) {
    return absl::InvalidArgumentError(
        absl::StrCat("group: expected ", workers, " channels, found ", channels.size()));
  }
  for (size_t i = 0; i < workers; ++i) {
    if ((channels[i] == nullptr) != (static_cast<int>(i) == options.rank)) {
      return absl::InvalidArgumentError(
          absl::StrCat("group: a channel to each peer and none to itself, wrong at ", i));
    }
  }
  return std::unique_ptr<Group>(new Group(std::move(options), std::move(channels)));
}

static std::vector<Channel*> Pointers(const std::vector<std::unique_ptr<Channel>>& channels) {
  std::vector<Channel*> pointers;
  for (const auto& channel : channels) pointers.push_back(channel.get());
  return pointers;
}

Group::Group(GroupOptions options, std::vector<std::unique_ptr<Channel>> channels)
    : options_(std::move(options)),
      levels_(std::bit_width(options_.tasks.size()) - 1),
      channels_(std::move(channels)),
      exchange_(Pointers(channels_), options_.spin_ns) {
  for (const auto& channel : channels_) {
    if (channel == nullptr) continue;
    memory_ = channel->memory();
    if (memory_ == nullptr) break;
  }
}

Group::~Group() {
  if (!status_.ok()) return;
  for (auto& channel : channels_) {
    if (channel != nullptr) channel->SayDone();
  }
}

absl::Status Group::Begin(const char* name, DType dtype, int64_t count, int detail) {
  if (busy_.exchange(true)) {
    return absl::FailedPreconditionError(
        absl::StrCat(name, ": another collective of this group is running"));
  }
  greeting_ = absl::StrCat(name, "/", detail, " of ", count, " ", executable::DTypeName(dtype),
                           ", number ", sequence_++);
  greeting_.resize(kGreetingBytes, ' ');
  greeted_.assign(channels_.size(), false);
  return absl::OkStatus();
}

absl::Status Group::End(absl::Status status) {
  if (!status.ok()) status_ = Fail(status);
  busy_ = false;
  return status_;
}

// Names the culprit and tells everybody, so that they need not find out one after the other.
absl::Status Group::Fail(const absl::Status& status) {
  int channel = exchange_.failed_channel();
  // A peer that closed may have followed another, its last words lost on the way.
  if (channel >= 0 && workers() > 2 && channels_[channel]->state() == PeerState::kVanished) {
    const int reporter = exchange_.ListenForReports(kReportMilliseconds);
    if (reporter >= 0) channel = reporter;
  }
  int culprit = channel < 0 ? options_.rank : channel;
  std::string reason(status.message());
  if (channel >= 0 && channels_[channel]->state() == PeerState::kGaveUp) {
    const int32_t blamed = channels_[channel]->culprit();
    if (blamed >= 0 && blamed < workers()) culprit = blamed;
    reason = culprit == channel ? absl::StrCat(options_.tasks[channel], " gave up its own run")
                                : absl::StrCat(options_.tasks[culprit], " died or failed, as ",
                                               options_.tasks[channel], " reports");
  }
  for (size_t i = 0; i < channels_.size(); ++i) {
    if (channels_[i] != nullptr && static_cast<int>(i) != channel) channels_[i]->GiveUp(culprit);
  }
  if (channel >= 0) channels_[channel]->GiveUp(culprit);
  const std::string what = greeting_.substr(0, greeting_.find(','));
  return absl::Status(status.code(), absl::StrCat(what, ": ", reason));
}

absl::Status Group::CheckInputs(ReduceOp op, DType dtype, size_t inputs, int64_t count) {
  if (count < 0) {
    return absl::InvalidArgumentError(absl::StrCat("collective: negative count ", count));
  }
  if (ArithmeticOf(dtype) == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("collective: no sums of ", executable::DTypeName(dtype)));
  }
  if (op == ReduceOp::kMean && !executable::IsFloatDType(dtype)) {
    return absl::InvalidArgumentError(
        absl::StrCat("collective: no means of ", executable::DTypeName(dtype)));
  }
  if (!std::has_single_bit(inputs)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "collective: a worker's virtual replicas must be a power of two, found ", inputs));
  }
  return absl::OkStatus();
}

Group::Plan Group::PlanReduction(ReduceOp op, DType dtype, absl::Span<const void* const> inputs,
                                 void* output, int64_t count, const RunControl& control) const {
  Plan plan;
  plan.control = &control;
  plan.arithmetic = ArithmeticOf(dtype);
  plan.inputs = inputs;
  plan.output = static_cast<char*>(output);
  plan.count = count;
  plan.element_bytes = plan.arithmetic->element_bytes;
  plan.work_bytes = plan.arithmetic->work_bytes;
  plan.own_work = plan.work_bytes != plan.element_bytes;
  if (op == ReduceOp::kMean) plan.divisor = static_cast<double>(inputs.size() * workers());
  return plan;
}

absl::Status Group::AllReduce(ReduceOp op, DType dtype, absl::Span<const void* const> inputs,
                              void* output, int64_t count, const RunControl& control) {
  STATOR_RETURN_IF_ERROR(status_);
  STATOR_RETURN_IF_ERROR(CheckInputs(op, dtype, inputs.size(), count));
  STATOR_RETURN_IF_ERROR(Begin(op == ReduceOp::kMean ? "all_reduce_mean" : "all_reduce_sum", dtype,
                               count, static_cast<int>(inputs.size())));
  Plan plan = PlanReduction(op, dtype, inputs, output, count, control);
  if (levels_ > 0 && static_cast<size_t>(count) <= options_.small_bytes / plan.work_bytes) {
    return End(RunSmall(plan));
  }
  if (memory_ != nullptr && in_place_ != InPlace::kNo) {
    const absl::StatusOr<bool> done = RunInPlace(plan);
    if (!done.ok() || *done) return End(done.status());
  }
  plan.gather = true;
  for (int level = 0; level < levels_; ++level) plan.moves.push_back({false, level});
  for (int level = levels_ - 1; level >= 0; --level) plan.moves.push_back({true, level});
  return End(RunBlocks(plan));
}

absl::Status Group::ReduceScatter(ReduceOp op, DType dtype, absl::Span<const void* const> inputs,
                                  void* output, int64_t count, const RunControl& control) {
  STATOR_RETURN_IF_ERROR(status_);
  STATOR_RETURN_IF_ERROR(CheckInputs(op, dtype, inputs.size(), count));
  STATOR_RETURN_IF_ERROR(Begin(op == ReduceOp::kMean ? "reduce_scatter_mean" : "reduce_scatter_sum",
                               dtype, count, static_cast<int>(inputs.size())));
  Plan plan = PlanReduction(op, dtype, inputs, output, count, control);
  for (int level = 0; level < levels_; ++level) plan.moves.push_back({false, level});
  return End(RunBlocks(plan));
}

absl::Status Group::AllGather(DType dtype, void* data, int64_t count, const RunControl& control) {
  STATOR_RETURN_IF_ERROR(status_);
  if (count < 0 || executable::DTypeSize(dtype) == 0 || executable::IsObjectDType(dtype)) {
    return absl::InvalidArgumentError("all_gather: needs a count and elements of plain bytes");
  }
  STATOR_RETURN_IF_ERROR(Begin("all_gather", dtype, count, 1));
  Plan plan;
  plan.control = &control;
  plan.output = static_cast<char*>(data);
  plan.count = count;
  plan.element_bytes = plan.work_bytes = executable::DTypeSize(dtype);
  plan.gather = true;
  for (int level = levels_ - 1; level >= 0; --level) plan.moves.push_back({true, level});
  return End(RunBlocks(plan));
}

absl::Status Group::Broadcast(DType dtype, int root, void* data, int64_t count,
                              const RunControl& control) {
  STATOR_RETURN_IF_ERROR(status_);
  if (count < 0 || executable::DTypeSize(dtype) == 0 || executable::IsObjectDType(dtype)) {
    return absl::InvalidArgumentError("broadcast: needs a count and elements of plain bytes");
  }
  if (root < 0 || root >= workers()) {
    return absl::InvalidArgumentError(absl::StrCat("broadcast: no worker has rank ", root));
  }
  STATOR_RETURN_IF_ERROR(Begin("broadcast", dtype, count, root));
  Plan plan;
  plan.control = &control;
  plan.output = static_cast<char*>(data);
  plan.count = count * executable::DTypeSize(dtype);
  return End(RunBroadcast(plan, root));
}

absl::Status Group::Barrier(const RunControl& control) {
  int32_t word = 0;
  const void* input = &word;
  return AllReduce(ReduceOp::kSum, DType::kInt32, absl::MakeConstSpan(&input, 1), &word, 1,
                   control);
}

// Before the first message of a collective to a peer, both say what they are about to do.
void Group::Greet(int rank) {
  if (greeted_[rank]) return;
  greeted_[rank] = true;
  exchange_.Send(rank, {{greeting_.data(), greeting_.size()}});
  exchange_.Expect(rank, greeting_);
}

absl::StatusOr<runtime::BufferRef> Group::Allocate(int64_t bytes) {
  char* const data = memory_ == nullptr ? nullptr : memory_->Allocate(bytes);
  if (data == nullptr) {
    auto buffer = runtime::Buffer::Allocate(bytes);
    if (buffer.ok()) return *std::move(buffer);
    return absl::ResourceExhaustedError(buffer.status().message());
  }
  return runtime::Buffer::Wrap(data, bytes,
                               [memory = memory_, data, bytes] { memory->Free(data, bytes); });
}

// The offsets of the output and the inputs in this worker's memory, or -1.
std::vector<int64_t> Group::Places(const Plan& plan) const {
  const size_t bytes = plan.count * plan.element_bytes;
  std::vector<int64_t> places = {memory_->OffsetOf(plan.output, bytes)};
  for (const void* input : plan.inputs) places.push_back(memory_->OffsetOf(input, bytes));
  return places;
}

// Returns when every worker has called it.
absl::Status Group::ExchangeWithAll(const std::vector<int64_t>& mine,
                                    std::vector<std::vector<int64_t>>* theirs, const Plan& plan) {
  const size_t bytes = mine.size() * sizeof(int64_t);
  std::vector<uint64_t> tickets(channels_.size());
  theirs->assign(channels_.size(), mine);
  for (int rank = 0; rank < workers(); ++rank) {
    if (rank == options_.rank) continue;
    Greet(rank);
    exchange_.Send(rank, {{const_cast<int64_t*>(mine.data()), bytes}});
    tickets[rank] = exchange_.Receive(rank, {{(*theirs)[rank].data(), bytes}});
  }
  for (int rank = 0; rank < workers(); ++rank) {
    if (rank == options_.rank) continue;
    STATOR_RETURN_IF_ERROR(exchange_.WaitReceived(rank, tickets[rank], *plan.control));
  }
  return exchange_.WaitAllSent(*plan.control);
}

// Once, after something has come from every peer: whether all workers have mapped all memory.
absl::Status Group::AgreeOnMemory(const Plan& plan) {
  int64_t all = 1;
  for (const auto& channel : channels_) {
    if (channel != nullptr && channel->peer_memory() == nullptr) all = 0;
  }
  std::vector<std::vector<int64_t>> answers;
  STATOR_RETURN_IF_ERROR(ExchangeWithAll({all}, &answers, plan));
  in_place_ = InPlace::kYes;
  for (const std::vector<int64_t>& answer : answers) {
    if (answer[0] != 1) in_place_ = InPlace::kNo;
  }
  return absl::OkStatus();
}

// Every worker says where its buffers are; sums its own shard of everybody's; says that it has.
absl::StatusOr<bool> Group::RunInPlace(Plan& plan) {
  const std::vector<int64_t> mine = Places(plan);
  std::vector<std::vector<int64_t>> places;
  STATOR_RETURN_IF_ERROR(ExchangeWithAll(mine, &places, plan));
  if (in_place_ == InPlace::kUnknown) STATOR_RETURN_IF_ERROR(AgreeOnMemory(plan));
  if (in_place_ == InPlace::kNo) return false;
  for (const std::vector<int64_t>& of_worker : places) {
    if (std::count(of_worker.begin(), of_worker.end(), -1) > 0) return false;
  }
  const size_t bytes = plan.count * plan.element_bytes;
  std::vector<const void*> inputs;
  std::vector<void*> outputs;
  for (int rank = 0; rank < workers(); ++rank) {
    const SharedArena* const memory =
        rank == options_.rank ? memory_.get() : channels_[rank]->peer_memory();
    for (size_t i = 0; i < places[rank].size(); ++i) {
      char* const data = memory->At(places[rank][i], bytes);
      if (data == nullptr || places[rank][i] % plan.element_bytes != 0) {
        return absl::DataLossError(
            absl::StrCat(options_.tasks[rank], " named an impossible place in shared memory"));
      }
      i == 0 ? outputs.push_back(data) : inputs.push_back(data);
    }
  }
  const Shard shard = ShardOf(plan.count, workers(), options_.rank);
  plan.arithmetic->sum_in_place(inputs, outputs, shard.begin, shard.end, plan.divisor);
  STATOR_RETURN_IF_ERROR(ExchangeWithAll({0}, &places, plan));
  ++sums_in_place_;
  return true;
}

// Recursive doubling: all of it, to the nearest partner first.
absl::Status Group::RunSmall(Plan& plan) {
  const size_t bytes = plan.count * plan.work_bytes;
  const size_t room = (bytes + 63) / 64 * 64;
  if (work_.size() < 2 * room) work_.resize(2 * room);
  char* work = work_.data();
  char* other = work + room;
  plan.arithmetic->sum_inputs(plan.inputs, 0, work, plan.count);
  for (int level = 0; level < levels_; ++level) {
    const int partner = options_.rank ^ (1 << level);
    Greet(partner);
    exchange_.Send(partner, {{work, bytes}});
    const uint64_t ticket = exchange_.Receive(partner, {{other, bytes}});
    STATOR_RETURN_IF_ERROR(exchange_.WaitReceived(partner, ticket, *plan.control));
    STATOR_RETURN_IF_ERROR(exchange_.WaitSent(partner, *plan.control));
    plan.arithmetic->accumulate(work, other, plan.count);
  }
  plan.arithmetic->finish(work, plan.output, plan.count, plan.divisor);
  return absl::OkStatus();
}

// Recursive halving, then doubling: block after block, each one stage behind the block after it.
absl::Status Group::RunBlocks(Plan& plan) {
  const int64_t longest = ShardOf(plan.count, workers(), 0).end;
  const int64_t fit = options_.block_bytes / plan.work_bytes / workers();
  plan.piece = std::max(kPieceUnit, fit / kPieceUnit * kPieceUnit);
  // An empty message is still greeted.
  const int64_t blocks = std::max<int64_t>(1, (longest + plan.piece - 1) / plan.piece);
  const int stages = plan.stages();
  plan.tickets.resize(stages);
  if (plan.own_work) {
    const size_t bytes = stages * workers() * plan.piece * plan.work_bytes;
    if (work_.size() < bytes) work_.resize(bytes);
  }
  for (int64_t tick = 0; tick < blocks + stages - 1; ++tick) {
    for (int stage = 0; stage < stages; ++stage) {
      const int64_t block = tick - stage;
      if (block < 0 || block >= blocks) continue;
      STATOR_RETURN_IF_ERROR(RunStage(plan, stage, block));
    }
  }
  return exchange_.Flush(*plan.control);
}

// A piece that was sent on the way down is overwritten on the way up only after its receiver has
// summed it, so sends need no waiting; all peers queue their messages in this same order.
absl::Status Group::RunStage(Plan& plan, int stage, int64_t block) {
  if (stage == 0) {
    if (plan.own_work && !plan.gather) {
      STATOR_RETURN_IF_ERROR(exchange_.WaitAllSent(*plan.control));  // work_ is used again
    }
    Prepare(plan, block);
  } else {
    const int partner = options_.rank ^ (1 << plan.moves[stage - 1].level);
    STATOR_RETURN_IF_ERROR(
        exchange_.WaitReceived(partner, plan.tickets[plan.slot(block)], *plan.control));
  }
  const bool reduced = stage == 0 || !plan.moves[stage - 1].gather;
  const bool last = stage == static_cast<int>(plan.moves.size());
  if (reduced && (last || plan.moves[stage].gather)) Finish(plan, block);
  if (last) return absl::OkStatus();

  const Move move = plan.moves[stage];
  const int self = options_.rank;
  const int partner = self ^ (1 << move.level);
  const int bits = move.level + 1;
  Greet(partner);
  uint64_t& ticket = plan.tickets[plan.slot(block)];
  if (move.gather) {
    exchange_.Send(partner, Pieces(plan, block, self, bits, /*work=*/false));
    ticket = exchange_.Receive(partner, Pieces(plan, block, partner, bits, /*work=*/false));
  } else {
    exchange_.Send(partner, Pieces(plan, block, partner, bits, /*work=*/true));
    ticket = exchange_.Receive(partner, Pieces(plan, block, self, bits, /*work=*/true),
                               plan.arithmetic->accumulate, plan.work_bytes);
  }
  return absl::OkStatus();
}

Parts Group::Pieces(const Plan& plan, int64_t block, int like, int bits, bool work) const {
  Parts parts;
  const int mask = (1 << bits) - 1;
  for (int i = like & mask; i < workers(); i += mask + 1) {
    const Shard shard = ShardOf(plan.count, workers(), i);
    const int64_t begin = shard.begin + block * plan.piece;
    const int64_t length = std::min(plan.piece, shard.end - begin);
    if (length <= 0) continue;
    char* bytes = plan.output + begin * plan.element_bytes;
    if (work && plan.own_work) {
      const size_t index = plan.slot(block) * workers() + i;
      bytes = const_cast<char*>(work_.data()) + index * plan.piece * plan.work_bytes;
    }
    parts.push_back({bytes, length * (work ? plan.work_bytes : plan.element_bytes)});
  }
  return parts;
}

// The local subtree.
void Group::Prepare(Plan& plan, int64_t block) {
  if (plan.arithmetic == nullptr) return;
  if (!plan.own_work && plan.inputs.size() == 1 && plan.inputs[0] == plan.output) return;
  for (int i = 0; i < workers(); ++i) {
    for (const iovec& piece : Pieces(plan, block, i, levels_, /*work=*/true)) {
      const int64_t first = ShardOf(plan.count, workers(), i).begin + block * plan.piece;
      plan.arithmetic->sum_inputs(plan.inputs, first, piece.iov_base,
                                  piece.iov_len / plan.work_bytes);
    }
  }
}

// This worker's own shard of a block has its sum.
void Group::Finish(Plan& plan, int64_t block) {
  if (plan.arithmetic == nullptr) return;
  const Parts from = Pieces(plan, block, options_.rank, levels_, /*work=*/true);
  const Parts to = Pieces(plan, block, options_.rank, levels_, /*work=*/false);
  for (size_t i = 0; i < from.size(); ++i) {
    plan.arithmetic->finish(from[i].iov_base, to[i].iov_base, from[i].iov_len / plan.work_bytes,
                            plan.divisor);
  }
}

// A binomial tree around the root; what arrives is passed on block by block.
absl::Status Group::RunBroadcast(Plan& plan, int root) {
  const int self = options_.rank ^ root;  // the root is 0
  const int own_level = self == 0 ? levels_ : std::countr_zero(static_cast<unsigned>(self));
  const int parent = self == 0 ? -1 : (self ^ (1 << own_level)) ^ root;
  const int64_t length = static_cast<int64_t>(options_.block_bytes);
  const int64_t blocks = std::max<int64_t>(1, (plan.count + length - 1) / length);
  if (parent >= 0) Greet(parent);
  for (int level = own_level - 1; level >= 0; --level) Greet((self ^ (1 << level)) ^ root);
  std::vector<uint64_t> tickets(blocks);
  int64_t posted = 0;
  for (int64_t block = 0; block < blocks; ++block) {
    const auto bytes = [&](int64_t which) {
      const int64_t size = std::min(length, plan.count - which * length);
      return Parts{{plan.output + which * length, static_cast<size_t>(size)}};
    };
    if (parent >= 0) {
      for (; posted < blocks && posted < block + kBroadcastAhead; ++posted) {
        tickets[posted] = exchange_.Receive(parent, bytes(posted));
      }
      STATOR_RETURN_IF_ERROR(exchange_.WaitReceived(parent, tickets[block], *plan.control));
    }
    for (int level = own_level - 1; level >= 0; --level) {
      exchange_.Send((self ^ (1 << level)) ^ root, bytes(block));
    }
  }
  return exchange_.Flush(*plan.control);
}

}  // namespace stator::distribute
