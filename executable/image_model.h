// The executable image as plain structs: what the compiler fills, Serialize writes, Read returns,
// the printer prints and the runtime runs. image.fbs mirrors these structs field by field.
//
// All cross references are indices (int32_t, kNone = absent) into the tables of ImageModel. The
// rules that a well-formed image keeps are listed at each field and checked by
// executable/verifier.h and, for memory, by executable/plan_checker/plan_checker.h.
#ifndef STATOR_EXECUTABLE_IMAGE_MODEL_H_
#define STATOR_EXECUTABLE_IMAGE_MODEL_H_

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "executable/dtype.h"
#include "executable/panels.h"
#include "executable/status.h"

namespace stator::executable {

inline constexpr uint32_t kImageVersion = 2;
inline constexpr int32_t kNone = -1;
// Constants and code start at multiples of this many bytes in the file.
inline constexpr int64_t kSectionAlignment = 64 * 1024;
// Every buffer that is not a view starts at a multiple of this many bytes.
inline constexpr int64_t kBufferAlignment = 64;

// ---- Sizes -----------------------------------------------------------------------------------

// When a symbol gets its value.
enum class SymbolLife : uint8_t {
  kInput = 0,  // at run start, from the dims of feeds and variables
  kStep = 1,   // by a BindSymbol step, or by the shape that a host call's Dynamic output got
  kLoop = 2,   // by a While step: initial value, then a next value after each iteration
};

struct Symbol {
  std::string name;  // shown to users: "batch of x"
  SymbolLife life = SymbolLife::kInput;
  int64_t min = 0;  // a bound value outside [min, max] is an InvalidArgument
  int64_t max = INT64_MAX;
  int64_t divisor = 1;  // likewise when value % divisor != 0; >= 1
};

enum class ExprKind : uint8_t {
  kConst = 0,   // value
  kSymbol = 1,  // symbols[value]
  kScalar = 2,  // launch scalar number `value`; only in grids and scratch sizes of kernels
  kAdd = 3,     // lhs + rhs, and so on
  kMul = 4,
  kFloorDiv = 5,  // rounds toward minus infinity; division by zero is an error
  kCeilDiv = 6,
  kMod = 7,  // sign of the divisor
  kMin = 8,
  kMax = 9,
};

// One node of the expression table; operands have smaller indices, so the table is in evaluation
// order. Evaluation is in int64 and checked: an overflow is a Status, never a wrapped number.
struct Expr {
  ExprKind kind = ExprKind::kConst;
  int64_t value = 0;
  int32_t lhs = kNone;
  int32_t rhs = kNone;
  bool operator==(const Expr&) const = default;
};

// ---- Buffers ---------------------------------------------------------------------------------

enum class BufferKind : uint8_t {
  kArena = 0,         // planned: an offset in its segment, computed when input symbols are known
  kDynamic = 1,       // memory between an Alloc and a Free step (or a host call's own output)
  kInput = 2,         // the caller's feed, read only
  kOutput = 3,        // result memory: the caller's own, or made by the runtime at run start (or by
                      // an Alloc step, when its size holds Step or Loop symbols)
  kConstant = 4,      // bytes of the constants section, read only
  kVariableRead = 5,  // the version that the run pinned, read only (but see Variable::in_place)
  kVariableWrite = 6,  // the version that the run publishes
  kPersistent = 7,  // written by the init block, then read only: packed weights, folded constants
};

struct Buffer {
  std::string name;  // for people: usually the source tensor's name
  DType dtype = DType::kInvalid;
  std::vector<int32_t> dims;  // expressions; empty: a scalar
  int32_t byte_size = kNone;  // expression; at least the product of dims times the element size
  int64_t alignment = kBufferAlignment;  // bytes, a power of two
  BufferKind kind = BufferKind::kArena;
  int32_t segment = 0;       // index of segments; arena buffers only
  int32_t device = 0;        // index of devices
  int32_t memory_space = 0;  // 0: the device's ordinary memory
  int32_t stream = 0;
  // Inclusive wave numbers between which the content is needed. For a buffer that is defined before
  // a while loop and used inside it, last_wave reaches at least the loop's last wave.
  int32_t first_wave = 0;
  int32_t last_wave = 0;
  // A view: the same content as buffer `alias_of` from byte `alias_offset` (expression) on. A view
  // has its base's kind, no memory of its own, and a lifetime inside its base's. Chains are
  // allowed, cycles not.
  int32_t alias_of = kNone;
  int32_t alias_offset = kNone;
  // In place: a new value in the memory of buffer `in_place_of`, whose content ends where this one
  // is written: the last readers run before that step, or are that step itself through an argument
  // that may share. Both are kArena with the same segment; this one is not larger.
  int32_t in_place_of = kNone;
  // kConstant: byte range of the constants section; string constants: see EncodeStrings.
  int64_t constant_offset = 0;
  int64_t constant_size = 0;
};

// A part of the arena. Version 1 sizes every segment at run start (input symbols only).
struct Segment {
  std::string name;
  int32_t device = 0;
  int32_t memory_space = 0;
};

struct Device {
  std::string name = "cpu:0";
  std::string kind = "cpu";  // version 1 runs "cpu" only
};

// ---- Kernels ---------------------------------------------------------------------------------

enum class Access : uint8_t { kRead = 0, kWrite = 1, kReadWrite = 2 };

struct KernelArgument {
  Access access = Access::kRead;
  // An input argument whose memory this output argument may share exactly; else kNone, and the
  // kernel's code takes the two as noalias.
  int32_t may_share = kNone;
};

// Phases of one launch run in order with a barrier between.
struct KernelPhase {
  int64_t entry_offset = 0;  // bytes from the kernel's first byte of code
  int32_t grid = kNone;      // expression over kScalar: the number of tiles
};

struct Kernel {
  std::string name;
  std::string kind;         // "elementwise", "contraction", "reduction", ...: for the report
  int64_t code_offset = 0;  // bytes from the start of the code section
  int64_t code_size = 0;
  std::vector<KernelPhase> phases;
  std::vector<KernelArgument> arguments;
  int32_t num_scalars = 0;
  int32_t scratch_bytes = kNone;  // expression over kScalar: bytes per worker; kNone: none
  bool may_fail = false;  // has checks: may return nonzero. Such a kernel must not write a variable
                          // in place, since the run must be able to forget the write.
};

// What a fused kernel may report: Frame::error->check is an index of ImageModel::checks.
struct CheckInfo {
  Code code = Code::kInvalidArgument;
  std::string message;
  int32_t source_node = kNone;
};

// ---- Steps -----------------------------------------------------------------------------------

// Why a launch exists and what it costs.
struct Report {
  std::vector<int32_t> source_nodes;
  std::string why;        // why fused like this
  int32_t bytes = kNone;  // expression: bytes that the launch must move; kNone: unknown
  int32_t flops = kNone;  // expression
};

struct LaunchKernel {
  int32_t kernel = kNone;
  std::vector<int32_t> buffers;  // one per kernel argument
  std::vector<int32_t> scalars;  // expressions, one per kernel scalar
  Report report;
};

// Copies all bytes of `source` (its byte_size) to the start of `destination`.
struct Copy {
  int32_t source = kNone;
  int32_t destination = kNone;
};

// Calls a registered C++ function. An output of kind kDynamic that no Alloc step made is allocated
// by the function itself; the Step symbols that its dims are (as plain kSymbol expressions) are
// then bound to the shape that the function chose, other dims are checked against it.
struct HostCall {
  std::string function;
  std::vector<int32_t> inputs;
  std::vector<int32_t> outputs;
  std::string attributes;  // bytes that only the function understands
};

// `predicate`: a bool scalar. Either block may be kNone (nothing to do).
struct If {
  int32_t predicate = kNone;
  int32_t then_block = kNone;
  int32_t else_block = kNone;
};

// Buffers whose memory is exchanged after each iteration: the body reads `current`, writes `next`.
// After the loop `current` is the result. Both have kind kArena or kDynamic, equal kind and, for
// kArena, equal byte_size; neither is a view, or in place.
struct CarriedPair {
  int32_t current = kNone;
  int32_t next = kNone;
};

struct LoopSymbol {
  int32_t symbol = kNone;
  int32_t initial = kNone;  // expression, evaluated before the first predicate
  int32_t next = kNone;  // expression over the values at the end of an iteration; all next values
                         // are computed, then all loop symbols are rebound
};

// loop symbols = initial; while (cond block; predicate) { body block; exchange; rebind; }
struct While {
  int32_t cond_block = kNone;
  int32_t predicate = kNone;  // bool scalar that the cond block writes
  int32_t body_block = kNone;
  std::vector<CarriedPair> carried;
  std::vector<LoopSymbol> loop_symbols;
};

struct CallBlock {
  int32_t block = kNone;
};

// symbol = source[element]; `source` has dtype int32 or int64.
struct BindSymbol {
  int32_t symbol = kNone;
  int32_t source = kNone;
  int64_t element = 0;
};

// Gives a kDynamic (or kOutput) buffer memory, metered against the run's budget. Memory that it
// already holds is released first, so that a loop body may Alloc each iteration.
struct Alloc {
  int32_t buffer = kNone;
  int32_t bytes = kNone;  // expression; kNone: the buffer's byte_size
};

struct Free {
  int32_t buffer = kNone;
};

// Fails the run when any element of the bool buffer is false.
struct Check {
  int32_t predicate = kNone;
  int32_t check = kNone;  // index of ImageModel::checks: code, message, source node
};

// Kinds that the format declares and that version 1's runtime refuses with Unimplemented.
enum class DeclaredKind : uint8_t {
  kSend = 0,
  kRecv = 1,
  kCollective = 2,
  kStart = 3,
  kAwait = 4,
  kLibraryContraction = 5,
};
struct Declared {
  DeclaredKind kind = DeclaredKind::kSend;
  std::string name;  // channel, collective, library entry
  std::vector<int32_t> inputs;
  std::vector<int32_t> outputs;
  std::string attributes;
};

// A run keeps ImageModel::num_lists stacks of tensors, empty at its start and metered against its
// budget: what a loop leaves for its backward loop, when nobody knows how often it will run.
enum class ListAction : uint8_t {
  kClear = 0,
  kPush = 1,  // a copy of the buffer's bytes (its byte_size now)
  kPop = 2,   // the last bytes into the buffer, whose byte_size must be theirs
};
struct UseList {
  ListAction action = ListAction::kClear;
  int32_t list = kNone;
  int32_t buffer = kNone;  // kNone for kClear
};

using StepBody = std::variant<LaunchKernel, Copy, HostCall, If, While, CallBlock, BindSymbol, Alloc,
                              Free, Check, Declared, UseList>;

// Order of the alternatives of StepBody.
enum class StepKind : uint8_t {
  kLaunchKernel = 0,
  kCopy = 1,
  kHostCall = 2,
  kIf = 3,
  kWhile = 4,
  kCallBlock = 5,
  kBindSymbol = 6,
  kAlloc = 7,
  kFree = 8,
  kCheck = 9,
  kDeclared = 10,
  kUseList = 11,
};
inline constexpr int kNumStepKinds = 12;
const char* StepKindName(StepKind kind);

struct Step {
  StepBody body;
  int32_t source_node = kNone;  // index of nodes: what an error or a trace names
  int32_t device = 0;
  int32_t stream = 0;
  StepKind kind() const { return static_cast<StepKind>(body.index()); }
};

// Steps between two barriers; they may run in any order or at the same time.
//
// Numbers grow in program order over the whole image: entry by entry, init block before main block,
// and a nested block's waves come directly after the wave of the step that runs it (cond before
// body, then before else) and before its block's next wave. So a lifetime is an interval. A wave
// that holds an If, While or CallBlock holds no other step.
struct Wave {
  int32_t number = 0;
  std::vector<Step> steps;
};

// Each block is run by exactly one entry point or one step.
struct Block {
  std::string name;
  std::vector<Wave> waves;
};

// ---- Entry points ----------------------------------------------------------------------------

// A feed or a fetch. Dims that are plain Input symbols bind them; other dims are checked. A fetch's
// buffer may be of any kind; what is not kOutput is copied out or, if immutable, shared. An arena
// buffer that is fetched lives to the entry's last wave.
struct Port {
  std::string name;  // "x:0"
  DType dtype = DType::kInvalid;
  std::vector<int32_t> dims;  // expressions
  int32_t buffer = kNone;
  int32_t source_node = kNone;
};

struct Variable {
  std::string name;
  DType dtype = DType::kInvalid;
  std::vector<int32_t> read_dims;      // bind and check like a feed's, when read_buffer is set
  std::vector<int32_t> write_dims;     // of the published version
  int32_t read_buffer = kNone;         // kVariableRead; reading an uninitialized one is an error
  int32_t write_buffer = kNone;        // kVariableWrite; written by one step (one per If branch)
  int32_t initialized_buffer = kNone;  // kInput bool scalar: was it initialized at run start?
  // The write may use the read version's memory when nobody else holds it: every use of the old
  // content comes before, or in, the step that writes, and that kernel's argument may share.
  bool in_place = false;
  // The write leaves some elements as they were: a fresh version starts as a copy of the old one.
  bool partial_write = false;
  // Starts as zeros when the session holds no value (hidden random counters): reading it is no error.
  bool zero_initialized = false;
  int32_t source_node = kNone;
  // How the read version lies in memory, as the bytes of an initial value do. Another layout than
  // kRowMajor only where read_dims are constants that fit it; all entry points that read or write
  // the variable agree. Callers see row-major values only.
  Layout layout = Layout::kRowMajor;
};

enum class Relation : uint8_t { kEqual = 0, kLessOrEqual = 1, kDivides = 2 /* rhs % lhs == 0 */ };

// Evaluated when Input symbols are bound, before any effect.
struct Guard {
  int32_t lhs = kNone;
  int32_t rhs = kNone;
  Relation relation = Relation::kEqual;
  std::string message;  // in the user's terms: "batch of x must equal batch of y, line 42"
  int32_t source_node = kNone;
};

struct EntryPoint {
  std::string name;
  std::vector<Port> feeds;
  std::vector<Port> fetches;
  std::vector<std::string> targets;
  std::vector<Variable> variables;
  std::vector<Guard> guards;
  std::vector<std::string> facts;  // what the compile assumed: "x:0[0]=1"
  int32_t main_block = kNone;
  // Run once per load and, when init_variables is not empty, again whenever one of those variables
  // (indices of `variables`) has another version. Writes kPersistent buffers only.
  int32_t init_block = kNone;
  std::vector<int32_t> init_variables;
};

// A node of the user's graph.
struct Node {
  std::string name;
  std::string op;
  std::string file;
  int32_t line = 0;
};

// A tensor of numbers whose bytes lie in the constants section.
struct StoredTensor {
  std::string name;
  DType dtype = DType::kInvalid;
  std::vector<int64_t> dims;
  int64_t constant_offset = 0;  // a multiple of kBufferAlignment
  int64_t constant_size = 0;    // exactly the tensor's bytes
};

// Inputs of an entry point, in the order of its feeds, and what it computed from them when the image
// was made, in the order of its fetches.
struct Sample {
  int32_t entry = kNone;
  std::vector<StoredTensor> inputs;
  std::vector<StoredTensor> outputs;
};

// A weight that was compiled in, so that nobody can replace it, and why.
struct FixedWeight {
  std::string name;
  std::string reason;
};

struct Target {
  std::string name;                   // what the user asked for: "x86-64-v3", "native"
  std::string arch = "x86_64";        // "x86_64" or "aarch64"
  std::vector<std::string> features;  // LLVM's names that the code needs: "avx512f", "fma"
  int32_t vector_bytes = 0;
};

struct ImageModel {
  std::string producer;  // "stator 0.1"
  Target target;
  std::vector<Device> devices = {Device{}};
  std::vector<Segment> segments = {Segment{"arena", 0, 0}};
  std::vector<Symbol> symbols;
  std::vector<Expr> expressions;
  std::vector<Buffer> buffers;
  std::vector<Kernel> kernels;
  std::vector<CheckInfo> checks;
  std::vector<Block> blocks;
  std::vector<EntryPoint> entry_points;
  std::vector<Node> nodes;
  int32_t num_lists = 0;
  // What variables hold when nobody has written them: weights, and the state at which training goes
  // on. One per name; variables without one start uninitialized.
  std::vector<StoredTensor> initial_values;
  std::vector<FixedWeight> fixed_weights;
  std::vector<Sample> samples;
  std::vector<uint8_t> constants;  // the section's bytes, filled through AddConstant
  std::vector<uint8_t> code;       // the section's bytes, filled through AddCode
};

}  // namespace stator::executable

#endif  // STATOR_EXECUTABLE_IMAGE_MODEL_H_
