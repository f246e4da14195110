// Instantiates what a program without any library would use: emit_object_test.sh looks at which
// symbols this needs.
#include "branch.h"
#include "chain.h"
#include "checked.h"
#include "doubling.h"
#include "prefix.h"
#include "squares.h"
#include "stateful.h"

template <typename Entry>
int Run(Entry* entry, void* scratch) {
  if (entry->scratch_size(5) > 100000) return 1;
  return entry->run(5, scratch);
}

extern "C" const char* use_all(const float* x, float* out, void* memory) {
  chain::Main a;
  a.x = x;
  a.model_y = x;
  a.out = out;
  a.class_ = out;
  doubling::Main b;
  b.x = x;
  b.out = out;
  branch::Main c;
  c.x = x;
  c.out = out;
  checked::Main d;
  d.x = x;
  d.out = out;
  squares::Main e;
  e.x = x;
  e.out = out;
  prefix::Main f;
  f.x = x;
  f.out = out;
  int code = Run(&a, memory) + Run(&b, memory) + Run(&c, memory) + Run(&d, memory) +
             Run(&e, memory) + Run(&f, memory);
  stateful::State state;
  state.init(memory);
  for (int i = 0; i < stateful::State::kCount; ++i) {
    if (!state.has_value(i)) state.set(i, x);
  }
  stateful::TrainStep train;
  train.state = &state;
  train.x = x;
  train.total = out;
  code += train.run(memory);
  stateful::Evaluate evaluate;
  evaluate.state = &state;
  evaluate.out = out;
  code += evaluate.init(memory, memory) + evaluate.run(memory);
  return chain::message(code);
}
