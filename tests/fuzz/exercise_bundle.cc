#include "tests/fuzz/exercise_bundle.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <set>
#include <variant>
#include <vector>

#include "executable/verifier.h"
#include "runtime/core/stator_runtime.h"

namespace stator::fuzz {
namespace {

constexpr int64_t kMaxTensorBytes = 1 << 20;
constexpr int64_t kBudget = 16 << 20;
constexpr int64_t kTimeoutNs = 5'000'000;

// So that the sanitizer looks at every byte.
void Touch(const void* data, size_t size) {
  unsigned char sum = 0;
  for (size_t i = 0; i < size; ++i) sum ^= static_cast<const unsigned char*>(data)[i];
  asm volatile("" : : "r"(sum));
}
void Touch(const char* text) { Touch(text, std::strlen(text)); }

int64_t Elements(const stator_tensor& t) {
  int64_t n = 1;
  for (int32_t i = 0; i < t.rank; ++i) {
    if (__builtin_mul_overflow(n, t.dims[i], &n)) return INT64_MAX;
  }
  return n;
}

void TouchTensor(const stator_tensor& t) {
  if (t.bytes == 0) return;
  if (t.dtype != STATOR_STRING) return Touch(t.data, t.bytes);
  const auto* strings = static_cast<const stator_string*>(t.data);
  for (int64_t i = 0; i < Elements(t); ++i) Touch(strings[i].data, strings[i].size);
}

// A host function for any name: reads all that it is given, makes outputs of some size.
stator_code AnyFunction(void* user, stator_call* call, stator_error* error) {
  auto* const random = static_cast<Random*>(user);
  const stator_string attributes = stator_call_attributes(call);
  Touch(attributes.data, attributes.size);
  for (int32_t i = 0; i < stator_call_num_inputs(call); ++i) {
    stator_tensor t = STATOR_INIT(stator_tensor);
    if (const auto code = stator_call_input(call, i, &t, error); code != STATOR_OK) return code;
    if (t.dtype != STATOR_STRING) TouchTensor(t);
    for (int64_t k = 0; t.dtype == STATOR_STRING && k < std::min<int64_t>(Elements(t), 99); ++k) {
      stator_string s;
      if (stator_call_input_string(call, i, k, &s, error) == STATOR_OK) Touch(s.data, s.size);
    }
  }
  for (int32_t i = 0; i < stator_call_num_outputs(call); ++i) {
    stator_tensor t = STATOR_INIT(stator_tensor);
    if (const auto code = stator_call_output(call, i, &t, error); code != STATOR_OK) return code;
    if (t.rank < 0) {
      const int64_t dims[4] = {static_cast<int64_t>(random->Below(5)), 2, 1, 3};
      stator_code code = STATOR_INVALID_ARGUMENT;
      for (int32_t rank = 0; rank <= 4 && code == STATOR_INVALID_ARGUMENT; ++rank) {
        code = stator_call_allocate_output(call, i, rank, dims, &t, error);
      }
      if (code != STATOR_OK) return code;
    }
    if (t.dtype != STATOR_STRING) {
      if (t.bytes > 0) std::memset(t.data, 1, t.bytes);
      continue;
    }
    for (int64_t k = 0; k < std::min<int64_t>(Elements(t), 9); ++k) {
      const auto code = stator_call_set_output_string(call, i, k, "text", 4, error);
      if (code != STATOR_OK) return code;
    }
  }
  return stator_call_poll(call);
}

// What the plan asks for, and whether running it is the executor's business alone.
struct Needs {
  std::set<std::string> functions;
  bool may_run = false;
};
Needs LookInside(const Seed& bundle) {
  Needs needs;
  executable::ReadOptions options;
  options.check = executable::HashCheck::kPlanAndCode;
  options.external_constants = bundle.weights.data();
  options.external_constants_size = bundle.weights.size();
  const auto view = executable::VerifyImage(bundle.bytes.data(), bundle.bytes.size(), options);
  if (!view.ok()) return needs;
  const executable::ImageModel& m = view->plan;
  for (const executable::Block& block : m.blocks) {
    for (const executable::Wave& wave : block.waves) {
      for (const executable::Step& step : wave.steps) {
        const auto* call = std::get_if<executable::HostCall>(&step.body);
        if (call != nullptr) needs.functions.insert(call->function);
      }
    }
  }
#if defined(__x86_64__)
  needs.may_run = true;
#endif
  for (const executable::Kernel& k : m.kernels) {
    for (const executable::KernelPhase& p : k.phases) {
      needs.may_run &= k.code_offset + p.entry_offset <= view->code_size - kTailBytes;
    }
  }
  // Strings in the arena are handles that only kernels put there.
  for (const executable::Buffer& b : m.buffers) {
    const bool by_kernels =
        b.kind == executable::BufferKind::kArena || b.kind == executable::BufferKind::kPersistent;
    needs.may_run &= !(by_kernels && executable::IsObjectDType(b.dtype));
  }
  return needs;
}

class Exerciser {
 public:
  Exerciser(const Seed& bundle, const std::string& folder, Random* random)
      : bundle_(bundle), folder_(folder), random_(random) {}

  Outcome Run() {
    const Needs needs = LookInside(bundle_);
    const bool loaded = Load(needs);
    outcome_.accepted = loaded;
    if (!loaded) return outcome_;
    Introspect();
    UseState();
    UseContext(needs.may_run);
    stator_model_destroy(model_);
    return outcome_;
  }

 private:
  // Each refusal has a code and a text.
  bool Good(stator_code code) {
    if (code == STATOR_OK) return true;
    if (error_.code != code || error_.message[0] == 0) outcome_.bad = "an error without a text";
    if (code == STATOR_UNKNOWN) outcome_.bad = std::string("unknown error: ") + error_.message;
    return false;
  }

  bool Load(const Needs& needs) {
    std::vector<stator_host_entry> functions;
    for (const std::string& name : needs.functions) {
      stator_host_entry entry = STATOR_INIT(stator_host_entry);
      entry.name = name.c_str();
      entry.function = AnyFunction;
      entry.user = random_;
      functions.push_back(entry);
    }
    stator_load_options options = STATOR_INIT(stator_load_options);
    options.verify = random_->OneIn(2) ? STATOR_VERIFY_FULL : STATOR_VERIFY_DEFAULT;
    options.host_functions = functions.data();
    options.num_host_functions = static_cast<int32_t>(functions.size());
    const bool loaded = Good(LoadAnyhow(options));
    if (!loaded && model_ != nullptr) outcome_.bad = "a refused model was handed out";
    return loaded;
  }

  stator_code LoadAnyhow(const stator_load_options& options) {
    const std::vector<uint8_t>& bytes = bundle_.bytes;
    if (!bundle_.external && !random_->OneIn(16)) {
      return stator_model_load_memory(bytes.empty() ? folder_.data() : (const void*)bytes.data(),
                                      bytes.size(), &options, &model_, &error_);
    }
    const std::string path = folder_ + "/mutated.stb";
    const size_t before = bundle_.external || random_->OneIn(2) ? 0 : 65536 * random_->Below(2) + 7;
    WriteFile(path, before, bytes);
    if (bundle_.external) WriteFile(path + ".weights", 0, bundle_.weights);
    if (before == 0) return stator_model_load_file(path.c_str(), &options, &model_, &error_);
    const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    const auto code = stator_model_load_fd(fd, before, bytes.size(), &options, &model_, &error_);
    close(fd);
    return code;
  }

  // By rename, as programs do it: the last bundle may still be mapped.
  static void WriteFile(const std::string& path, size_t before, const std::vector<uint8_t>& bytes) {
    const std::string aside = path + ".new";
    std::FILE* f = std::fopen(aside.c_str(), "wb");
    if (f == nullptr) return;
    const std::string fill(before, 'x');
    std::fwrite(fill.data(), 1, fill.size(), f);
    std::fwrite(bytes.data(), 1, bytes.size(), f);
    std::fclose(f);
    std::rename(aside.c_str(), path.c_str());
  }

  void Introspect() {
    stator_model_info info = STATOR_INIT(stator_model_info);
    if (!Good(stator_model_get_info(model_, &info, &error_))) return;
    for (const char* text : {info.producer, info.arch, info.features}) Touch(text);
    stator_symbol_info symbol = STATOR_INIT(stator_symbol_info);
    for (int32_t i = 0; Good(stator_model_get_symbol(model_, i, &symbol, &error_)); ++i) {
      Touch(symbol.name);
    }
    stator_fixed_weight_info fixed = STATOR_INIT(stator_fixed_weight_info);
    for (int32_t i = 0; i < info.num_fixed_weights; ++i) {
      if (Good(stator_model_get_fixed_weight(model_, i, &fixed, &error_))) Touch(fixed.reason);
    }
    for (int32_t e = STATOR_ALL_ENTRIES; e < info.num_entries; ++e) {
      stator_variable_info v = STATOR_INIT(stator_variable_info);
      for (int32_t i = 0; Good(stator_model_get_variable(model_, e, i, &v, &error_)); ++i) {
        Touch(v.name);
        TouchDims(v.rank, v.dims, v.dim_texts);
      }
    }
  }

  static void TouchDims(int32_t rank, const int64_t* dims, const char* const* texts) {
    for (int32_t i = 0; i < rank; ++i) {
      Touch(&dims[i], sizeof(dims[i]));
      Touch(texts[i]);
    }
  }

  void UseState() {
    stator_state* state = nullptr;
    if (!Good(stator_state_create(model_, &state, &error_))) return;
    for (int32_t i = 0; i < stator_state_num_variables(state); ++i) {
      ReadAndWrite(state, stator_state_variable_name(state, i));
    }
    stator_state* copy = nullptr;
    if (Good(stator_state_copy(state, &copy, &error_))) stator_state_destroy(copy);
    stator_state_destroy(state);
  }

  void ReadAndWrite(stator_state* state, const char* name) {
    Touch(name);
    stator_tensor t = STATOR_INIT(stator_tensor);
    if (!Good(stator_state_read(state, name, &t, &error_))) return;
    if (t.bytes > kMaxTensorBytes) return;
    std::vector<char> value(t.bytes + 1);
    t.data = value.data();
    t.capacity = value.size();
    if (!Good(stator_state_read(state, name, &t, &error_))) return;
    Good(stator_state_write(state, name, &t, &error_));
  }

  void UseContext(bool may_run) {
    stator_context_options options = STATOR_INIT(stator_context_options);
    options.threads = random_->OneIn(32) ? 2 : 1;
    options.memory_budget = kBudget;
    stator_context* context = nullptr;
    if (!Good(stator_context_create(model_, nullptr, &options, &context, &error_))) return;
    stator_entry_info entry = STATOR_INIT(stator_entry_info);
    for (int32_t e = 0; Good(stator_model_get_entry(model_, e, &entry, &error_)); ++e) {
      Touch(entry.name);
      for (int i = 0; i < 3; ++i) UseEntry(context, e, entry, may_run);
    }
    if (stator_state* state = stator_context_state(context)) {
      for (int32_t i = 0; i < stator_state_num_variables(state); ++i) {
        ReadAndWrite(state, stator_state_variable_name(state, i));
      }
    }
    stator_context_destroy(context);
  }

  // Plans, and runs with memory of the library's and with the caller's own.
  void UseEntry(stator_context* context, int32_t e, const stator_entry_info& entry, bool may_run) {
    std::vector<stator_tensor> inputs;
    std::vector<std::vector<char>> memory(static_cast<size_t>(entry.num_inputs));
    for (int32_t i = 0; i < entry.num_inputs; ++i) {
      stator_port_info port = STATOR_INIT(stator_port_info);
      if (!Good(stator_model_get_input(model_, e, i, &port, &error_))) return;
      stator_tensor input = STATOR_INIT(stator_tensor);
      if (!MakeInput(port, &input, &memory[i])) return;
      inputs.push_back(input);
    }
    std::vector<stator_tensor> outputs(entry.num_outputs, STATOR_INIT(stator_tensor));
    for (int32_t i = 0; i < entry.num_outputs; ++i) {
      stator_port_info port = STATOR_INIT(stator_port_info);
      if (Good(stator_model_get_output(model_, e, i, &port, &error_))) Touch(port.name);
    }
    stator_memory_plan plan = STATOR_INIT(stator_memory_plan);
    if (!Good(stator_context_plan(context, e, inputs.data(), entry.num_inputs, outputs.data(),
                                  entry.num_outputs, &plan, &error_))) {
      return;
    }
    if (!may_run) return;
    std::vector<std::vector<char>> results(outputs.size());
    for (size_t i = 0; i < outputs.size(); ++i) {
      if (random_->OneIn(2) && outputs[i].bytes > 0 && outputs[i].bytes < kMaxTensorBytes) {
        results[i].resize(outputs[i].bytes);
        outputs[i].data = results[i].data();
        outputs[i].capacity = results[i].size();
      }
    }
    RunOnce(context, e, inputs, &outputs);
  }

  void RunOnce(stator_context* context, int32_t e, const std::vector<stator_tensor>& inputs,
               std::vector<stator_tensor>* outputs) {
    stator_run_options options = STATOR_INIT(stator_run_options);
    options.timeout_ns = kTimeoutNs;
    const auto code = stator_context_run(context, e, inputs.data(),
                                         static_cast<int32_t>(inputs.size()), outputs->data(),
                                         static_cast<int32_t>(outputs->size()), &options, &error_);
    ++(Good(code) ? outcome_.runs : outcome_.refused_runs);
    if (code != STATOR_OK) return;
    for (const stator_tensor& t : *outputs) TouchTensor(t);
  }

  bool MakeInput(const stator_port_info& port, stator_tensor* t, std::vector<char>* memory) {
    Touch(port.name);
    TouchDims(port.rank, port.dims, port.dim_texts);
    if (port.rank > STATOR_MAX_RANK) return false;
    t->dtype = port.dtype;
    t->rank = port.rank;
    for (int32_t i = 0; i < port.rank; ++i) {
      const int64_t dim = port.dims[i];
      t->dims[i] = dim >= 0 && !random_->OneIn(32) ? dim : size_;
    }
    const int64_t n = Elements(*t);
    const auto element = static_cast<int64_t>(stator_dtype_size(t->dtype));
    int64_t bytes = 0;
    if (n < 0 || __builtin_mul_overflow(n, element, &bytes) || bytes > kMaxTensorBytes)
      return false;
    // Exactly as large as it must be, so that the sanitizer sees the first byte behind it.
    memory->assign(static_cast<size_t>(bytes), 1);
    for (int64_t i = 0; t->dtype == STATOR_STRING && i < n; ++i) {
      const stator_string text = {"some,text", 9};
      std::memcpy(memory->data() + i * element, &text, sizeof(text));
    }
    t->data = memory->data();
    size_ = 1 + static_cast<int64_t>(random_->Below(random_->OneIn(4) ? 300 : 4));
    return true;
  }

  const Seed& bundle_;
  const std::string& folder_;
  Random* const random_;
  int64_t size_ = 2;  // of dims that are open
  stator_model* model_ = nullptr;
  stator_error error_ = STATOR_INIT(stator_error);
  Outcome outcome_;
};

}  // namespace

Outcome Exercise(const Seed& bundle, const std::string& folder, Random* random) {
  return Exerciser(bundle, folder, random).Run();
}

}  // namespace stator::fuzz
